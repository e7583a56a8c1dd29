package attacks_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

func readers() int {
	if soak() {
		return 2500
	}
	return 300
}

// These constants limit the time from accepted to sent while there are readers. The limit
// is the time without readers, multiplied by slowdown, plus perReader for each reader. It
// grows because the readers use the same processors as the server.
const (
	slowdown  = 5
	perReader = 2 * time.Millisecond
)

// A reader asks again as soon as it has an answer.
func TestReadersDoNotStarveTheSender(t *testing.T) {
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir(), "--log-level", "error")
	client := m.Client(t.Context())
	api := user.API{HTTP: client, Base: m.Base}
	if _, err := api.Status(t.Context()); err != nil { // the client gets its token
		t.Fatal(err)
	}
	send(t, api, 120) // so that pages are full
	alone := toSent(t, api, send(t, api, 60))

	ctx, stop := context.WithCancel(t.Context())
	scheduled, err := api.Submit(ctx, "", map[string]any{
		"phoneNumber": "+5511987654321", "message": "later", "sendAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	})
	if err != nil {
		t.Fatal(err)
	}
	targets := []string{
		"/inbox/rows", "/inbox/rows", "/inbox/rows", "/inbox/rows", "/", "/v1/sms?limit=100", "/v1/sms?status=failed",
		"/v1/status", "/v1/sms/" + scheduled.ID, "/v1/sms/" + scheduled.ID + "?wait=20",
	}
	var reads atomic.Int64
	var group sync.WaitGroup
	for i := range readers() {
		group.Go(func() {
			for ctx.Err() == nil {
				read(ctx, client, m.Base+targets[i%len(targets)])
				reads.Add(1)
			}
		})
	}
	began := time.Now()
	ids := send(t, api, 60)
	rate := float64(reads.Load()) / time.Since(began).Seconds()
	stop()
	group.Wait()
	beside := toSent(t, api, ids)

	most := slowdown*alone + perReader*time.Duration(readers())
	t.Logf("p90 from accepted to sent: %v alone, %v beside %d readers with %.0f answers a second", alone, beside, readers(), rate)
	if beside > most {
		t.Errorf("beside %d readers, p90 from accepted to sent is %v, want at most %v", readers(), beside, most)
	}
	if rate == 0 {
		t.Error("the readers got no answer while messages were sent")
	}
}

// toSent returns the p90 of the times from accepted to sent.
func toSent(t *testing.T, api user.API, ids []string) time.Duration {
	t.Helper()
	return percentile(timesToSent(t, api, ids), 90)
}
