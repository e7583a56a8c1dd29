package rules

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/tools/engines"
)

func TestImportsPointTheRightWay(t *testing.T) {
	repo := findRepository(t)
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports,Deps", "work")
	list.Dir = repo.Path()
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages, err := ReadPackages(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 100 {
		t.Fatalf("only %d packages were listed, want more", len(packages))
	}
	for _, wrong := range Directions(packages) {
		t.Error(wrong)
	}
}

func TestDirections(t *testing.T) {
	dep := func(path string, deps ...string) []Package {
		all := []Package{{ImportPath: path, Imports: deps, Deps: deps}}
		for _, d := range deps {
			all = append(all, Package{ImportPath: d, Standard: !strings.Contains(d, ".")})
		}
		return all
	}
	m := module
	tests := map[string]struct {
		packages []Package
		wrong    int
	}{
		"the domain may use the standard library and uuid":   {dep(domain, "time", "github.com/google/uuid"), 0},
		"the domain may use nothing else":                    {dep(domain, "github.com/aws/aws-sdk-go-v2/aws"), 1},
		"an adapter may use its SDK and the domain":          {dep(m+"shared/dynamo", domain, "github.com/aws/aws-sdk-go-v2/aws"), 0},
		"an adapter may use its own packages":                {dep(m+"shared/sqlite", m+"shared/sqlite/schema"), 0},
		"a format of receipts uses the domain":               {dep(m+"shared/sns/deliverylog", domain, "github.com/google/uuid", "time"), 0},
		"a format of receipts may not use an SDK":            {dep(m+"shared/sns/deliverylog", "github.com/aws/aws-sdk-go-v2/service/sns"), 1},
		"an adapter may not use another":                     {dep(m+"shared/simulator", m+"shared/sqlite"), 1},
		"a service may not use an adapter":                   {dep(m+"services/sender", m+"shared/dynamo"), 1},
		"a function may use the adapters of AWS":             {dep(m+"services/sender/lambda", m+"services/sender", m+"shared/dynamo"), 0},
		"a function may not use SQLite":                      {dep(m+"services/sender/lambda", m+"shared/sqlite"), 1},
		"the server may use everything":                      {dep(m+"services/server", m+"services/api", m+"shared/sqlite", m+"shared/simulator"), 0},
		"the program may use everything":                     {dep(m+"services/smsqueue", m+"services/server", m+"shared/dynamo", "github.com/spf13/cobra"), 0},
		"a function may not use cobra":                       {dep(m+"services/sender/lambda", "github.com/spf13/cobra"), 1},
		"a function may join two services":                   {dep(m+"services/relay/lambda", m+"services/relay", m+"services/receipts"), 0},
		"a service may not use another":                      {dep(m+"services/relay", m+"services/sender"), 1},
		"shared code may not use a service":                  {dep(m+"shared/lambdatest", m+"services/api"), 1},
		"the api may read numbers":                           {dep(m+"services/api", m+"shared/phone"), 0},
		"no other service may read numbers":                  {dep(m+"services/sender", m+"shared/phone"), 1},
		"only tests may use a conformance suite":             {dep(m+"services/api", m+"shared/smstest"), 1},
		"only tests may use package testing":                 {dep(domain, "testing"), 1},
		"a conformance suite may use what tests use":         {dep(m+"shared/smstest", "testing", "github.com/google/go-cmp/cmp"), 0},
		"the test module may use anything":                   {dep(m+"test/e2e", m+"shared/sqlite", "testing"), 0},
		"a tool may use anything":                            {dep(m+"tools/runtests", m+"services/api", "testing"), 0},
		"the program may not use a tool":                     {dep(m+"services/smsqueue", m+"tools/prereq"), 1},
		"a package whose name only begins like an adapter's": {dep(m+"services/api", m+"shared/sqlitex"), 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if wrong := Directions(tt.packages); len(wrong) != tt.wrong {
				t.Errorf("got %q, want %d sentences", wrong, tt.wrong)
			}
		})
	}
}

func TestFilesAreShort(t *testing.T) {
	root := findRepository(t).Path()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != root && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		limit := LineLimit(path)
		if limit == 0 {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := bytes.Count(source, []byte("\n")); n > limit && !isGenerated(source) {
			short, _ := filepath.Rel(root, path)
			t.Errorf("%s has %d lines, want at most %d", short, n, limit)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLineLimit(t *testing.T) {
	want := map[string]int{
		filepath.Join("shared", "sms", "message.go"):             400,
		filepath.Join("services", "api", "lambda", "gateway.go"): 400,
		filepath.Join("services", "api", "lambda", "main.go"):    60,
		filepath.Join("shared", "sms", "message_test.go"):        0,
		filepath.Join("docs", "design.md"):                       0,
	}
	got := make(map[string]int)
	for path := range want {
		got[path] = LineLimit(path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the limits differ (-want +got):\n%s", diff)
	}
}

// isGenerated follows the rule of https://go.dev/s/generatedcode.
func isGenerated(source []byte) bool {
	for lines := bufio.NewScanner(bytes.NewReader(source)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "// Code generated ") && strings.HasSuffix(line, " DO NOT EDIT.") {
			return true
		}
		if strings.HasPrefix(line, "package ") {
			return false
		}
	}
	return false
}

func findRepository(t *testing.T) engines.Repository {
	t.Helper()
	// This variable has another value in every run. Because the test reads it, the go
	// command never reuses a cached result. The go command does not see the files outside
	// this module.
	_ = os.Getenv("SMSQUEUE_TEST_RUN")
	repo, err := engines.FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return repo
}
