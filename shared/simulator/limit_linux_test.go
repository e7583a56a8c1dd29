package simulator_test

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// envLimited is set in the process in which the test limits the size of files.
const envLimited = "SMSQUEUE_TEST_LIMITED"

// TestHandOversGoOnAfterFailedWrites limits the size of files, so that writes fail. Such
// a limit holds for a whole process. So the test runs itself in another process.
func TestHandOversGoOnAfterFailedWrites(t *testing.T) {
	if os.Getenv(envLimited) == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		again.Env = append(os.Environ(), envLimited+"=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	dir := t.TempDir()
	var got receipts
	provider := open(t, dir, simulator.Options{Receipts: got.add})
	want := make(map[string]bool)
	take := func() {
		t.Helper()
		id, err := provider.HandOver(t.Context(), message(ordinary))
		if err != nil {
			t.Fatalf("a hand-over returned %v", err)
		}
		want[id] = true
	}
	take()
	info, err := os.Stat(filepath.Join(dir, "handed-over.jsonl"))
	must(t, err)
	for _, free := range []int64{0, 10} { // with 10 free bytes, a part of a line can be written
		limit := setLimit(t, uint64(info.Size()+free))
		for range 3 {
			if got := answer(provider.HandOver(t.Context(), message(ordinary))); got != string(sms.RefusedForNow) {
				t.Errorf("with %d bytes free, the answer is %q, want %q", free, got, sms.RefusedForNow)
			}
			if err := provider.Check(t.Context()); err == nil {
				t.Errorf("with %d bytes free, Check returned nil, want an error", free)
			}
		}
		setLimit(t, limit)
		if err := provider.Check(t.Context()); err != nil {
			t.Errorf("Check() = %v, want nil, because writes are possible again", err)
		}
		take()
		info, err = os.Stat(filepath.Join(dir, "handed-over.jsonl"))
		must(t, err)
	}
	if n := len(read(t, dir)); n != len(want) {
		t.Errorf("the log has %d entries, want %d", n, len(want))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(got.list()) < len(want) && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	for id := range want {
		if !idsOf(got.list())[id] {
			t.Errorf("no receipt has come for %s", id)
		}
	}
}

// setLimit limits the size of files, in bytes, and returns the previous limit.
func setLimit(t *testing.T, bytes uint64) (before uint64) {
	t.Helper()
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	before, limit.Cur = limit.Cur, bytes
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	return before
}
