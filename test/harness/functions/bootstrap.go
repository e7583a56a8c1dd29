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

// Functions lists the services that run as Lambda functions here.
var Functions = []string{"api", "sender", "relay", "receipts"}

// builtIn is the folder with the built functions, empty until they are built.
var builtIn string

// build compiles the functions as `make build` does, once for all tests of a
// process, and returns their folder.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "smsqueue-functions-")
	if err != nil {
		return "", fmt.Errorf("making a folder for the functions: %w", err)
	}
	builtIn = dir
	for _, service := range Functions {
		cmd := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-trimpath",
			"-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", filepath.Join(dir, service, "bootstrap"),
			"github.com/smsqueue/smsqueue/services/"+service+"/lambda")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building function %s: %w\n%s", service, err, out)
		}
	}
	return dir, nil
})

// Bootstrap returns the path of a service's built function.
func Bootstrap(t testing.TB, service string) string {
	t.Helper()
	// This variable differs in every run, so that Go never takes the result from
	// its cache: it cannot see the sources on which the result depends.
	_ = os.Getenv("SMSQUEUE_TEST_RUN")
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, service, "bootstrap")
}

// RemoveBootstraps removes the built functions. Call it when all tests have ended.
func RemoveBootstraps() error {
	if builtIn == "" {
		return nil
	}
	if err := os.RemoveAll(builtIn); err != nil {
		return fmt.Errorf("removing the functions: %w", err)
	}
	return nil
}
