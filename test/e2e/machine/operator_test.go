//go:build unix

package machine_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

func order(t *testing.T, want string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), machine.Binary(t), args...).CombinedOutput()
	if err != nil || string(out) != want {
		t.Fatalf("%v printed %q (error %v), want %q", args, out, err, want)
	}
}

func isPaused(s user.Status) bool { return !s.Sending && s.Paused.Reason == "operator" }

// Messages accepted during the pause must wait until the order to resume, and go out soon
// after it.
func TestAnOperatorPausesTheServerAndResumesIt(t *testing.T) {
	if testing.Short() {
		t.Skip("this test waits for rescues, which takes minutes: run make test")
	}
	t.Parallel()
	enginetest.SQLite(t)
	const waiting = 40
	dir := t.TempDir()
	m := machine.Start(t, dir)
	if !strings.Contains(m.Banner(), "smsqueue pause --data "+dir) {
		t.Errorf("the banner does not say how to pause:\n%s", m.Banner())
	}
	if pid, err := os.ReadFile(filepath.Join(dir, "lock")); err != nil || strings.TrimSpace(string(pid)) != strconv.Itoa(m.Pid()) {
		t.Errorf("data/lock names process %q, %v", pid, err)
	}
	api := client(t, m)
	submit := func() string {
		t.Helper()
		sent, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": "+5511999999999", "message": "hello"})
		if err != nil {
			t.Fatal(err)
		}
		return sent.ID
	}
	before := submit()
	api.Await(t, before, 10*time.Second, "delivered")

	order(t, "paused: wrong texts\n", "pause", "--data", dir, "wrong", "texts")
	socket, err := os.Lstat(filepath.Join(dir, "control.sock"))
	if err != nil || socket.Mode().Perm() != 0o600 {
		t.Errorf("control.sock has the mode %v (error %v), want -rw-------", socket.Mode(), err)
	}
	api.AwaitStatus(t, 10*time.Second, "paused", isPaused)
	ids := make([]string, waiting)
	for i := range ids {
		ids[i] = submit()
	}
	wait := func(at string) {
		t.Helper()
		api.AwaitStatus(t, 30*time.Second, "paused, with waiting messages", func(s user.Status) bool {
			return isPaused(s) && s.Backlog.OldestAgeSeconds >= 2
		})
		for _, id := range ids {
			if got := api.Await(t, id, time.Second, "queued"); got.Attempts != 0 {
				t.Errorf("%s, a message has %d attempts", at, got.Attempts)
			}
		}
		if n := len(providerLog(t, dir)); n != 1 {
			t.Errorf("%s, the provider has %d messages, want only the earlier one", at, n)
		}
	}
	wait("during the pause")
	m.Kill()
	if log := m.Log(); strings.Count(log, `"msg":"order carried out"`) != 1 || !strings.Contains(log, `"level":"WARN"`) {
		t.Errorf("the log does not have the order once, as a warning:\n%s", log)
	}

	m = machine.Start(t, dir)
	api.Base = m.Base
	wait("after the restart")
	if !strings.Contains(m.Log(), `"msg":"breaker is open, nothing is handed over"`) {
		t.Errorf("the log does not say that sending is paused:\n%s", m.Log())
	}

	order(t, "sending\n", "resume", "--data", dir)
	api.AwaitStatus(t, 10*time.Second, "sending", func(s user.Status) bool { return s.Sending })
	resumed := time.Now()
	for _, id := range ids {
		api.Await(t, id, time.Until(resumed.Add(30*time.Second)), "delivered")
	}
	t.Logf("%d waiting messages were delivered within %v of the order to resume", waiting, time.Since(resumed).Round(time.Millisecond))
}

// The folder's path is too long for a socket.
func TestOrdersWithoutAServer(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	m := machine.Start(t, dir)
	api := client(t, m)
	if runtime.GOOS == "linux" { // on other systems, a server with such a path takes no orders
		order(t, "paused: first\n", "pause", "--data", dir, "first")
		api.AwaitStatus(t, time.Second, "paused", isPaused)
		order(t, "sending\n", "resume", "--data", dir)
	}
	m.Kill()
	if pid, err := os.ReadFile(filepath.Join(dir, "lock")); err != nil || len(pid) == 0 {
		t.Errorf("the killed server left no process id: %v", err)
	}
	order(t, "paused: later\n", "pause", "--data", dir, "later")
	m = machine.Start(t, dir)
	api.Base = m.Base
	api.AwaitStatus(t, time.Second, "paused", isPaused)
	if err := m.Stop(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"lock", "control.sock"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			t.Errorf("a server that ended regularly left %s", name)
		}
	}
	order(t, "sending\n", "resume", "--data", dir)
	m = machine.Start(t, dir)
	api.Base = m.Base
	api.AwaitStatus(t, time.Second, "sending", func(s user.Status) bool { return s.Sending })
}

// Every request is logged, but the reader has ended before the first line.
func TestAServerOutlivesTheReaderOfItsLog(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	script := filepath.Join(t.TempDir(), "serve")
	text := "#!/bin/bash\nexec " + machine.Binary(t) + " \"$@\" 2> >(:)\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	m := machine.StartBinary(t, script, nil, t.TempDir(), "--log-level", "debug")
	api := client(t, m)
	for range 10 {
		sent, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": "+12025550100", "message": "hello"})
		if err != nil {
			t.Fatal(err)
		}
		api.Await(t, sent.ID, 10*time.Second, "delivered")
	}
	if err := m.Stop(); err != nil {
		t.Error(err)
	}
}
