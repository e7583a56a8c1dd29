// Package machine runs `smsqueue serve` as a process. Tests check what a user sees: the
// output, the exit code, and what is left after SIGKILL.
package machine

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/smsqueue/smsqueue/shared/enginetest"
)

// build and buildWithOffset run once for all tests of a process. buildWithOffset compiles
// a program whose clock a test can move.
var (
	build           = sync.OnceValues(func() (string, error) { return compile() })
	buildWithOffset = sync.OnceValues(func() (string, error) { return compile("-tags", "clockoffset") })
)

func compile(args ...string) (string, error) {
	dir, err := os.MkdirTemp("", "smsqueue-program-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "smsqueue")
	args = append(append([]string{"build"}, args...), "-o", binary, "github.com/smsqueue/smsqueue/services/smsqueue")
	out, err := exec.CommandContext(context.Background(), "go", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building smsqueue: %w\n%s", err, out)
	}
	return binary, nil
}

// Binary returns the path of the built program.
func Binary(t testing.TB) string {
	t.Helper()
	return built(t, build)
}

// Clock moves the clock of a program while it runs.
type Clock struct {
	Binary string // the program
	file   string
}

// NewClock returns a clock that is right.
func NewClock(t testing.TB) Clock {
	t.Helper()
	c := Clock{built(t, buildWithOffset), filepath.Join(t.TempDir(), "offset")}
	c.Set(t, 0)
	return c
}

// Set makes the program's clock show the right time plus offset.
func (c Clock) Set(t testing.TB, offset time.Duration) {
	t.Helper()
	next := c.file + ".next"
	err := os.WriteFile(next, []byte(offset.String()), 0o600)
	if err == nil {
		err = os.Rename(next, c.file) // the program never reads half of a file
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Env returns the environment variable that makes a program use this clock.
func (c Clock) Env() []string { return []string{"SMSQUEUE_CLOCK_OFFSET_FILE=" + c.file} }

func built(t testing.TB, build func() (string, error)) string {
	t.Helper()
	// This variable has another value in every run. Because the test reads it, the go
	// command never reuses a cached result. The go command does not know that the test
	// depends on the sources.
	_ = os.Getenv("SMSQUEUE_TEST_RUN")
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Machine is one running server.
type Machine struct {
	Base string // http://localhost:port
	Dir  string // its data folder

	cmd    *exec.Cmd
	banner string
	stderr *buffer
	ended  chan struct{}
}

const startTime = 30 * time.Second

// Start starts a server on a free port, with the data folder dir, and waits until the
// server listens. The server ends with the test.
func Start(t testing.TB, dir string, args ...string) *Machine {
	t.Helper()
	return StartIn(t, nil, dir, args...)
}

// StartIn is like Start, with additional environment variables.
func StartIn(t testing.TB, env []string, dir string, args ...string) *Machine {
	t.Helper()
	return StartBinary(t, Binary(t), env, dir, args...)
}

// StartBinary is like StartIn, for a program that was built elsewhere.
func StartBinary(t testing.TB, binary string, env []string, dir string, args ...string) *Machine {
	t.Helper()
	args = append([]string{"serve", "--addr", "localhost:0", "--data", dir}, args...)
	// The test's context ends before the cleanup that stops the server.
	cmd := exec.CommandContext(context.Background(), binary, args...)
	m := &Machine{Dir: dir, cmd: cmd, stderr: &buffer{}, ended: make(chan struct{})}
	m.cmd.Stderr = m.stderr
	m.cmd.Env = append(os.Environ(), env...)
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = m.cmd.Start(); err != nil {
		t.Fatalf("starting the server: %v", err)
	}
	t.Cleanup(func() {
		m.Kill()
		if t.Failed() {
			t.Logf("the server wrote:\n%s", m.stderr)
		}
	})
	ready := make(chan struct{})
	go m.read(bufio.NewScanner(stdout), ready)
	select {
	case <-ready:
	case <-m.ended:
		t.Fatalf("the server exited during startup:\n%s%s", m.banner, m.stderr)
	case <-time.After(startTime):
		t.Fatalf("the server does not listen:\n%s", m.stderr)
	}
	return m
}

// The last line of the banner begins with this text.
const endOfBanner = "Ctrl-C"

func (m *Machine) read(lines *bufio.Scanner, ready chan struct{}) {
	var banner strings.Builder
	open := true
	for lines.Scan() {
		if !open {
			continue
		}
		line := lines.Text()
		fmt.Fprintln(&banner, line)
		if base := strings.Fields(line); m.Base == "" && len(base) > 0 && strings.HasPrefix(base[len(base)-1], "http://") {
			m.Base = strings.TrimSuffix(base[len(base)-1], "/")
		}
		if strings.HasPrefix(line, endOfBanner) {
			m.banner, open = banner.String(), false
			close(ready)
		}
	}
	if open {
		m.banner = banner.String()
	}
	_ = m.cmd.Wait() // the output shows how the server ended
	close(m.ended)
}

// Banner returns what the server printed before it listened.
func (m *Machine) Banner() string { return m.banner }

// Log returns the server's standard error.
func (m *Machine) Log() string { return m.stderr.String() }

// Pid returns the server's process id.
func (m *Machine) Pid() int { return m.cmd.Process.Pid }

// Memory returns the resident memory of the server, in bytes.
func (m *Machine) Memory(t testing.TB) int64 { t.Helper(); return m.memory(t, "VmRSS:") }

// PeakMemory returns the highest resident memory that the server had, in bytes.
func (m *Machine) PeakMemory(t testing.TB) int64 { t.Helper(); return m.memory(t, "VmHWM:") }

// The method `memory` reads a line from the status of the process. Source: proc(5).
func (m *Machine) memory(t testing.TB, name string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.cmd.Process.Pid))
	if err != nil {
		enginetest.Lack(t, "this system has no /proc, so the memory of the server cannot be read")
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			kb, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatalf("the status of the process has no %s", name)
	return 0
}

// Signal sends the server a signal.
func (m *Machine) Signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		t.Fatalf("sending %v to the server: %v", s, err)
	}
}

// Kill ends the server with SIGKILL and waits for its end.
func (m *Machine) Kill() {
	_ = m.cmd.Process.Kill() // an error means that it has already ended
	<-m.ended
}

// Stop ends the server with an interrupt and waits for its end.
func (m *Machine) Stop() error {
	if err := m.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("interrupting the server: %w", err)
	}
	<-m.ended
	if code := m.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("the server ended with code %d:\n%s", code, m.stderr)
	}
	return nil
}

// Client returns an HTTP client that gets its tokens as the client "local".
func (m *Machine) Client(ctx context.Context) *http.Client {
	c := clientcredentials.Config{ClientID: "local", ClientSecret: "local-secret", TokenURL: m.Base + "/oauth2/token"}
	return c.Client(ctx)
}

// buffer is safe for concurrent use.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
