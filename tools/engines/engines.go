// Package engines fetches and runs the programs that emulate AWS in the tests.
// Downloads are pinned under tools/engines and kept in .build. Each engine is
// started once per run, on a free port of the loopback interface.
package engines

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

// Engine describes a program that emulates AWS: how it is downloaded and started, and how
// to find out that it is ready.
type Engine struct {
	Name    string // the engine's name, which tests record when they use the engine
	Version string
	Env     string // the environment variable that tells tests its URL
	Needs   []prereq.Tool

	pin     string        // the file under tools/engines that pins the engine's version
	madeBy  []prereq.Tool // whether the download works only with the versions of the tools that made it
	install func(ctx context.Context, pin, dir string) error
	command func(dir, port string) []string
	ready   func(ctx context.Context, url string) (*http.Request, error)
}

// All returns every engine. The engines are started with the commands that their
// documentation gives for use without a container.
func All() []Engine {
	return []Engine{
		{
			Name:    enginetest.DynamoDBLocal,
			Version: "3.1.0",
			Env:     enginetest.EnvDynamoDB,
			Needs:   []prereq.Tool{prereq.Java, prereq.Maven},
			pin:     "dynamodb-local/pom.xml",
			install: installJars,
			command: func(dir, port string) []string {
				return []string{"java", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.library.path=" + dir, "-cp", jars(dir),
					"software.amazon.dynamodb.services.local.main.ServerRunner",
					"-inMemory", "-disableTelemetry", "-port", port}
			},
			ready: listTables,
		},
		{
			Name:    enginetest.ElasticMQ,
			Version: "1.7.1",
			Env:     enginetest.EnvSQS,
			Needs:   []prereq.Tool{prereq.Java, prereq.Maven},
			pin:     "elasticmq/pom.xml",
			install: installJars,
			command: func(dir, port string) []string {
				return []string{"java", "-Xmx256m",
					"-Dnode-address.host=localhost", "-Dnode-address.port=" + port,
					"-Drest-sqs.bind-hostname=127.0.0.1", "-Drest-sqs.bind-port=" + port,
					"-Drest-stats.enabled=false", "-Dgenerate-node-address=true", "-Daws.region=us-east-1",
					"-cp", jars(dir), "org.elasticmq.server.Main"}
			},
			ready: get("/?Action=ListQueues"),
		},
		moto(),
	}
}

func moto() Engine {
	e := venv(enginetest.Moto, "5.2.5", "moto")
	e.Env = enginetest.EnvMoto
	e.command = func(dir, port string) []string {
		return []string{venvPython(dir), "-m", "moto.server", "-H", "127.0.0.1", "-p", port}
	}
	e.ready = get("/moto-api/data.json")
	return e
}

// Select returns the engines in list: "all", "none", or names separated by commas.
func Select(list string) ([]Engine, error) {
	switch list {
	case "all":
		return All(), nil
	case "none":
		return nil, nil
	}
	known := make(map[string]Engine)
	var names []string
	for _, e := range All() {
		known[e.Name] = e
		names = append(names, e.Name)
	}
	var selected []Engine
	for name := range strings.SplitSeq(list, ",") {
		e, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("there is no engine %q; the engines are %s", name, strings.Join(names, ", "))
		}
		selected = append(selected, e)
	}
	return selected, nil
}

func jars(dir string) string { return filepath.Join(dir, "*") }

// The function `get` makes the request that an engine answers with 200 when it is ready.
func get(path string) func(context.Context, string) (*http.Request, error) {
	return func(ctx context.Context, url string) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, url+path, http.NoBody)
	}
}

// DynamoDB Local requires a signature, but does not verify it.
func listTables(ctx context.Context, url string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+
		"Credential=test/20200101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	return req, nil
}
