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

func TestOneKeyMakesOneMessage(t *testing.T) {
	t.Run("of 50 concurrent requests one makes a message, and 49 are marked as replayed", func(t *testing.T) {
		d := deploy(t)
		const n = 50
		ids, replayed := make([]string, n), make([]bool, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				m, header := d.accepted(t, goodBody, key("k"))
				ids[i], replayed[i] = m.ID, header.Get("Idempotent-Replayed") == "true"
			})
		}
		all.Wait()
		fresh := 0
		for i := range n {
			if ids[i] != ids[0] {
				t.Errorf("got the ids %s and %s, want the same id", ids[0], ids[i])
			}
			if !replayed[i] {
				fresh++
			}
		}
		if fresh != 1 || len(d.queue.sent()) != 1 {
			t.Errorf("%d answers are not marked as replayed, and %d envelopes were sent; want 1 of each", fresh, len(d.queue.sent()))
		}
	})
	t.Run("a request with the same fields in another notation is the same", func(t *testing.T) {
		d := deploy(t)
		first, _ := d.accepted(t, `{"phoneNumber":"+5511999999999","message":"é","sendAt":"2030-05-04T12:00:00Z","maxPriceUSD":0.5}`, key("k"))
		again, header := d.accepted(t, ` {"type": "transactional", "sendAt": "2030-05-04T09:00:00.000-03:00", "maxPriceUSD": 5e-1,
			"message": "\u00e9", "phoneNumber": "+5511999999999", "onUnknown": "resend"} `, key("k"))
		if again.ID != first.ID || header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("got message %s, replayed: %q", again.ID, header.Get("Idempotent-Replayed"))
		}
	})
	t.Run("a request with other fields is refused", func(t *testing.T) {
		d := deploy(t)
		d.accepted(t, goodBody, key("k"))
		other := strings.Replace(goodBody, "1234", "5678", 1)
		mustBe(t, d.post(t, other, key("k")), http.StatusUnprocessableEntity, "idempotency-key-reused")
		if n := len(d.queue.sent()); n != 1 {
			t.Errorf("%d envelopes", n)
		}
	})
	t.Run("a request with other fields gets the same error if it is also invalid", func(t *testing.T) {
		d := deploy(t)
		d.accepted(t, goodBody, key("k"))
		late := strings.Replace(goodBody, "{", `{"sendAt": "2020-01-01T00:00:00Z", `, 1)
		mustBe(t, d.post(t, late, key("k")), http.StatusUnprocessableEntity, "idempotency-key-reused")
	})
	t.Run("after the text was deleted, the key alone decides", func(t *testing.T) {
		d := deploy(t)
		first, _ := d.accepted(t, goodBody, key("k"))
		d.clock.Advance(48 * time.Hour)
		m, err := d.store.Get(t.Context(), first.ID)
		if err != nil {
			t.Fatal(err)
		}
		expired, _ := d.options.Rules.GiveUp(m, d.clock.Now())
		if _, err := d.store.Update(t.Context(), m, expired); err != nil {
			t.Fatal(err)
		}
		if r := d.do(t, http.MethodDelete, "/v1/sms/"+first.ID+"/message", ""); r.status != http.StatusNoContent {
			t.Fatalf("status %d: %s", r.status, r.body)
		}
		for _, body := range []string{goodBody, strings.Replace(goodBody, "1234", "5678", 1)} {
			again, header := d.accepted(t, body, key("k"))
			if again.ID != first.ID || again.Message != "" || header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("got message %s with the text %q, replayed: %q", again.ID, again.Message, header.Get("Idempotent-Replayed"))
			}
		}
		mustBe(t, d.do(t, http.MethodPost, "/v1/sms/"+first.ID+"/resend", "", key("k")), http.StatusUnprocessableEntity, "idempotency-key-reused")
		if n := len(d.queue.sent()); n != 1 {
			t.Errorf("%d envelopes, want 1", n)
		}
	})
	t.Run("another owner can use the same key", func(t *testing.T) {
		d := deploy(t)
		first, _ := d.accepted(t, goodBody, key("k"))
		bob := api.Caller{ClientID: "bob", Owner: "bob", Scopes: alice.Scopes}
		other, header := d.accepted(t, goodBody, key("k"), by(bob))
		if other.ID == first.ID || header.Get("Idempotent-Replayed") != "" {
			t.Errorf("got message %s, replayed: %q", other.ID, header.Get("Idempotent-Replayed"))
		}
	})
	t.Run("without a key every request makes a message", func(t *testing.T) {
		d := deploy(t)
		first, _ := d.accepted(t, goodBody)
		other, _ := d.accepted(t, goodBody)
		if other.ID == first.ID {
			t.Error("got the same id twice")
		}
	})
	t.Run("keys may have 1 to 255 characters, with spaces inside", func(t *testing.T) {
		d := deploy(t)
		for _, k := range []string{"k", "~ " + strings.Repeat("!", 253)} {
			first, _ := d.accepted(t, goodBody, key(k))
			again, _ := d.accepted(t, goodBody, key(k))
			if again.ID != first.ID {
				t.Errorf("the key %q made two messages", k)
			}
		}
	})
}

func TestReplayIsTheMessageAsItIsNow(t *testing.T) {
	scheduled := strings.Replace(goodBody, "{", `{"sendAt": "2030-05-04T12:00:00Z", "expiresAt": "2030-05-04T13:00:00Z", `, 1)
	for _, tt := range []struct {
		name, body string
		change     func(t *testing.T, d *deployment)
		reads      int
	}{
		{"at once", goodBody, func(*testing.T, *deployment) {}, 0},
		{"after sendAt and expiresAt have passed", scheduled, func(_ *testing.T, d *deployment) { d.clock.Advance(10 * time.Hour) }, 1},
		{"after its country is no longer allowed", goodBody, func(t *testing.T, d *deployment) {
			d.options.Countries, d.options.Numbers.DefaultCountry = []string{"US"}, ""
			d.restart(t)
		}, 1},
		{"after the default country was removed", strings.Replace(goodBody, "+55", "", 1), func(t *testing.T, d *deployment) {
			d.options.Numbers.DefaultCountry = ""
			d.restart(t)
		}, 1},
		{"after the default country was changed", strings.Replace(goodBody, "+55", "", 1), func(t *testing.T, d *deployment) {
			d.options.Numbers.DefaultCountry = "US"
			d.restart(t)
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			first, _ := d.accepted(t, tt.body, key("k"))
			sent := len(d.queue.sent())
			tt.change(t, d)
			again, header := d.accepted(t, tt.body, key("k"))
			if diff := cmp.Diff(first, again); diff != "" || header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("replayed: %q; the second answer differs (-first +second):\n%s", header.Get("Idempotent-Replayed"), diff)
			}
			if got := d.store.count("get"); got != tt.reads {
				t.Errorf("%d reads, want %d", got, tt.reads)
			}
			if got := len(d.queue.sent()); got != sent {
				t.Errorf("%d envelopes after the replay, %d before", got, sent)
			}
		})
	}
	t.Run("after it was canceled", func(t *testing.T) {
		d := deploy(t)
		first, _ := d.accepted(t, goodBody, key("k"))
		m, err := d.store.Store.Get(t.Context(), first.ID)
		if err != nil {
			t.Fatal(err)
		}
		canceled, _, err := d.options.Rules.Cancel(m, d.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.store.Store.Update(t.Context(), m, canceled); err != nil {
			t.Fatal(err)
		}
		again, _ := d.accepted(t, goodBody, key("k"))
		if again.ID != first.ID || again.Status != "canceled" {
			t.Errorf("got %s %s", again.ID, again.Status)
		}
	})
	t.Run("a look-up that fails does not refuse the request", func(t *testing.T) {
		d := deploy(t)
		d.accepted(t, scheduled, key("k"))
		d.clock.Advance(10 * time.Hour)
		d.store.before = func(context.Context, string, sms.Message) error { return fmt.Errorf("reading: %w", sms.ErrUnavailable) }
		mustBe(t, d.post(t, scheduled, key("k")), http.StatusServiceUnavailable, "unavailable")
	})
}
