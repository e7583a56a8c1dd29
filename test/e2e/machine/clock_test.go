package machine_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

const day = 24 * time.Hour

// After the clock is set right, a message must be delivered within this time. A busy
// machine needs most of this minute.
const untilRight = time.Minute

// TestWhatWasWrittenWhileTheClockWasWrongIsSent moves the clock of a running server. While
// the clock is wrong, an operator pauses and resumes sending, a message is accepted, and
// another one is refused for now.
func TestWhatWasWrittenWhileTheClockWasWrongIsSent(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	clock, dir := machine.NewClock(t), t.TempDir()
	m := machine.StartBinary(t, clock.Binary, clock.Env(), dir)
	operate := func(word string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), clock.Binary, word, "--data", dir)
		command.Env = append(os.Environ(), clock.Env()...)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", word, err, out)
		}
	}
	valid := time.Now().Add(3 * day) // longer than any jump
	throttled := map[string]any{"phoneNumber": "+12025550104", "expiresAt": valid}
	names := make(map[string]string) // of all messages, by id
	for _, offset := range []time.Duration{time.Second, -time.Second, time.Hour, -time.Hour, day, -day} {
		before := client(t, m)
		names[submitted(t, before, map[string]any{"expiresAt": valid})] = fmt.Sprintf("accepted before the clock was off by %v", offset)
		soon := time.Now().Add(4 * time.Second)
		names[submitted(t, before, map[string]any{"expiresAt": valid, "sendAt": soon})] = fmt.Sprintf("scheduled before the clock was off by %v", offset)

		jumps := strings.Count(m.Log(), clockJumped)
		clock.Set(t, offset)
		if offset.Abs() > time.Second {
			awaitJump(t, m, jumps)
		}
		if offset < 0 {
			if _, err := before.Status(t.Context()); err != nil {
				t.Errorf("the clock was set back by %v, and a good token is refused: %v", -offset, err)
			}
		}
		operate("pause")
		during := client(t, m)
		names[submitted(t, during, map[string]any{"expiresAt": valid})] = fmt.Sprintf("accepted during a pause while the clock was off by %v", offset)
		operate("resume")
		refused := submitted(t, during, throttled)
		names[refused] = fmt.Sprintf("refused for now while the clock was off by %v", offset)
		await(t, during, refused, func(m user.Message) bool { return strings.Contains(fmt.Sprint(m.Events), "refused for now") })
		jumps = strings.Count(m.Log(), clockJumped)
		clock.Set(t, 0)
		if offset.Abs() > time.Second {
			awaitJump(t, m, jumps)
		}
	}
	after := client(t, m)
	for id, name := range names {
		if got := after.Await(t, id, untilRight, "delivered", "expired", "unknown", "failed"); got.Status != "delivered" {
			t.Errorf("the message that was %s ended %s: %+v", name, got.Status, got)
		}
	}
	after.AwaitStatus(t, untilRight, "sending, with nothing waiting", func(s user.Status) bool {
		return s.Sending && s.Backlog.OldestAgeSeconds == 0
	})
}

const clockJumped = `"msg":"clock jumped"`

// awaitJump waits until the log reports more jumps of the clock than the given number.
func awaitJump(t *testing.T, m *machine.Machine, already int) {
	t.Helper()
	for end := time.Now().Add(untilRight); strings.Count(m.Log(), clockJumped) <= already; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v the log does not say that the clock jumped", untilRight)
		}
	}
}

// await looks up a message again and again until the given function returns true.
func await(t *testing.T, api user.API, id string, enough func(user.Message) bool) {
	t.Helper()
	var m user.Message
	var err error
	for end := time.Now().Add(untilRight); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if m, err = api.Get(t.Context(), id); err == nil && enough(m) {
			return
		}
	}
	t.Fatalf("after %v the message is %+v, %v", untilRight, m, err)
}

// TestALeaseFromAWrongClockEndsAtTheNextStart kills a server in the middle of its
// hand-overs.
func TestALeaseFromAWrongClockEndsAtTheNextStart(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	clock, dir := machine.NewClock(t), t.TempDir()
	clock.Set(t, 2*time.Hour)
	m := machine.StartBinary(t, clock.Binary, clock.Env(), dir, "--provider-delay", "4s")
	api := client(t, m)
	again := submitted(t, api, map[string]any{"expiresAt": time.Now().Add(day)})
	held := submitted(t, api, map[string]any{"expiresAt": time.Now().Add(day), "onUnknown": "hold"})
	for _, id := range []string{again, held} {
		api.Await(t, id, untilRight, "sending")
	}
	m.Kill()
	clock.Set(t, 0)
	m = machine.StartBinary(t, clock.Binary, clock.Env(), dir)
	api = client(t, m)
	api.Await(t, held, untilRight, "unknown")
	api.Await(t, again, untilRight, "delivered")
}

// TestTheReleasedProgramHasNoOtherClock compares the program that users get with the one
// for tests.
func TestTheReleasedProgramHasNoOtherClock(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	for binary, want := range map[string]bool{machine.Binary(t): false, machine.NewClock(t).Binary: true} {
		program, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(program, []byte("SMSQUEUE_CLOCK_OFFSET_FILE")); got != want {
			t.Errorf("%s reads an offset of its clock: %v, want %v", binary, got, want)
		}
	}
}
