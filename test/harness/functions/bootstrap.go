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

// Functions are the services that run as Lambda functions here.
var Functions = []string{"api", "sender", "relay", "receipts"}

// builtIn is where the functions are built. It is empty until then.
var builtIn string

// build compiles the functions once for all tests of a process, as `make build`
// does, into the folder that it returns.
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

// Bootstrap is the path of the built function of a service.
func Bootstrap(t testing.TB, service string) string {
	t.Helper()
	// Every run has another value there: a result must not be kept, because Go
	// does not see the sources that it depends on.
	_ = os.Getenv("SMSQUEUE_TEST_RUN")
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, service, "bootstrap")
}

// RemoveBootstraps removes what Bootstrap built, when no test runs any more.
func RemoveBootstraps() error {
	if builtIn == "" {
		return nil
	}
	if err := os.RemoveAll(builtIn); err != nil {
		return fmt.Errorf("removing the functions: %w", err)
	}
	return nil
}
