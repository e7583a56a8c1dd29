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
	// joiners lists the programs that combine all services on one machine and choose their
	// adapters.
	joiners = []string{module + "services/server", module + "services/smsqueue"}

	// adapters lists the packages that implement the domain's ports, each of them with
	// another library. To make the rules apply to a new adapter, add its package to this
	// list. No other list needs it.
	adapters = []string{
		module + "shared/dynamo",
		module + "shared/sqsqueue",
		module + "shared/sns",
		module + "shared/sqlite",
		module + "shared/simulator",
	}
	// receiptFormats lists the packages that read and write receipts in a provider's format.
	receiptFormats = []string{module + "shared/sns/deliverylog"}
	// This list has the packages that a Lambda function must not contain.
	local = []string{module + "shared/sqlite", module + "shared/simulator", module + "shared/folder", "github.com/spf13/cobra"}

	// Only tests, and other packages on this list, are allowed to import these packages.
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

// Directions returns a sentence for each forbidden import, direct or indirect. The given
// packages must include all dependencies.
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

// Returns the reason why the package `path` must not depend on the package `dep`, even
// indirectly. It returns "" if this dependency is allowed.
func forbidden(path, dep string, standard bool) string {
	switch {
	case in(path, domain) && !standard && !in(dep, domain, "github.com/google/uuid"):
		return "the domain imports the standard library and uuid alone"
	case in(path, receiptFormats...) && !standard && !in(dep, domain, "github.com/google/uuid") && !in(dep, path):
		return "a function that reads receipts must not link the provider's SDK"
	case in(path, adapters...) && in(dep, adapters...) && !sameAdapter(path, dep):
		return "an adapter imports no other"
	case isLambda(path) && in(dep, local...):
		return "it is for one machine, never for a Lambda function"
	case isService(path) && !isLambda(path) && in(dep, adapters...):
		return "a service imports the ports, not the adapters"
	case in(path, module+"shared") && in(dep, module+"services"):
		return "shared code imports no service"
	case in(dep, module+"test", module+"tools"):
		return "what ships imports neither tools nor tests"
	}
	return ""
}

// forbiddenDirectly returns the reason why the package `path` must not itself import the
// package `dep`. It returns "" if this import is allowed.
func forbiddenDirectly(path, dep string) string {
	switch {
	case in(dep, forTests...) && !in(path, forTests...):
		return "only tests may import it"
	case dep == module+"shared/phone" && !in(path, module+"services/api", module+"test/campaigns/differential"):
		return "loading it takes time, and only api needs it"
	case isService(path) && !isLambda(path) && isService(dep) && serviceOf(dep) != serviceOf(path):
		return "only a main joins services"
	}
	return ""
}

// isService reports whether a package is a service or a part of one. The programs in
// joiners are not services.
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

// The function in reports whether a path is equal to one of the roots, or is below one of
// them.
func in(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}
