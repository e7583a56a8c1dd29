package prereq

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJavaVersion(t *testing.T) {
	tests := map[string]struct {
		version string
		ok      bool
	}{
		"the oldest supported version":      {"17.0.15", true},
		"a later version":                   {"25", true},
		"an early access build":             {"26-ea", true},
		"a version that is too old":         {"11.0.2", false},
		"an old version that begins with 1": {"1.8.0_402", false},
		"a version that is not a number":    {"unknown", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := checkJava(tt.version); (err == nil) != tt.ok {
				t.Errorf("checkJava(%q) = %v, want ok %v", tt.version, err, tt.ok)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	t.Run("names a program that is not installed, and how to get it", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		got := Missing(t.Context(), Maven)
		want := "mvn: not installed (to get it: apt-get install maven)"
		if len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("reports why an installed program does not work", func(t *testing.T) {
		installScript(t, "mvn", "echo no JAVA_HOME; exit 3")
		got := Missing(t.Context(), Maven)
		if len(got) != 1 || !strings.Contains(got[0], "no JAVA_HOME") {
			t.Errorf("got %q, want what the program printed", got)
		}
	})
	t.Run("returns nothing for a tool that works", func(t *testing.T) {
		installScript(t, "mvn", "echo Apache Maven 3.9.9")
		if got := Missing(t.Context(), Maven); got != nil {
			t.Errorf("got %q, want nothing", got)
		}
	})
}

// The script is the only program in PATH.
func installScript(t *testing.T, name, body string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}
