package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/tools/testrun"
)

func TestGoTestArguments(t *testing.T) {
	tests := map[string]struct {
		args, want string
		reduced    bool
	}{
		"without flags it looks for races, shuffles, and tests every module": {
			args: "-p 3",
			want: "test -json -shuffle=on -timeout=20m0s -p=3 -race work",
		},
		"packages and patterns are passed on": {
			args: "-run A -skip B -count 2 -timeout 1h -p 1 ./shared/sms ./services/api",
			want: "test -json -shuffle=on -timeout=1h0m0s -p=1 -race -run=A -skip=B -count=2 ./shared/sms ./services/api",
		},
		"a run without engines is reduced": {
			args:    "-p 3 -engines none -race=false -shuffle=off",
			want:    "test -json -shuffle=off -timeout=20m0s -p=3 work",
			reduced: true,
		},
		"a short run is reduced": {
			args:    "-p 3 -short",
			want:    "test -json -shuffle=on -timeout=20m0s -p=3 -race -short work",
			reduced: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			opts, err := parse(strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(opts.goTestArgs(), " "); got != tt.want {
				t.Errorf("go %s\nwant go %s", got, tt.want)
			}
			if opts.reduced() != tt.reduced {
				t.Errorf("reduced() = %v, want %v", opts.reduced(), tt.reduced)
			}
		})
	}
}

func TestConclusion(t *testing.T) {
	tests := map[string]struct {
		total  testrun.Count
		strict bool
		ok     bool
	}{
		"all passed":                  {testrun.Count{Passed: 3}, true, true},
		"one failed":                  {testrun.Count{Passed: 3, Failed: 1}, false, false},
		"one skipped":                 {testrun.Count{Passed: 3, Skipped: 1}, false, true},
		"one skipped in a strict run": {testrun.Count{Passed: 3, Skipped: 1}, true, false},
		"none ran":                    {testrun.Count{}, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			report := testrun.New(&out, "")
			report.Total = tt.total

			if ok := conclude(report, tt.strict, &out); ok != tt.ok {
				t.Errorf("ok = %v, want %v", ok, tt.ok)
			}
			if last := lastLine(out.String()); last != tt.total.String() {
				t.Errorf("the last line is %q, want the total", last)
			}
		})
	}
}

func TestRun(t *testing.T) {
	var out strings.Builder
	args := []string{"-engines=none", "-race=false", "-shuffle=off", "-timeout=5m", "./tools/lambdazip"}
	inCI := func(string) string { return "true" }

	ok, err := run(t.Context(), args, inCI, &out)

	if err != nil || !ok {
		t.Fatalf("run returned %v and the error %v, and printed:\n%s", ok, err, out.String())
	}
	if got := lastLine(out.String()); !strings.HasSuffix(got, " passed, 0 failed, 0 skipped") {
		t.Errorf("the last line is %q, want the total", got)
	}
	if !strings.Contains(out.String(), "  tools/lambdazip  (") {
		t.Errorf("the output has no line for the package:\n%s", out.String())
	}
}

func lastLine(text string) string {
	lines := slices.Collect(strings.Lines(text))
	if len(lines) == 0 {
		return ""
	}
	return strings.TrimSuffix(lines[len(lines)-1], "\n")
}
