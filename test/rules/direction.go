package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Package holds what `go list -json` prints about a package.
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
	module = "github.com/smsqueue/smsqueue/"
	domain = module + "shared/sms"
)

var (
	// joiners are the programs that combine all services on one machine and
	// choose their adapters.
	joiners = []string{module + "services/server", module + "services/smsqueue"}

	// adapters implement the ports of the domain, each with a library of its own.
	// A new adapter is listed here and nowhere else.
	adapters = []string{
		module + "shared/dynamo",
		module + "shared/sqsqueue",
		module + "shared/sns",
		module + "shared/sqlite",
		module + "shared/simulator",
	}
	// receiptFormats lists the packages that read and write the providers' receipts.
	receiptFormats = []string{module + "shared/sns/deliverylog"}
	// local lists packages that no Lambda function may contain.
	local = []string{module + "shared/sqlite", module + "shared/simulator", "github.com/spf13/cobra"}

	// forTests lists packages that only tests, and packages on this list, may
	// import.
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
// wrong way. The packages must include all their dependencies.
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

// forbidden returns why the package path must not depend on dep, directly or
// not, and "" if it may.
func forbidden(path, dep string, standard bool) string {
	switch {
	case in(path, domain) && !standard && !in(dep, domain, "github.com/google/uuid"):
		return "the domain imports the standard library and uuid alone"
	case in(path, receiptFormats...) && !standard && !in(dep, domain, "github.com/google/uuid") && !in(dep, path):
		return "the function that reads receipts links no SDK of their provider"
	case in(path, adapters...) && in(dep, adapters...) && !sameAdapter(path, dep):
		return "an adapter imports no other"
	case isLambda(path) && in(dep, local...):
		return "it runs on one machine, never in a Lambda function"
	case isService(path) && !isLambda(path) && in(dep, adapters...):
		return "a service imports the ports, not the adapters"
	case in(path, module+"shared") && in(dep, module+"services"):
		return "shared code imports no service"
	case in(dep, module+"test", module+"tools"):
		return "what ships imports neither tools nor tests"
	}
	return ""
}

// forbiddenDirectly returns why the package path must not import dep itself,
// and "" if it may.
func forbiddenDirectly(path, dep string) string {
	switch {
	case in(dep, forTests...) && !in(path, forTests...):
		return "only tests may import it"
	case dep == module+"shared/phone" && !in(path, module+"services/api"):
		return "loading it takes time, and only api needs it"
	case isService(path) && !isLambda(path) && isService(dep) && serviceOf(dep) != serviceOf(path):
		return "services are joined in a main only"
	}
	return ""
}

// isService reports whether path is a service or one of its packages.
func isService(path string) bool {
	return in(path, module+"services") && !in(path, joiners...)
}

func isLambda(path string) bool { return isService(path) && strings.HasSuffix(path, "/lambda") }

func serviceOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, module+"services/"), "/")
	return name
}

func sameAdapter(a, b string) bool {
	return slices.ContainsFunc(adapters, func(root string) bool { return in(a, root) && in(b, root) })
}

// in reports whether path is one of roots or below one.
func in(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}
