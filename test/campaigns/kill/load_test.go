package kill

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

type campaign struct{ messages, kills int }

func size() campaign {
	if os.Getenv("SMSQUEUE_SOAK") == "1" {
		return campaign{messages: 10_000, kills: 20}
	}
	return campaign{messages: 1_000, kills: 2}
}

const users = 32

// A load submits messages. It repeats each submission, with its key, until the answer is
// 202.
type load struct {
	api      func() user.API // returns the API of the server that is running now
	next     atomic.Int64
	accepted atomic.Int64
	mu       sync.Mutex
	ids      []string
}

func (l *load) run(ctx context.Context, t *testing.T, n int) {
	var group sync.WaitGroup
	for range users {
		group.Go(func() {
			for i := int(l.next.Add(1)); i <= n && ctx.Err() == nil; i = int(l.next.Add(1)) {
				l.submit(ctx, i)
			}
		})
	}
	group.Wait()
	if got := l.accepted.Load(); got != int64(n) {
		t.Errorf("only %d of %d messages were accepted", got, n)
	}
}

func (l *load) submit(ctx context.Context, i int) {
	key := sms.NewToken()
	fields := map[string]any{
		"phoneNumber": fmt.Sprintf("+551199%07d", i%10_000), "message": fmt.Sprintf("message %d", i), "onUnknown": []sms.OnUnknown{sms.Resend, sms.Hold}[i%2],
	}
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, 15*time.Second)
		m, err := l.api().Submit(attempt, key, fields)
		cancel()
		if err == nil {
			l.mu.Lock()
			l.ids = append(l.ids, m.ID)
			l.mu.Unlock()
			l.accepted.Add(1)
			return
		}
		pause(ctx, 50*time.Millisecond) // the server is restarting
	}
}

func (l *load) reach(t *testing.T, n int) {
	t.Helper()
	await(t, 2*time.Minute, fmt.Sprintf("%d accepted messages", n), func() bool { return l.accepted.Load() >= int64(n) })
}

func await(t *testing.T, within time.Duration, what string, so func() bool) {
	t.Helper()
	end := time.Now().Add(within)
	for !so() {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain for this: %s", within, what)
		}
		pause(t.Context(), 20*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
