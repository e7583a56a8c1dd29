package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Package is what `go list -json` says of a package.
type Package struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// ReadPackages reads the output of `go list -deps -json`.
func ReadPackages(r io.Reader) ([]Package, error) {
	var all []Package
	for dec := json.NewDecoder(r); ; {
		var p Package
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the list of packages: %w", err)
		}
		all = append(all, p)
	}
}

const (
	module  = "github.com/smsqueue/smsqueue/"
	domain  = module + "shared/sms"
	server  = module + "services/server"
	program = module + "services/smsqueue"
)

var (
	// adapters implement the ports of the domain, each with a library of its own.
	adapters = []string{
		module + "shared/dynamo",
		module + "shared/sqsqueue",
		module + "shared/sns",
		module + "shared/sqlite",
		module + "shared/simulator",
	}
	// local is for one machine: no Lambda function carries it.
	local = []string{module + "shared/sqlite", module + "shared/simulator", "github.com/spf13/cobra"}

	// forTests is imported by tests alone. What it is made of may import it.
	forTests = []string{
		module + "shared/smstest",
		module + "shared/enginetest",
		module + "shared/lambdatest",
		module + "shared/faultproxy",
		"testing",
		"github.com/google/go-cmp",
		"pgregory.net/rapid",
	}
)

// Directions returns a sentence for each import, direct or not, that points the
// wrong way in packages, which must come with all their dependencies.
func Directions(packages []Package) []string {
	standard := make(map[string]bool)
	for _, p := range packages {
		standard[p.ImportPath] = p.Standard
	}
	var wrong []string
	for _, p := range packages {
		path := p.ImportPath
		if !strings.HasPrefix(path, module) || in(path, module+"test", module+"tools") {
			continue
		}
		for _, dep := range p.Deps {
			if reason := forbidden(path, dep, standard[dep]); reason != "" {
				wrong = append(wrong, fmt.Sprintf("%s depends on %s: %s", path, dep, reason))
			}
		}
		for _, imported := range p.Imports {
			if reason := forbiddenDirectly(path, imported); reason != "" {
				wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", path, imported, reason))
			}
		}
	}
	return wrong
}

// forbidden says why the package path must not depend on dep, by whatever way.
func forbidden(path, dep string, standard bool) string {
	switch {
	case in(path, domain) && !standard && !in(dep, domain, "github.com/google/uuid"):
		return "the domain needs the standard library and uuid alone"
	case in(path, adapters...) && in(dep, adapters...) && !sameAdapter(path, dep):
		return "an adapter knows no other"
	case isLambda(path) && in(dep, local...):
		return "it is for one machine, not for a Lambda function"
	case isService(path) && !isLambda(path) && in(dep, adapters...):
		return "a service knows the ports, not the adapters"
	case in(path, module+"shared") && in(dep, module+"services"):
		return "what is shared knows no service"
	}
	return ""
}

// forbiddenDirectly says why the package path must not import dep itself.
func forbiddenDirectly(path, dep string) string {
	switch {
	case in(dep, forTests...) && !in(path, forTests...):
		return "it is for tests alone"
	case dep == module+"shared/phone" && !in(path, module+"services/api"):
		return "its start takes 7 ms, which the api alone pays"
	case isService(path) && !isLambda(path) && isService(dep) && serviceOf(dep) != serviceOf(path):
		return "services meet where a main joins them"
	}
	return ""
}

// isService tells a service, or one of its packages, from the server and the
// program, which join them all and choose their adapters.
func isService(path string) bool {
	return in(path, module+"services") && !in(path, server, program)
}

func isLambda(path string) bool { return isService(path) && strings.HasSuffix(path, "/lambda") }

func serviceOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, module+"services/"), "/")
	return name
}

func sameAdapter(a, b string) bool {
	return slices.ContainsFunc(adapters, func(root string) bool { return in(a, root) && in(b, root) })
}

// in tells whether path is one of roots or lies below one.
func in(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}
