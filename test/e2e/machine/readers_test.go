package machine_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

func readers() int {
	if os.Getenv("SMSQUEUE_SOAK") != "" {
		return 2500
	}
	return 300
}

// These constants bound the time from accepted to sent. It may be the time without readers
// multiplied by slower, plus the number of readers multiplied by each. The readers use the
// same processors as the server.
const (
	slower = 5
	each   = 2 * time.Millisecond
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

	most := slower*alone + each*time.Duration(readers())
	t.Logf("p90 from accepted to sent: %v alone, %v beside %d readers with %.0f answers a second", alone, beside, readers(), rate)
	if beside > most {
		t.Errorf("beside %d readers, p90 from accepted to sent is %v, want at most %v", readers(), beside, most)
	}
	if rate == 0 {
		t.Error("the readers got no answer while messages were sent")
	}
}

// send submits a message every 20 ms, and waits until the last is sent.
func send(t *testing.T, api user.API, n int) (ids []string) {
	t.Helper()
	for range n {
		m, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": "+5511987654321", "message": "hello"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
		time.Sleep(20 * time.Millisecond)
	}
	api.Await(t, ids[n-1], time.Minute, "sent", "delivered")
	return ids
}

// toSent returns the p90 of the times from accepted to sent, as the server recorded them.
func toSent(t *testing.T, api user.API, ids []string) time.Duration {
	t.Helper()
	var times []time.Duration
	for _, id := range ids {
		api.Await(t, id, time.Minute, "sent", "delivered")
		var m struct {
			CreatedAt time.Time
			Events    []struct {
				Status string
				At     time.Time
			}
		}
		if err := json.Unmarshal(read(t.Context(), api.HTTP, api.Base+"/v1/sms/"+id), &m); err != nil {
			t.Fatal(err)
		}
		for _, e := range m.Events {
			if e.Status == "sent" {
				times = append(times, e.At.Sub(m.CreatedAt))
			}
		}
	}
	if len(times) < len(ids) {
		t.Fatalf("%d of %d messages have an event \"sent\"", len(times), len(ids))
	}
	slices.Sort(times)
	return times[len(times)*9/10]
}

// read returns nil if there is no answer.
func read(ctx context.Context, client *http.Client, url string) []byte {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil
	}
	response, err := client.Do(r)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body) // an error is expected when the test stops the reader
	return body
}
