package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/tools/engines"
)

// Without SMSQUEUE_SOAK=1, only this many mutants are tested.
const fewMutants = 2

func TestEveryGuardIsMissedWhenItIsGone(t *testing.T) {
	// This variable has another value in every run. Because the test reads it, the go
	// command never reuses a cached result. The go command does not know that the test
	// depends on the sources.
	_ = os.Getenv("SMSQUEUE_TEST_RUN")
	repo, err := engines.FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	guards, err := findGuards(os.DirFS(repo.Path()), "services", "shared")
	if err != nil {
		t.Fatal(err)
	}
	missed := maps.Clone(guards)
	for i, m := range mutants {
		for name := range m.changes {
			delete(missed, name)
		}
		t.Run("without "+m.without, func(t *testing.T) {
			overlay := m.overlay(t, guards, repo)
			if i >= fewMutants && os.Getenv("SMSQUEUE_SOAK") != "1" {
				return // without SMSQUEUE_SOAK, it is enough that the mutant can be made
			}
			m.mustBeRed(t, repo, overlay)
		})
	}
	for name, g := range missed {
		t.Errorf("guard %q in %s has no mutant", name, g.file)
	}
}

// Writes a file for the flag -overlay of the go command, so that the command reads the
// mutant's files in place of the originals. The checkout does not change.
func (m mutant) overlay(t *testing.T, guards map[string]guard, repo engines.Repository) string {
	t.Helper()
	dir := t.TempDir()
	changes := make(map[string]map[guard]change) // by file
	for name, c := range m.changes {
		g, ok := guards[name]
		if !ok {
			t.Fatalf("no line is marked as guard %q", name)
		}
		path := repo.Path(filepath.FromSlash(g.file))
		if changes[path] == nil {
			changes[path] = make(map[guard]change)
		}
		changes[path][g] = c
	}
	replace := make(map[string]string)
	for path, inFile := range changes {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		mutated, err := mutate(source, inFile)
		if err != nil {
			t.Fatalf("changing %s: %v", path, err)
		}
		replace[path] = filepath.Join(dir, strings.ReplaceAll(path, string(filepath.Separator), "_"))
		if err := os.WriteFile(replace[path], mutated, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

func (m mutant) mustBeRed(t *testing.T, repo engines.Repository, overlay string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-overlay=" + overlay, "-count=1", "-timeout=5m"}, m.tests...)...)
	cmd.Dir = repo.Path()
	out, err := cmd.CombinedOutput()
	_, ran := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		t.Errorf("no test failed without the guard:\n%s", out)
	case !ran || ctx.Err() != nil:
		t.Errorf("running the tests: %v\n%s", err, out)
	case bytes.Contains(out, []byte("[build failed]")),
		!bytes.Contains(out, []byte("--- FAIL")) && !bytes.Contains(out, []byte("panic:")):
		t.Errorf("go test failed, but no test failed:\n%s", out)
	}
}
