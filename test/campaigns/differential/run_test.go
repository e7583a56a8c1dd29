package differential_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

// library is a program in testdata that answers for the libraries of one language.
type library struct {
	name string
	run  func(t *testing.T, task string, lines []string) []string
}

// libraries fetches the libraries. Without SMSQUEUE_SOAK=1 it returns none, because the
// campaign takes minutes.
func libraries(t *testing.T) []library {
	t.Helper()
	if os.Getenv("SMSQUEUE_SOAK") == "" {
		return nil
	}
	python, js := fetch(t, engines.Numbers()), fetch(t, engines.NumbersJS())
	script, err := filepath.Abs(filepath.Join("testdata", "numbers.py"))
	if err != nil {
		t.Fatal(err)
	}
	return []library{
		{"Python", func(t *testing.T, task string, lines []string) []string {
			return run(t, exec.CommandContext(t.Context(), engines.VenvPython(python), script, task), lines)
		}},
		{"JavaScript", func(t *testing.T, task string, lines []string) []string {
			// Node looks for libraries beside the program.
			program, err := os.ReadFile(filepath.Join("testdata", "numbers.js"))
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "node", "--eval", string(program), task)
			cmd.Dir = js
			return run(t, cmd, lines)
		}},
	}
}

func fetch(t *testing.T, e engines.Engine) (dir string) {
	t.Helper()
	repo, err := engines.FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if missing := prereq.Missing(t.Context(), e.Needs...); missing != nil {
		enginetest.Lack(t, strings.Join(missing, "; "))
	}
	dir, err = e.Fetch(context.WithoutCancel(t.Context()), repo)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// The method `run` gives lines to a program, and returns the lines that it prints.
func run(t *testing.T, cmd *exec.Cmd, lines []string) []string {
	t.Helper()
	cmd.Stdin = strings.NewReader(strings.Join(append(lines, ""), "\n"))
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd.Path, err, problems.String())
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// explanation is one reason for differences of the type D.
type explanation[D any] struct {
	why   string
	holds func(d D) bool // whether the reason explains d
}

// The function `explain` counts the differences by explanation. It reports differences that
// have no explanation, and explanations that no difference needs.
func explain[D fmt.Stringer](t *testing.T, differences []D, list []explanation[D]) {
	t.Helper()
	counts := make([]int, len(list))
	unexplained := 0
next:
	for _, d := range differences {
		for i, e := range list {
			if e.holds(d) {
				counts[i]++
				continue next
			}
		}
		if unexplained++; unexplained <= 40 {
			t.Errorf("not explained: %s", d)
		}
	}
	for i, e := range list {
		t.Logf("%6d %s", counts[i], e.why)
		if counts[i] == 0 {
			t.Errorf("no difference needs the explanation %q", e.why)
		}
	}
	t.Logf("%6d not explained, of %d differences", unexplained, len(differences))
}
