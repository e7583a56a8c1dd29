package api_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func (d *deployment) status(t testing.TB) string {
	t.Helper()
	response := d.do(t, http.MethodGet, "/v1/status", "")
	if response.status != http.StatusOK {
		t.Fatalf("status %d: %s", response.status, response.body)
	}
	return response.body
}

func TestStatus(t *testing.T) {
	wantStatus := func(t *testing.T, d *deployment, want string) {
		t.Helper()
		if diff := cmp.Diff(want+"\n", d.status(t)); diff != "" {
			t.Errorf("the status differs (-want +got):\n%s", diff)
		}
	}
	t.Run("of an idle service says that it is sending", func(t *testing.T) {
		wantStatus(t, deploy(t), `{"sending":true,"backlog":{"onQueue":0}}`)
	})
	t.Run("says how many messages wait and how long", func(t *testing.T) {
		d := deploy(t)
		d.accepted(t, goodBody)
		d.clock.Advance(90 * time.Second)
		d.accepted(t, goodBody)
		wantStatus(t, d, `{"sending":true,"backlog":{"onQueue":2,"oldestAgeSeconds":90}}`)
	})
	t.Run("counts messages that wait outside an empty queue", func(t *testing.T) {
		for _, arrange := range []func(*deployment, *sms.Message){
			func(d *deployment, m *sms.Message) { *m, _ = d.options.Rules.EnqueueFailed(*m, morning) },
			func(*deployment, *sms.Message) {}, // due for rescue
		} {
			d := deploy(t)
			m := d.options.Rules.Accept(sms.NewID(), draft("Hi"), morning)
			arrange(d, &m)
			d.stored(t, m)
			d.clock.Advance(time.Hour)
			wantStatus(t, d, `{"sending":true,"backlog":{"onQueue":0,"oldestAgeSeconds":3600}}`)
		}
	})
	t.Run("ignores messages that are not due yet", func(t *testing.T) {
		d := deploy(t)
		d.inState(t, sms.Scheduled)
		wantStatus(t, d, `{"sending":true,"backlog":{"onQueue":0}}`)
	})
	t.Run("is at most five seconds old, and is read only once in this time", func(t *testing.T) {
		d := deploy(t)
		d.accepted(t, goodBody)
		d.clock.Advance(90 * time.Second)
		for range 10 {
			d.status(t)
		}
		if n := d.store.count("due"); n != 3*d.options.Store.Shards() {
			t.Errorf("%d reads of the agenda, want three per shard", n)
		}
		d.clock.Advance(5 * time.Second)
		wantStatus(t, d, `{"sending":true,"backlog":{"onQueue":1,"oldestAgeSeconds":95}}`)
	})
	t.Run("is read once for all requests that come at the same time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := deploy(t)
			release := make(chan struct{})
			d.queue.fail = func(context.Context) error {
				<-release
				return nil
			}
			var requests sync.WaitGroup
			for range 20 {
				requests.Go(func() { wantStatus(t, d, `{"sending":true,"backlog":{"onQueue":0}}`) })
			}
			synctest.Wait()
			close(release)
			requests.Wait()
			if n := d.store.count("due"); n != 3*d.options.Store.Shards() {
				t.Errorf("%d reads of the agenda for 20 requests, want three per shard", n)
			}
		})
	})
	t.Run("of a paused service says why and how long messages wait, but not when the next probe is", func(t *testing.T) {
		for trouble, detail := range map[sms.Trouble]string{
			sms.SpendLimit:    "The account's spending limit at the provider is reached. Nothing is lost; messages wait until the limit is raised.",
			sms.AccountReview: "The provider is reviewing the account. Nothing is lost; messages wait until the review is over.",
			sms.Authorization: "The provider does not allow this service to send. Nothing is lost; the operator must fix it.",
		} {
			d := deploy(t)
			d.stored(t, d.options.Rules.Accept(sms.NewID(), draft("Hi"), morning.Add(-time.Hour)))
			b, _ := d.options.Rules.ReportTrouble(sms.Breaker{}, trouble, "secret words", morning, morning)
			d.saveBreaker(t, b)
			wantStatus(t, d, `{"sending":false,"paused":{"reason":"`+string(trouble)+`","detail":"`+detail+`","since":"2030-05-04T09:00:00.000Z"},`+
				`"backlog":{"oldestAgeSeconds":3600}}`)
		}
	})
	t.Run("of a service that an operator paused says so", func(t *testing.T) {
		d := deploy(t)
		d.saveBreaker(t, sms.Breaker{}.Pause("secret words", morning))
		wantStatus(t, d, `{"sending":false,"paused":{"reason":"operator","detail":"The operator has paused sending. `+
			`Nothing is lost; messages wait until sending is resumed.","since":"2030-05-04T09:00:00.000Z"},"backlog":{}}`)
	})
	t.Run("of a service with a fault says what is wrong, unless sending is paused for another reason", func(t *testing.T) {
		words := "the data folder cannot be written"
		d := deploy(t)
		d.options.Trouble = func() (string, time.Time) { return words, morning }
		d.restart(t)
		wantStatus(t, d, `{"sending":false,"paused":{"reason":"fault","detail":"Something is wrong with the server: the data folder cannot be written. `+
			`Nothing is lost; messages wait until it is over.","since":"2030-05-04T09:00:00.000Z"},"backlog":{"onQueue":0}}`)
		words = ""
		wantStatus(t, d, `{"sending":true,"backlog":{"onQueue":0}}`)
		words = "the queue cannot be read"
		d.saveBreaker(t, sms.Breaker{}.Pause("secret words", morning))
		wantStatus(t, d, `{"sending":false,"paused":{"reason":"operator","detail":"The operator has paused sending. `+
			`Nothing is lost; messages wait until sending is resumed.","since":"2030-05-04T09:00:00.000Z"},"backlog":{}}`)
	})
	t.Run("that cannot be read is unavailable", func(t *testing.T) {
		d := deploy(t)
		d.queue.fail = func(context.Context) error { return errBroken }
		mustBe(t, d.do(t, http.MethodGet, "/v1/status", ""), http.StatusServiceUnavailable, "unavailable")
	})
}

func (d *deployment) saveBreaker(t testing.TB, b sms.Breaker) {
	t.Helper()
	store, ok := d.store.Store.(sms.Breakers)
	if !ok {
		t.Fatal("the store has no breaker")
	}
	if err := store.SaveBreaker(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}
