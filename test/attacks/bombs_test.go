package attacks_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// maxResident is the most resident memory that the server is allowed to use, in bytes.
const maxResident = 300 << 20

// Returns the number of large requests that one client sends at once.
func bombs() int {
	if soak() {
		return 500
	}
	return 100
}

// Each batch has 100 messages with thousands of unknown fields. Meanwhile another client
// sends single messages.
func TestLargeRequestsTakeBoundedMemory(t *testing.T) {
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir(), "--log-level", "error", "--clients", clientsFile(t, "good", "bad"))
	bad, good := clientOf(t, m, "bad"), clientOf(t, m, "good")
	bomb := newBomb()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var refused atomic.Int64
	var senders sync.WaitGroup
	for range bombs() {
		senders.Go(func() {
			if sendBomb(ctx, bad, m.Base, bomb) == http.StatusUnprocessableEntity {
				refused.Add(1)
			}
		})
	}
	over := make(chan struct{})
	go func() { senders.Wait(); close(over) }()
	api, sent := user.API{HTTP: good, Base: m.Base}, 0
	for done := false; !done; sent++ {
		if _, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": "+5511987654321", "message": "hello"}); err != nil {
			t.Errorf("the good client's message %d: %v", sent, err)
		}
		select {
		case <-over:
			done = true
		case <-time.After(50 * time.Millisecond):
		}
	}
	peak := m.PeakMemory(t)
	t.Logf("%d of %d large requests were answered 422 within a minute; the good client sent %d messages meanwhile; peak resident memory: %d MB",
		refused.Load(), bombs(), sent, peak>>20)
	if peak > maxResident {
		t.Errorf("peak resident memory is %d MB, want at most %d", peak>>20, maxResident>>20)
	}
	if least := int64(bombs()) * 9 / 10; refused.Load() < least {
		t.Errorf("%d of %d large requests were answered 422 within a minute, want %d", refused.Load(), bombs(), least)
	}
}

// newBomb returns 2.85 MB: 100 messages with 3,600 unknown fields each.
func newBomb() string {
	var fields strings.Builder
	for i := range 3600 {
		fmt.Fprintf(&fields, `,"%x":0`, i)
	}
	object := `{"x":0` + fields.String() + `}`
	return `{"messages":[` + strings.Repeat(object+",", 99) + object + `]}`
}

// After a 503, sendBomb waits as long as Retry-After says and tries again. It returns 0 if
// there is no answer.
func sendBomb(ctx context.Context, client *http.Client, base, body string) int {
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/sms/batch", strings.NewReader(body))
		if err != nil {
			return 0
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(r)
		if err != nil {
			return 0
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		switch {
		case err != nil:
			return 0
		case answer.StatusCode == http.StatusOK && strings.Count(string(text), `"status":422`) >= 100:
			return http.StatusUnprocessableEntity // each message of the batch has this status
		case answer.StatusCode != http.StatusServiceUnavailable || seconds == 0:
			return answer.StatusCode
		}
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-ctx.Done():
			return 0
		}
	}
}
