package judge

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/simulator"
)

// Process is the simulated provider in a process of its own.
type Process struct {
	URL string // the address at which it serves SNS's protocol
	dir string
}

// Start builds and starts a provider. The provider answers each hand-over after delay,
// and runs until the test ends.
func Start(t testing.TB, delay time.Duration) *Process {
	t.Helper()
	// This variable has another value in every run. Because the test reads it, the go
	// command never reuses a cached result. The go command does not know that the test
	// depends on the sources.
	_ = os.Getenv("SMSQUEUE_TEST_RUN")
	p := &Process{dir: t.TempDir()}
	binary := filepath.Join(t.TempDir(), "provider")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "github.com/smsqueue/smsqueue/test/harness/provider")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the provider: %v\n%s", err, out)
	}
	cmd := exec.Command(binary, "-log", p.dir, "-delay", delay.String()) //nolint:noctx // it is killed at the end of the test
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting the provider: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error means that it has already ended
		_ = cmd.Wait()         // it does not matter how the process ended
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the provider exited during startup: %v", err)
	}
	p.URL = strings.TrimSpace(line)
	return p
}

// Log returns all hand-overs that the provider took.
func (p *Process) Log(t testing.TB) []reconcile.HandOver {
	t.Helper()
	log, err := HandOvers(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// HandOvers reads the log of the simulated provider in dir, and returns all hand-overs that
// the provider took.
func HandOvers(dir string) ([]reconcile.HandOver, error) {
	entries, err := simulator.ReadLog(dir)
	if err != nil {
		return nil, fmt.Errorf("reading what the provider took: %w", err)
	}
	log := []reconcile.HandOver{}
	for _, e := range entries {
		if e.Taken() {
			log = append(log, reconcile.HandOver{
				At: e.At, MessageID: e.MessageID, ProviderMessageID: e.ProviderMessageID, Number: e.Number, Text: e.Text, Void: e.Void(),
			})
		}
	}
	return log, nil
}
