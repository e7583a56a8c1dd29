package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestTheLocationIsUnderTheBasePathThatTheClientTyped(t *testing.T) {
	for _, base := range []string{"/sms/v1", "/prod", ""} {
		d := deploy(t)
		response := d.do(t, http.MethodPost, "/v1/sms", `{"phoneNumber": "+5511999999999", "message": "Hi"}`, func(r *http.Request) *http.Request {
			return r.WithContext(api.WithBasePath(r.Context(), base))
		})
		want := base + "/sms/" + decode[message](t, response).ID
		if got := response.header.Get("Location"); got != want {
			t.Errorf("under %q, Location is %q, want %q", base, got, want)
		}
	}
}

func TestSubmitRecordsEveryField(t *testing.T) {
	d := deploy(t)
	got, header := d.accepted(t, `{
		"phoneNumber": "(11) 99999-9999", "message": "Olá", "reference": "order 1", "type": "promotional",
		"senderId": "Bakery", "sendAt": "2030-05-04T07:00:00.5-03:00", "expiresAt": "2030-05-04T14:00:00Z",
		"maxPriceUSD": 0.0500, "onUnknown": "hold", "entityId": "E1", "templateId": "T1"}`)

	if want := "/v1/sms/" + got.ID; header.Get("Location") != want {
		t.Errorf("Location is %q, want %q", header.Get("Location"), want)
	}
	want := message{
		ID: got.ID, Status: "scheduled", PhoneNumber: "+5511999999999", Message: "Olá", Reference: "order 1",
		Encoding: "UCS-2", OnUnknown: "hold",
		CreatedAt: "2030-05-04T09:00:00.000Z", UpdatedAt: "2030-05-04T09:00:00.000Z",
		SendAt: "2030-05-04T10:00:00.500Z", ExpiresAt: "2030-05-04T14:00:00.000Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the message differs (-want +got):\n%s", diff)
	}
	m, err := d.store.Store.Get(t.Context(), got.ID)
	if err != nil {
		t.Fatal(err)
	}
	type private struct{ Owner, Client, SenderID, MaxPriceUSD, EntityID, TemplateID string }
	wantStored := private{"alice", "alice-1", "Bakery", "0.05", "E1", "T1"}
	if diff := cmp.Diff(wantStored, private{m.Owner, m.Client, m.SenderID, m.MaxPriceUSD, m.EntityID, m.TemplateID}); diff != "" {
		t.Errorf("the record differs (-want +got):\n%s", diff)
	}
}

func TestSubmitEnqueuesMessagesThatAreDueSoon(t *testing.T) {
	for _, tt := range []struct {
		name, sendAt, status string
		envelopes            int
		delay                time.Duration
	}{
		{"a message without sendAt is enqueued at once", "", "queued", 1, 0},
		{"a sendAt in the last minute means now", "2030-05-04T08:59:30Z", "queued", 1, 0},
		{"a sendAt within two minutes makes a delayed envelope", "2030-05-04T09:01:30.2Z", "scheduled", 1, 91 * time.Second},
		{"a later sendAt is left to the relay", "2030-05-04T09:02:01Z", "scheduled", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			body := goodBody
			if tt.sendAt != "" {
				body = strings.Replace(goodBody, "{", `{"sendAt": "`+tt.sendAt+`", `, 1)
			}
			got, _ := d.accepted(t, body)
			if got.Status != tt.status {
				t.Errorf("status is %s, want %s", got.Status, tt.status)
			}
			var want []sms.Envelope
			if tt.envelopes == 1 {
				ref := sms.Ref{ID: got.ID, Generation: morning.UnixMilli()}
				want = []sms.Envelope{{Ref: ref, Parts: 1, Group: "alice-1", Delay: tt.delay}}
			}
			if diff := cmp.Diff(want, d.queue.sent()); diff != "" {
				t.Errorf("the envelopes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSubmitTakesTwoCalls(t *testing.T) {
	d := deploy(t)
	d.accepted(t, goodBody, key("k"))
	if diff := cmp.Diff(map[string]int{"create": 1}, d.store.calls); diff != "" {
		t.Errorf("the calls to the store differ (-want +got):\n%s", diff)
	}
	if n := len(d.queue.sent()); n != 1 {
		t.Errorf("%d envelopes", n)
	}
}

func TestSubmitAcceptsOtherFormsOfTheMediaType(t *testing.T) {
	for _, contentType := range []string{"application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""} {
		d := deploy(t)
		d.accepted(t, goodBody, header("Content-Type", contentType))
	}
}

func TestSubmitAcceptsEveryCountryIfAllAreAllowed(t *testing.T) {
	d := deploy(t)
	d.options.Countries, d.options.Numbers.DefaultCountry = []string{api.AllCountries}, ""
	d.restart(t)
	for _, number := range []string{"+5511999999999", "+12065550100", "+4915112345678", "+870776001234"} {
		d.accepted(t, strings.Replace(goodBody, "+5511999999999", number, 1))
	}
}

func TestSubmitIgnoresHeadersAboutTheCaller(t *testing.T) {
	d := deploy(t)
	got, _ := d.accepted(t, goodBody,
		header("X-Owner", "mallory"), header("Client_id", "mallory"), header("X-Client-Id", "mallory"),
		header("X-Amzn-Oidc-Identity", "mallory"), header("Forwarded", "for=mallory"))
	m, err := d.store.Store.Get(t.Context(), got.ID)
	if err != nil {
		t.Fatal(err)
	}
	if m.Owner != "alice" || m.Client != "alice-1" {
		t.Errorf("the message has owner %q and client %q", m.Owner, m.Client)
	}
	response := d.post(t, goodBody, nobody, header("X-Owner", "alice"), header("X-Client-Id", "alice-1"))
	mustBe(t, response, http.StatusUnauthorized, "unauthorized")
}

func TestSubmitClientsOfOneOwnerShareMessages(t *testing.T) {
	d := deploy(t)
	rotated := alice
	rotated.ClientID = "alice-2"
	first, _ := d.accepted(t, goodBody, key("k"))
	again, header := d.accepted(t, goodBody, key("k"), by(rotated))
	if again.ID != first.ID || header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("got message %s, replayed %q; want message %s, replayed", again.ID, header.Get("Idempotent-Replayed"), first.ID)
	}
	if r := d.do(t, http.MethodGet, "/v1/sms/"+first.ID, "", by(rotated)); r.status != http.StatusOK {
		t.Errorf("the other client got status %d", r.status)
	}
}
