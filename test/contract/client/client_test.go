// Package client contains tests that generate clients from openapi.yaml with popular
// generators, and use them.
package client_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
)

const generator = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"

func TestGeneratedClientDoesTheMainFlow(t *testing.T) {
	if testing.Short() {
		t.Skip("this test builds a generator: run make test")
	}
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir())
	contract, err := filepath.Abs("../../../services/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "flow"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "smsapi"), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"run", generator, "--config", "oapi-codegen.yaml", contract},
		{"run", ".", m.Base},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		// A user's module is built outside the workspace.
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
		t.Logf("%s", out)
	}
}
