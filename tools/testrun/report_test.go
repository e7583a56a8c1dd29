package testrun_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/tools/testrun"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// The function `read` returns the report, and the text that the report printed.
func read(t *testing.T, lines ...string) (*testrun.Report, string) {
	t.Helper()
	var shown strings.Builder
	report := testrun.New(&shown, "example.org/x/")
	if err := report.Read(strings.NewReader(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
	return report, shown.String()
}

// The parameter `more` lists the names and values of further fields.
func line(action, test string, more ...string) string {
	s := `{"Action":"` + action + `","Package":"example.org/x/a"`
	if test != "" {
		s += `,"Test":"` + test + `"`
	}
	for i := 0; i+1 < len(more); i += 2 {
		s += `,"` + more[i] + `":"` + more[i+1] + `"`
	}
	return s + `}`
}

func attr(test, engine string) string { return line("attr", test, "Key", "engine", "Value", engine) }

func TestEngines(t *testing.T) {
	one := testrun.Count{Passed: 1}
	tests := map[string]struct {
		lines []string
		want  map[string]testrun.Count
	}{
		"a test without the attribute ran on Go alone": {
			lines: []string{line("run", "TestA"), line("pass", "TestA"), line("pass", "")},
			want:  map[string]testrun.Count{testrun.GoAlone: one},
		},
		"a sub-test inherits from its parents": {
			lines: []string{
				line("run", "TestA"), attr("TestA", "sqlite"),
				line("run", "TestA/b"), line("run", "TestA/b/c"),
				line("pass", "TestA/b/c"), line("pass", "TestA/b"), line("pass", "TestA"), line("pass", ""),
			},
			want: map[string]testrun.Count{"sqlite": one},
		},
		"a parent does not inherit from its sub-tests": {
			lines: []string{
				line("run", "TestA"),
				line("run", "TestA/b"), attr("TestA/b", "moto"), line("pass", "TestA/b"),
				line("run", "TestA/c"), line("pass", "TestA/c"),
				line("pass", "TestA"), line("pass", ""),
			},
			want: map[string]testrun.Count{"moto": one, testrun.GoAlone: one},
		},
		"a test on two engines counts once for each, even if it names them twice": {
			lines: []string{
				line("run", "TestA"), attr("TestA", "moto"),
				line("run", "TestA/b"), attr("TestA/b", "elasticmq"), attr("TestA/b", "moto"),
				line("pass", "TestA/b"), line("pass", "TestA"), line("pass", ""),
			},
			want: map[string]testrun.Count{"moto": one, "elasticmq": one},
		},
		"another attribute is ignored": {
			lines: []string{
				line("run", "TestA"), line("attr", "TestA", "Key", "owner", "Value", "moto"),
				line("pass", "TestA"), line("pass", ""),
			},
			want: map[string]testrun.Count{testrun.GoAlone: one},
		},
		"a sub-test may have a slash in its own name": {
			lines: []string{
				line("run", "TestA"), attr("TestA", "sqlite"),
				line("run", "TestA/v1/sms"), line("pass", "TestA/v1/sms"), line("pass", "TestA"), line("pass", ""),
			},
			want: map[string]testrun.Count{"sqlite": one},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			report, _ := read(t, tt.lines...)
			if diff := cmp.Diff(tt.want, report.ByEngine); diff != "" {
				t.Errorf("the counts differ (-want +got):\n%s", diff)
			}
			if report.Total != one && len(tt.want) == 1 {
				t.Errorf("total = %v, want %v", report.Total, one)
			}
		})
	}
}

func TestResults(t *testing.T) {
	tests := map[string]struct {
		lines     []string
		want      testrun.Count
		failures  []string
		mustShow  string
		mustShade string // must not be in the output
	}{
		"a parent and its only failed sub-test count once": {
			lines: []string{
				line("run", "TestA"), line("run", "TestA/b"), line("output", "TestA/b", "Output", "    a_test.go:1: broken\\n"),
				line("run", "TestA/c"), line("output", "TestA/c", "Output", "    a_test.go:2: chatter\\n"),
				line("fail", "TestA/b"), line("pass", "TestA/c"), line("fail", "TestA"), line("fail", ""),
			},
			want:      testrun.Count{Passed: 1, Failed: 1},
			failures:  []string{"a TestA/b"},
			mustShow:  "a_test.go:1: broken",
			mustShade: "chatter",
		},
		"a parent that fails by itself counts besides its sub-tests": {
			lines: []string{
				line("run", "TestA"), line("run", "TestA/b"),
				line("pass", "TestA/b"), line("fail", "TestA"), line("fail", ""),
			},
			want:     testrun.Count{Passed: 1, Failed: 1},
			failures: []string{"a TestA"},
		},
		"a test that a panic cuts off has failed": {
			lines: []string{
				line("run", "TestA"), line("run", "TestA/b"),
				line("output", "", "Output", "panic: test timed out\\n"), line("fail", ""),
			},
			want:     testrun.Count{Failed: 1},
			failures: []string{"a TestA/b"},
			mustShow: "panic: test timed out",
		},
		"a package that does not build is one failure, shown with the compiler's error": {
			lines: []string{
				`{"ImportPath":"example.org/x/a [t]","Action":"build-output","Output":"a_test.go:3: undefined: x\n"}`,
				`{"ImportPath":"example.org/x/a [t]","Action":"build-fail"}`,
				line("fail", "", "FailedBuild", "example.org/x/a [t]"),
			},
			want:     testrun.Count{Failed: 1},
			failures: []string{"a"},
			mustShow: "undefined: x",
		},
		"a passing test prints nothing": {
			lines: []string{
				line("run", "TestA"), line("output", "TestA", "Output", "    a_test.go:2: chatter\\n"),
				line("pass", "TestA"), line("pass", ""),
			},
			want:      testrun.Count{Passed: 1},
			mustShade: "chatter",
		},
		"a test run twice counts twice": {
			lines: []string{
				line("run", "TestA"), line("pass", "TestA"), line("run", "TestA"), line("pass", "TestA"), line("pass", ""),
			},
			want: testrun.Count{Passed: 2},
		},
		"a line that is not an event is printed unchanged": {
			lines:    []string{"go: no such module", "", `{"Action":""}`},
			mustShow: "go: no such module\n{",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			report, shown := read(t, tt.lines...)
			if report.Total != tt.want {
				t.Errorf("total = %v, want %v", report.Total, tt.want)
			}
			if diff := cmp.Diff(tt.failures, report.Failures); diff != "" {
				t.Errorf("the failures differ (-want +got):\n%s", diff)
			}
			if !strings.Contains(shown, tt.mustShow) {
				t.Errorf("the output is:\n%s\nwant it to contain %q", shown, tt.mustShow)
			}
			if tt.mustShade != "" && strings.Contains(shown, tt.mustShade) {
				t.Errorf("the output is:\n%s\nwant it not to contain %q", shown, tt.mustShade)
			}
		})
	}
}

func TestSkips(t *testing.T) {
	tests := map[string]struct {
		output []string
		want   string
	}{
		"the reason is the last log entry": {
			output: []string{`    a_test.go:7: first\n`, `    a_test.go:9: java is missing\n`, `--- SKIP: TestA (0.00s)\n`},
			want:   "java is missing",
		},
		"a reason may have several lines": {
			output: []string{`    a_test.go:9: java\n`, `        is missing\n`, `--- SKIP: TestA (0.00s)\n`},
			want:   "java is missing",
		},
		"a missing reason is reported": {
			output: []string{`--- SKIP: TestA (0.00s)\n`},
			want:   "no reason given",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			lines := []string{line("run", "TestA")}
			for _, out := range tt.output {
				lines = append(lines, line("output", "TestA", "Output", out))
			}
			report, _ := read(t, append(lines, line("skip", "TestA"), line("pass", ""))...)

			want := map[string][]testrun.Skip{tt.want: {{Package: "a", Test: "TestA"}}}
			if diff := cmp.Diff(want, report.Skips); diff != "" {
				t.Errorf("the skips differ (-want +got):\n%s", diff)
			}
		})
	}
}

// The output of go test is real, and has results of every kind.
func TestSummary(t *testing.T) {
	events, err := os.Open(filepath.Join("testdata", "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close() //nolint:errcheck // only read
	var out strings.Builder
	report := testrun.New(&out, "example.org/x/")

	if err := report.Read(events); err != nil {
		t.Fatal(err)
	}
	report.Summarize(&out, map[string]string{"moto": "5.2.5"})

	golden := filepath.Join("testdata", "summary.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("the output differs (-want +got):\n%s", diff)
	}
}
