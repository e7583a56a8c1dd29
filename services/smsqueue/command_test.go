package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

func TestCommands(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "none")
	for _, tc := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // parts of the output; "" means no output
	}{
		{"no command", nil, 0, "serve ", ""},
		{"help", []string{"help", "serve"}, 0, "--provider-delay", ""},
		{"the version", []string{"version"}, 0, "devel\n", ""},
		{"the version by a flag", []string{"--version"}, 0, "devel\n", ""},
		{"an unknown command", []string{"server"}, exitUsage, "", "smsqueue: unknown command \"server\" for \"smsqueue\"\n"},
		{"an unknown flag", []string{"serve", "--port", "1"}, exitUsage, "", "smsqueue: unknown flag: --port\nRun `smsqueue serve --help`"},
		{"too many arguments", []string{"version", "x"}, exitUsage, "", "smsqueue: unknown command \"x\" for \"smsqueue version\"\n"},
		{"flags that cannot be combined", []string{"reconcile", "--data", "x", "--table", "y"}, exitUsage, "", "smsqueue: if any flags in the group [data table]"},
		{"a value that the server refuses", []string{"serve", "--data", nowhere, "--provider", "pigeon"}, exitUsage, "", "smsqueue: --provider must be"},
		{"a failure", []string{"reconcile", "--data", nowhere}, exitFailure, "", "smsqueue: there are no messages"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, stdout, stderr := execute(t, tc.args...)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			holds(t, "stdout", stdout, tc.stdout)
			holds(t, "stderr", stderr, tc.stderr)
			if helped := strings.Contains(stderr, "--help"); helped != (tc.code == exitUsage) {
				t.Errorf("the output mentions the help: %t\n%s", helped, stderr)
			}
		})
	}
}

func holds(t *testing.T, name, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) || (want == "" && got != "") {
		t.Errorf("%s is %q, want it to contain %q", name, got, want)
	}
}
