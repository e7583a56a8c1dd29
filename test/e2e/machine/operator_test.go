//go:build unix

package machine_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

func isPaused(s user.Status) bool { return !s.Sending && s.Paused.Reason == "operator" }

// TestAnOperatorPausesTheServerAndResumesIt pauses a server, kills it and starts it
// again. Messages accepted during the pause must wait until the order to resume, and go
// out soon after it.
func TestAnOperatorPausesTheServerAndResumesIt(t *testing.T) {
	if testing.Short() {
		t.Skip("this test waits for rescues, which takes minutes: run make test")
	}
	t.Parallel()
	enginetest.SQLite(t)
	const waiting = 40
	dir := t.TempDir()
	m := machine.Start(t, dir)
	if !strings.Contains(m.Banner(), "kill -USR1 ") {
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

	m.Signal(t, syscall.SIGUSR1)
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

	m.Signal(t, syscall.SIGUSR2)
	api.AwaitStatus(t, 10*time.Second, "sending", func(s user.Status) bool { return s.Sending })
	resumed := time.Now()
	for _, id := range ids {
		api.Await(t, id, time.Until(resumed.Add(30*time.Second)), "delivered")
	}
	t.Logf("%d waiting messages were delivered within %v of the order to resume", waiting, time.Since(resumed).Round(time.Millisecond))
}
