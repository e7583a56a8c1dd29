package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/tools/engines"
)

// few is how many mutants a run without SMSQUEUE_SOAK=1 has.
const few = 2

func TestEveryGuardIsMissedWhenItIsGone(t *testing.T) {
	// Every run has another value there: a result must not be kept, because Go
	// does not see the sources that it depends on.
	_ = os.Getenv("SMSQUEUE_TEST_RUN")
	repo, err := engines.FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range mutants {
		t.Run("without "+m.guard, func(t *testing.T) {
			overlay := m.overlay(t, repo)
			if i >= few && os.Getenv("SMSQUEUE_SOAK") != "1" {
				return // that its pieces are still there is what was tested
			}
			m.mustBeRed(t, repo, overlay)
		})
	}
}

// overlay is a file that tells go of the changed files. Nothing in the checkout
// is touched.
func (m mutant) overlay(t *testing.T, repo engines.Repository) string {
	t.Helper()
	dir := t.TempDir()
	changed := make(map[string][]byte)
	for _, e := range m.edits {
		path := repo.Path(filepath.FromSlash(e.file))
		source, ok := changed[path]
		if !ok {
			var err error
			if source, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if n := bytes.Count(source, []byte(e.old)); n != 1 {
			t.Fatalf("in %s this stands %d times, and not once; adapt the mutant:\n%s", e.file, n, e.old)
		}
		changed[path] = bytes.Replace(source, []byte(e.old), []byte(e.new), 1)
	}
	replace := make(map[string]string)
	for path, source := range changed {
		replaced := filepath.Join(dir, strings.ReplaceAll(path, string(filepath.Separator), "_"))
		if err := os.WriteFile(replaced, source, 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = replaced
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
	var exit *exec.ExitError
	switch {
	case err == nil:
		t.Errorf("every test is green:\n%s", out)
	case !errors.As(err, &exit) || ctx.Err() != nil:
		t.Errorf("running the tests: %v\n%s", err, out)
	case bytes.Contains(out, []byte("[build failed]")),
		!bytes.Contains(out, []byte("--- FAIL")) && !bytes.Contains(out, []byte("panic:")):
		t.Errorf("it is not the tests that failed:\n%s", out)
	}
}
