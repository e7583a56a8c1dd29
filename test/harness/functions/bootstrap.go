package functions

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// builtIn is the folder with the built functions, or empty until a function is built.
var (
	building sync.Mutex
	builtIn  string
)

// Bootstrap returns the path of a service's function. It builds the function as `make
// build` does, once for all tests of a process.
func Bootstrap(t testing.TB, service string) string {
	t.Helper()
	// This variable has another value in every run. Because the test reads it, the go
	// command never reuses a cached result. The go command does not know that the test
	// depends on the sources.
	_ = os.Getenv("SMSQUEUE_TEST_RUN")
	building.Lock()
	defer building.Unlock()
	if builtIn == "" {
		dir, err := os.MkdirTemp("", "smsqueue-functions-") //nolint:usetesting // it outlives the test
		if err != nil {
			t.Fatal(err)
		}
		builtIn = dir
	}
	bootstrap := filepath.Join(builtIn, service, "bootstrap")
	if _, err := os.Stat(bootstrap); err == nil {
		return bootstrap
	}
	cmd := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-trimpath",
		"-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", bootstrap, "github.com/smsqueue/smsqueue/services/"+service+"/lambda")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building function %s: %v\n%s", service, err, out)
	}
	return bootstrap
}

// RemoveBootstraps removes the built functions. Call it after all tests.
func RemoveBootstraps() error {
	if builtIn == "" {
		return nil
	}
	if err := os.RemoveAll(builtIn); err != nil {
		return fmt.Errorf("removing the functions: %w", err)
	}
	return nil
}
