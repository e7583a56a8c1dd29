package api_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func (d *deployment) resend(t testing.TB, id string, edits ...edit) reply {
	t.Helper()
	return d.do(t, http.MethodPost, "/v1/sms/"+id+"/resend", "", edits...)
}

func TestResend(t *testing.T) {
	allowed := []sms.Status{sms.Unknown, sms.Undelivered, sms.Failed, sms.Expired, sms.Canceled}
	for _, state := range sms.Statuses() {
		t.Run("of a message with status "+string(state), func(t *testing.T) {
			d := deploy(t)
			m := d.inState(t, state, func(dr *sms.Draft) {
				dr.Reference, dr.Type, dr.SenderID, dr.MaxPriceUSD = "order 1", sms.Promotional, "Bakery", "0.05"
				dr.EntityID, dr.TemplateID = "E1", "T1"
			})
			before := d.do(t, http.MethodGet, "/v1/sms/"+m.ID, "").body
			d.clock.Advance(time.Hour)
			response := d.resend(t, m.ID)
			if after := d.do(t, http.MethodGet, "/v1/sms/"+m.ID, "").body; after != before {
				t.Errorf("the old message was %s\nand is now %s", before, after)
			}
			if !slices.Contains(allowed, state) {
				mustBe(t, response, http.StatusConflict, "not-resendable")
				return
			}
			if response.status != http.StatusAccepted {
				t.Fatalf("status %d: %s", response.status, response.body)
			}
			got, err := d.store.Store.Get(t.Context(), decode[message](t, response).ID)
			if err != nil {
				t.Fatal(err)
			}
			want := d.options.Rules.Accept(got.ID, sms.Draft{Owner: "alice", Client: "alice-1", Request: m.Again()}, d.clock.Now())
			want.Nonce, want.Revision = got.Nonce, got.Revision
			if diff := cmp.Diff(want, got); diff != "" || got.ResendOf != m.ID || got.Text != "Hi" {
				t.Errorf("the new message differs (-want +got):\n%s", diff)
			}
			if sent := d.queue.sent(); len(sent) != 1 || sent[0].Ref != got.Ref() {
				t.Errorf("envelopes are %v", sent)
			}
			if location := response.header.Get("Location"); location != "/v1/sms/"+got.ID {
				t.Errorf("Location is %q", location)
			}
		})
	}
	t.Run("of a message without its text is refused", func(t *testing.T) {
		d := deploy(t)
		mustBe(t, d.resend(t, d.storeWithoutText(t, sms.Failed).ID), http.StatusConflict, "not-resendable")
	})
	t.Run("to a country that is no longer allowed is refused", func(t *testing.T) {
		d := deploy(t)
		m := d.inState(t, sms.Failed)
		d.options.Countries, d.options.Numbers.DefaultCountry = []string{"US"}, ""
		d.restart(t)
		mustBe(t, d.resend(t, m.ID), http.StatusUnprocessableEntity, "invalid-fields")
	})
	t.Run("with a bad key is refused", func(t *testing.T) {
		d := deploy(t)
		m := d.inState(t, sms.Failed)
		mustBe(t, d.resend(t, m.ID, key("")), http.StatusBadRequest, "malformed-request")
	})
}

func TestResendWithOneKeyMakesOneMessage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, d *deployment, m sms.Message)
	}{
		{"at once", func(*testing.T, *deployment, sms.Message) {}},
		{"after a late answer changed the original", func(t *testing.T, d *deployment, m sms.Message) {
			sent, changed := d.options.Rules.Record(m, m.HandOvers[0].Token, sms.Taken("late"), morning)
			if _, err := d.store.Store.Update(t.Context(), m, sent); err != nil || !changed {
				t.Fatal(changed, err)
			}
		}},
		{"after the original's text was deleted", func(t *testing.T, d *deployment, m sms.Message) {
			d.do(t, http.MethodDelete, "/v1/sms/"+m.ID+"/message", "")
		}},
		{"after the original was deleted", func(_ *testing.T, d *deployment, _ sms.Message) { d.clock.Advance(40 * 24 * time.Hour) }},
		{"after its country is no longer allowed", func(t *testing.T, d *deployment, _ sms.Message) {
			d.options.Countries, d.options.Numbers.DefaultCountry = []string{"US"}, ""
			d.restart(t)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			m := d.inState(t, sms.Unknown)
			first := decode[message](t, d.resend(t, m.ID, key("k")))
			tt.change(t, d, m)
			response := d.resend(t, m.ID, key("k"))
			again := decode[message](t, response)
			if response.status != http.StatusAccepted || again.ID != first.ID || response.header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("the first answer has message %s, and the second is %d %s", first.ID, response.status, response.body)
			}
			if n := len(d.queue.sent()); n != 1 {
				t.Errorf("%d envelopes", n)
			}
		})
	}
	t.Run("that was used for another message or for a submission is refused", func(t *testing.T) {
		d := deploy(t)
		m, other := d.inState(t, sms.Failed), d.inState(t, sms.Failed)
		d.resend(t, m.ID, key("k"))
		mustBe(t, d.resend(t, other.ID, key("k")), http.StatusUnprocessableEntity, "idempotency-key-reused")
		mustBe(t, d.post(t, goodBody, key("k")), http.StatusUnprocessableEntity, "idempotency-key-reused")
		d.accepted(t, goodBody, key("submission"))
		mustBe(t, d.resend(t, m.ID, key("submission")), http.StatusUnprocessableEntity, "idempotency-key-reused")
	})
	t.Run("that was never used does not change a refusal", func(t *testing.T) {
		d := deploy(t)
		mustBe(t, d.resend(t, d.inState(t, sms.Queued).ID, key("k")), http.StatusConflict, "not-resendable")
		mustBe(t, d.resend(t, sms.NewID(), key("k")), http.StatusNotFound, "not-found")
	})
}
