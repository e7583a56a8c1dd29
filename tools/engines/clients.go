package engines

import (
	"path/filepath"

	"github.com/smsqueue/smsqueue/tools/prereq"
)

// The generators of clients are not engines, but are fetched like engines.

// OpenAPIGenerators returns the newest openapi-generator and an old one that many projects
// still use. The download is one jar.
func OpenAPIGenerators() []Engine {
	return []Engine{jar("openapi-generator", "7.25.0"), jar("openapi-generator-7.12", "7.12.0")}
}

// SwaggerCodegen returns swagger-codegen. The download is one jar.
func SwaggerCodegen() Engine { return jar("swagger-codegen", "3.0.57") }

// ClientsPython returns openapi-python-client, with what clients in Python need. Use
// [VenvPython].
func ClientsPython() Engine {
	return venv("openapi-python-client", "0.29.1", "clients")
}

func jar(name, version string) Engine {
	return Engine{
		Name: name, Version: version, Needs: []prereq.Tool{prereq.Java, prereq.Maven},
		pin: filepath.Join(name, "pom.xml"), install: installJars,
	}
}
