package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func (d *deployment) inState(t testing.TB, state sms.Status, edits ...func(*sms.Draft)) sms.Message {
	t.Helper()
	rules := d.options.Rules
	dr := draft("Hi")
	for _, edit := range edits {
		edit(&dr)
	}
	now := d.clock.Now()
	if state == sms.Scheduled {
		dr.SendAt = now.Add(time.Hour)
	}
	if state == sms.Unknown {
		dr.OnUnknown = sms.Hold
	}
	m := rules.Accept(sms.NewID(), dr, now)
	outcome := sms.Taken("provider-" + m.ID)
	switch state {
	case sms.Scheduled, sms.Queued:
	case sms.Canceled:
		m, _, _ = rules.Cancel(m, now)
	case sms.Expired:
		m.ExpiresAt = now
		m, _ = rules.GiveUp(m, now)
	default:
		claimed, err := rules.NewClaim("fake", now).Apply(m)
		if err != nil {
			t.Fatal(err)
		}
		m = claimed
	}
	switch state {
	case sms.Sent:
		m, _ = rules.Record(m, m.LeaseToken, outcome, now)
	case sms.Unknown:
		m, _ = rules.Record(m, m.LeaseToken, sms.Unanswered(), now)
	case sms.Failed:
		refused := sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.NumberRefused})
		m, _ = rules.Record(m, m.LeaseToken, refused, now)
	case sms.Delivered, sms.Undelivered:
		m, _ = rules.Record(m, m.LeaseToken, outcome, now)
		verdict := sms.VerdictDelivered
		if state == sms.Undelivered {
			verdict = sms.VerdictUndelivered
		}
		m, _ = rules.ApplyReceipt(m, sms.Receipt{Provider: "fake", ProviderMessageID: outcome.ProviderMessageID, Verdict: verdict, Failure: sms.Unreachable}, now)
	}
	if m.Status != state {
		t.Fatalf("the message is %s, want %s", m.Status, state)
	}
	d.stored(t, m)
	return m
}

func (d *deployment) storeWithoutText(t testing.TB, state sms.Status) sms.Message {
	t.Helper()
	m := d.inState(t, state)
	path := "/v1/sms/" + m.ID + "/message"
	if r := d.do(t, http.MethodDelete, path, ""); r.status != http.StatusNoContent {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	return m
}

func TestCancel(t *testing.T) {
	for _, state := range sms.Statuses() {
		t.Run("of a message with status "+string(state), func(t *testing.T) {
			d := deploy(t)
			m := d.inState(t, state)
			path := "/v1/sms/" + m.ID
			before := d.do(t, http.MethodGet, path, "").body
			response := d.do(t, http.MethodPost, path+"/cancel", "")
			if state != sms.Scheduled && state != sms.Queued && state != sms.Canceled {
				mustBe(t, response, http.StatusConflict, "too-late")
				if after := d.do(t, http.MethodGet, path, "").body; after != before {
					t.Errorf("the message was %s\nand is now %s", before, after)
				}
				return
			}
			got := decode[message](t, response)
			if response.status != http.StatusOK || got.Status != "canceled" || got.ID != m.ID {
				t.Fatalf("status %d: %s", response.status, response.body)
			}
			if again := d.do(t, http.MethodPost, path+"/cancel", ""); again.status != http.StatusOK || again.body != response.body {
				t.Errorf("the second call: status %d: %s", again.status, again.body)
			}
			if now := d.do(t, http.MethodGet, path, ""); now.body != response.body {
				t.Errorf("the answer to the cancellation is %s\nand a look-up returns %s", response.body, now.body)
			}
		})
	}
	t.Run("of a message with an unanswered hand-over is too late", func(t *testing.T) {
		d := deploy(t)
		m := d.inState(t, sms.Sending)
		queued, _ := d.options.Rules.Record(m, m.LeaseToken, sms.Unanswered(), morning)
		if _, err := d.store.Store.Update(t.Context(), m, queued); err != nil || queued.Status != sms.Queued {
			t.Fatal(queued.Status, err)
		}
		mustBe(t, d.do(t, http.MethodPost, "/v1/sms/"+m.ID+"/cancel", ""), http.StatusConflict, "too-late")
	})
	t.Run("is too late after a sender's claim", func(t *testing.T) {
		d := deploy(t)
		m := d.inState(t, sms.Queued)
		d.store.before = func(ctx context.Context, call string, _ sms.Message) error {
			if call != "update" {
				return nil
			}
			d.store.before = nil
			_, err := d.store.Claim(ctx, m.Ref(), d.options.Rules.NewClaim("fake", morning))
			return err
		}
		mustBe(t, d.do(t, http.MethodPost, "/v1/sms/"+m.ID+"/cancel", ""), http.StatusConflict, "too-late")
	})
}

func TestDeleteText(t *testing.T) {
	for _, state := range sms.Statuses() {
		t.Run("of a message with status "+string(state), func(t *testing.T) {
			d := deploy(t)
			m := d.inState(t, state)
			path := "/v1/sms/" + m.ID
			response := d.do(t, http.MethodDelete, path+"/message", "")
			now := decode[message](t, d.do(t, http.MethodGet, path, ""))
			if !state.AtRest() {
				mustBe(t, response, http.StatusConflict, "text-needed")
				if now.Message != "Hi" {
					t.Errorf("the text is %q, want none", now.Message)
				}
				return
			}
			if response.status != http.StatusNoContent || response.body != "" || now.Message != "" || now.Status != string(state) {
				t.Errorf("status %d: %s; the message is then %+v", response.status, response.body, now)
			}
			if again := d.do(t, http.MethodDelete, path+"/message", ""); again.status != http.StatusNoContent {
				t.Errorf("the second call: status %d: %s", again.status, again.body)
			}
		})
	}
}

func TestChangeWhoseOutcomeIsUnknown(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		state              sms.Status
	}{
		{"a cancel", http.MethodPost, "/cancel", sms.Queued},
		{"a deletion of the text", http.MethodDelete, "/message", sms.Sent},
	} {
		t.Run(tt.name+" whose answer was lost can be repeated", func(t *testing.T) {
			d := deploy(t)
			m := d.inState(t, tt.state)
			d.store.after = func(_ context.Context, call string, _ sms.Message, err error) error {
				if call == "update" {
					return errBroken
				}
				return err
			}
			target := "/v1/sms/" + m.ID + tt.path
			p := mustBe(t, d.do(t, tt.method, target, ""), http.StatusServiceUnavailable, "outcome-unknown")
			if !strings.Contains(p.Detail, "Repeat") || strings.Contains(p.Detail, "Idempotency-Key") {
				t.Errorf("detail is %q", p.Detail)
			}
			d.store.after = nil
			if r := d.do(t, tt.method, target, ""); r.status >= 300 {
				t.Errorf("repeated: %d %s", r.status, r.body)
			}
		})
		t.Run(tt.name+" that always conflicts with others is unavailable", func(t *testing.T) {
			d := deploy(t)
			m := d.inState(t, tt.state)
			d.store.before = func(_ context.Context, call string, _ sms.Message) error {
				if call == "update" {
					return &sms.ConflictError{Current: m}
				}
				return nil
			}
			mustBe(t, d.do(t, tt.method, "/v1/sms/"+m.ID+tt.path, ""), http.StatusServiceUnavailable, "unavailable")
		})
	}
}
