package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func limit(t testing.TB, limits api.Limits) *deployment {
	t.Helper()
	d := deploy(t)
	d.options.Limits = limits
	d.restart(t)
	return d
}

func to(number string) string { return strings.Replace(goodBody, "+5511999999999", number, 1) }

func TestLimits(t *testing.T) {
	t.Run("on parts per day refuse further messages until midnight", func(t *testing.T) {
		d := limit(t, api.Limits{PartsPerDay: 3})
		two := strings.Replace(goodBody, "1234", strings.Repeat("x", 200), 1)
		d.accepted(t, two)
		response := d.post(t, two)
		p := mustBe(t, response, http.StatusTooManyRequests, "limit-exceeded")
		if got := response.header.Get("Retry-After"); got != fmt.Sprint(15*3600) || !strings.Contains(p.Detail, "2030-05-05T00:00:00Z") {
			t.Errorf("Retry-After is %s, the detail is %q", got, p.Detail)
		}
		d.accepted(t, goodBody)
		mustBe(t, d.post(t, goodBody), http.StatusTooManyRequests, "limit-exceeded")
		d.clock.Advance(15 * time.Hour)
		d.accepted(t, goodBody)
	})
	t.Run("on messages to one number refuse further ones until the next hour", func(t *testing.T) {
		d := limit(t, api.Limits{MessagesPerRecipientHour: 2})
		d.clock.Advance(20*time.Minute + time.Millisecond)
		d.accepted(t, goodBody)
		d.accepted(t, goodBody)
		response := d.post(t, goodBody)
		mustBe(t, response, http.StatusTooManyRequests, "limit-exceeded")
		if got := response.header.Get("Retry-After"); got != "2400" {
			t.Errorf("Retry-After is %s", got)
		}
		d.accepted(t, to("+5511999999998"))
		d.clock.Advance(40 * time.Minute)
		d.accepted(t, goodBody)
	})
	t.Run("count the messages of all clients of an owner", func(t *testing.T) {
		d := limit(t, api.Limits{PartsPerDay: 1})
		rotated, bob := alice, alice
		rotated.ClientID, bob.ClientID, bob.Owner = "alice-2", "bob", "bob"
		d.accepted(t, goodBody)
		mustBe(t, d.post(t, goodBody, by(rotated)), http.StatusTooManyRequests, "limit-exceeded")
		d.accepted(t, goodBody, by(bob))
	})
	t.Run("of a client replace those of the deployment", func(t *testing.T) {
		d := limit(t, api.Limits{PartsPerDay: 1, MessagesPerRecipientHour: 2})
		own := alice
		own.Limits = api.Limits{PartsPerDay: api.Unlimited, AllowedCountries: []string{"US"}}
		mustBe(t, d.post(t, goodBody, by(own)), http.StatusUnprocessableEntity, "invalid-fields")
		d.accepted(t, to("+12065550100"), by(own))
		d.accepted(t, to("+12065550100"), by(own))
		mustBe(t, d.post(t, to("+12065550100"), by(own)), http.StatusTooManyRequests, "limit-exceeded")
		bob := api.Caller{ClientID: "bob", Owner: "bob", Scopes: alice.Scopes}
		d.accepted(t, goodBody, by(bob))
		mustBe(t, d.post(t, goodBody, by(bob)), http.StatusTooManyRequests, "limit-exceeded")
	})
	t.Run("apply to resends and batches too", func(t *testing.T) {
		d := limit(t, api.Limits{PartsPerDay: 2})
		m := d.inState(t, sms.Failed)
		d.resend(t, m.ID)
		if got := d.batch(t, batched("one", ""), batched("two", "")).outcome(); got != "accepted limit-exceeded" && got != "limit-exceeded accepted" {
			t.Errorf("results are %s", got)
		}
		mustBe(t, d.resend(t, m.ID), http.StatusTooManyRequests, "limit-exceeded")
	})
	t.Run("that refuse give back what other limits counted", func(t *testing.T) {
		d := limit(t, api.Limits{PartsPerDay: 1, MessagesPerRecipientHour: 5})
		d.accepted(t, goodBody)
		for range 10 { // a message within the limit per number, but beyond the limit per day
			mustBe(t, d.post(t, goodBody), http.StatusTooManyRequests, "limit-exceeded")
		}
		d.options.Limits.PartsPerDay = 5
		d.restart(t)
		for range 4 {
			d.accepted(t, goodBody)
		}
		mustBe(t, d.post(t, goodBody), http.StatusTooManyRequests, "limit-exceeded")
	})
	t.Run("cost one call for each limit that is set", func(t *testing.T) {
		for want, limits := range []api.Limits{{}, {PartsPerDay: 5}, {PartsPerDay: 5, MessagesPerRecipientHour: 5}} {
			d := limit(t, limits)
			d.accepted(t, goodBody)
			d.preview(t, goodBody)
			if got := d.store.count("count"); got != 2*want {
				t.Errorf("with %+v, a submission and a preview made %d counts, want %d", limits, got, 2*want)
			}
			if got := d.store.count("get"); got != 0 {
				t.Errorf("%+v: %d reads", limits, got)
			}
		}
	})
}

func TestReplayIsNotCounted(t *testing.T) {
	d := limit(t, api.Limits{PartsPerDay: 2})
	first, _ := d.accepted(t, goodBody, key("k"))
	for range 5 {
		again, header := d.accepted(t, goodBody, key("k"))
		if again.ID != first.ID || header.Get("Idempotent-Replayed") != "true" {
			t.Fatalf("got message %s, replayed: %q", again.ID, header.Get("Idempotent-Replayed"))
		}
	}
	d.accepted(t, goodBody)
	mustBe(t, d.post(t, goodBody, key("new")), http.StatusTooManyRequests, "limit-exceeded")
	d.accepted(t, goodBody, key("k"))
	other := strings.Replace(goodBody, "1234", "5678", 1)
	mustBe(t, d.post(t, other, key("k")), http.StatusUnprocessableEntity, "idempotency-key-reused")
	calls := d.store.calls
	if diff := cmp.Diff(map[string]int{"create": 2, "count": 3, "get": 9}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestCountsOfUnrecordedMessagesAreGivenBack(t *testing.T) {
	d := limit(t, api.Limits{PartsPerDay: 1})
	d.store.before = func(_ context.Context, call string, _ sms.Message) error {
		if call == "create" {
			return fmt.Errorf("writing: %w", sms.ErrUnavailable)
		}
		return nil
	}
	for range 3 {
		mustBe(t, d.post(t, goodBody), http.StatusServiceUnavailable, "unavailable")
	}
	d.store.before = nil
	d.accepted(t, goodBody)
	mustBe(t, d.post(t, goodBody), http.StatusTooManyRequests, "limit-exceeded")
}

func TestRacingRepetitionsAreCountedOnce(t *testing.T) {
	d := limit(t, api.Limits{PartsPerDay: 64})
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() { d.accepted(t, goodBody, key("k")) })
	}
	all.Wait()
	results := make(chan int, 128)
	for range 128 {
		all.Go(func() { results <- d.post(t, goodBody).status })
	}
	all.Wait()
	close(results)
	accepted := 0
	for status := range results {
		if status == http.StatusAccepted {
			accepted++
		}
	}
	if accepted != 63 {
		t.Errorf("%d more messages were accepted after the one with the key, want 63", accepted)
	}
}
