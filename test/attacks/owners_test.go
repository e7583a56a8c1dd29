package attacks_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

const (
	victimNumber    = "+5511987650001"
	victimText      = "a text of the victim"
	victimReference = "reference-of-the-victim"
	victimKey       = "key-of-the-victim"
)

// A victim is a client with messages of its own. A thief tries to see or to change them.
type victim struct {
	api       user.API
	delivered string // the ids of its messages
	scheduled string
	failed    string
}

func newVictim(t *testing.T, m *machine.Machine) victim {
	t.Helper()
	v := victim{api: user.API{HTTP: clientOf(t, m, "victim"), Base: m.Base}}
	submit := func(key, number string, fields map[string]any) string {
		t.Helper()
		all := map[string]any{"phoneNumber": number, "message": victimText, "reference": victimReference}
		maps.Copy(all, fields)
		sent, err := v.api.Submit(t.Context(), key, all)
		if err != nil {
			t.Fatal(err)
		}
		return sent.ID
	}
	v.delivered = submit(victimKey, victimNumber, nil)
	v.scheduled = submit("", victimNumber, map[string]any{"sendAt": time.Now().Add(time.Hour).UTC()})
	v.failed = submit("", "+12025550101", nil)
	v.api.Await(t, v.delivered, time.Minute, "delivered")
	v.api.Await(t, v.failed, time.Minute, "failed")
	return v
}

func (v victim) ids() []string { return []string{v.delivered, v.scheduled, v.failed} }

// Returns the messages of the victim as the victim sees them.
func (v victim) messages(t *testing.T) (texts []string) {
	t.Helper()
	for _, id := range v.ids() {
		texts = append(texts, string(read(t.Context(), v.api.HTTP, v.api.Base+"/v1/sms/"+id)))
	}
	return texts
}

// Reports whether an answer contains any data of the victim's messages.
func (v victim) revealing(text string) bool {
	return slices.ContainsFunc(append(v.ids(), victimNumber, victimText, victimReference, "victim"), func(secret string) bool {
		return strings.Contains(text, secret)
	})
}

// TestNobodyReachesTheMessagesOfAnotherOwner lets a thief try every way to the messages of
// a victim. The thief knows their ids, numbers, references and keys.
func TestNobodyReachesTheMessagesOfAnotherOwner(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir(), "--log-level", "error", "--clients", clientsFile(t, "victim", "thief"))
	v := newVictim(t, m)
	before := v.messages(t)
	thief, owner := "Bearer "+tokenOf(t, m, "thief"), "Bearer "+tokenOf(t, m, "victim")
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}

	t.Run("by its id", func(t *testing.T) {
		const absent = "0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a76"
		for _, id := range v.ids() {
			for _, target := range []string{
				"GET /v1/sms/ID", "GET /v1/sms/ID?wait=20", "POST /v1/sms/ID/cancel", "POST /v1/sms/ID/resend", "DELETE /v1/sms/ID/message",
			} {
				got := ask(t, m, strings.Replace(target, "ID", id, 1), thief, "")
				want := ask(t, m, strings.Replace(target, "ID", absent, 1), thief, "")
				if diff := cmp.Diff(problemOf(t, want), problemOf(t, got)); diff != "" || got.status != http.StatusNotFound {
					t.Errorf("%s has the status %d, and differs from the answer for an absent message (-absent +got):\n%s", target, got.status, diff)
				}
			}
		}
	})
	t.Run("by its id in another form, or with a header", func(t *testing.T) {
		etag := ask(t, m, "GET /v1/sms/"+v.delivered, owner, "").header.Get("ETag")
		if etag == "" {
			t.Fatal("the victim's message has no ETag")
		}
		for _, path := range []string{
			"/v1/sms/" + strings.ToUpper(v.delivered), "/v1/sms/" + strings.ReplaceAll(v.delivered, "-", ""), "/v1/sms/%7B" + v.delivered + "%7D",
			"/v1/sms/" + v.delivered + "/", "/v1/sms//" + v.delivered, "/v1/sms/./" + v.delivered, "/v1/sms/x/../" + v.delivered,
			"/v1/sms/victim/" + v.delivered, "/v1/sms/victim%2F" + v.delivered, "/v1/sms/" + v.delivered + "%00", "/V1/sms/" + v.delivered,
		} {
			if got := ask(t, m, "GET "+path, thief, ""); got.status < 400 || strings.Contains(got.text, victimText) {
				t.Errorf("GET %s: status %d: %s", path, got.status, got.text)
			}
		}
		for name, value := range map[string]string{
			"If-None-Match": etag, "X-Owner": "victim", "X-Client-Id": "victim", "X-Forwarded-User": "victim", "X-Amzn-Oidc-Identity": "victim",
			"X-Http-Method-Override": "DELETE", "X-Original-Url": "/v1/sms/" + v.delivered, "Cookie": "owner=victim",
		} {
			if got := ask(t, m, "GET /v1/sms/"+v.delivered, thief, "", header(name, value)); got.status != http.StatusNotFound {
				t.Errorf("with %s: status %d: %s", name, got.status, got.text)
			}
		}
	})
	t.Run("by a list", func(t *testing.T) {
		var page struct{ Next string }
		if err := json.Unmarshal([]byte(ask(t, m, "GET /v1/sms?limit=1", owner, "").text), &page); err != nil || page.Next == "" {
			t.Fatalf("the victim's list has no second page: %v", err)
		}
		for _, query := range []string{
			"", "limit=100", "reference=" + victimReference, "phoneNumber=" + url.QueryEscape(victimNumber), "status=delivered", "status=scheduled",
			"from=2000-01-01T00:00:00Z", "to=2100-01-01T00:00:00Z", "cursor=" + page.Next, "limit=1&cursor=" + page.Next, "owner=victim", "client=victim",
		} {
			if got := ask(t, m, "GET /v1/sms?"+query, thief, ""); v.revealing(strings.ReplaceAll(got.text, "by this list", "")) {
				t.Errorf("GET /v1/sms?%s: status %d: %s", query, got.status, got.text)
			}
		}
	})
	t.Run("by its key", func(t *testing.T) {
		same := `"phoneNumber": "` + victimNumber + `", "message": "` + victimText + `", "reference": "` + victimReference + `"`
		again := ask(t, m, "POST /v1/sms/"+v.failed+"/resend", thief, "", header("Idempotency-Key", victimKey))
		single := ask(t, m, "POST /v1/sms", thief, "{"+same+"}", header("Idempotency-Key", victimKey))
		batch := ask(t, m, "POST /v1/sms/batch", thief, `{"messages": [{`+same+`, "idempotencyKey": "`+victimKey+`"}]}`)
		for _, got := range []answer{single, batch, again} {
			if slices.ContainsFunc(v.ids(), func(id string) bool { return strings.Contains(got.text, id) }) {
				t.Errorf("status %d: %s", got.status, got.text)
			}
		}
		if single.status != http.StatusAccepted || single.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("the victim's key hindered the thief's own message: status %d: %s", single.status, single.text)
		}
		if again.status != http.StatusNotFound {
			t.Errorf("resending with the victim's key: status %d: %s", again.status, again.text)
		}
	})
	t.Run("by a field", func(t *testing.T) {
		for _, field := range []string{`"owner": "victim"`, `"client": "victim"`, `"id": "` + v.scheduled + `"`, `"resendOf": "` + v.failed + `"`, `"status": "canceled"`} {
			message := `{"phoneNumber": "+12025550100", "message": "hello", ` + field + `}`
			for target, body := range map[string]string{"POST /v1/sms": message, "POST /v1/sms/preview": message} {
				if got := ask(t, m, target, thief, body); got.status != http.StatusUnprocessableEntity {
					t.Errorf("%s with %s: status %d: %s", target, field, got.status, got.text)
				}
			}
			if got := ask(t, m, "POST /v1/sms/batch", thief, `{"messages": [`+message+`]}`); !strings.Contains(got.text, `"status":422`) {
				t.Errorf("a batch with %s: status %d: %s", field, got.status, got.text)
			}
		}
	})
	t.Run("by the status or the pages", func(t *testing.T) {
		for _, target := range []string{"GET /v1/status", "GET /healthz", "GET /docs", "GET /openapi.yaml", "GET /", "GET /inbox/rows", "GET /.well-known/jwks.json"} {
			if got := ask(t, m, target, thief, ""); v.revealing(got.text) {
				t.Errorf("%s: status %d: %s", target, got.status, got.text)
			}
		}
	})
	if diff := cmp.Diff(before, v.messages(t)); diff != "" {
		t.Errorf("the attacks changed the victim's messages (-before +after):\n%s", diff)
	}
	t.Run("the victim itself can do all this", func(t *testing.T) {
		for target, want := range map[string]int{
			"GET /v1/sms/" + v.delivered: http.StatusOK, "POST /v1/sms/" + v.scheduled + "/cancel": http.StatusOK,
			"POST /v1/sms/" + v.failed + "/resend": http.StatusAccepted, "DELETE /v1/sms/" + v.delivered + "/message": http.StatusNoContent,
		} {
			if got := ask(t, m, target, owner, ""); got.status != want {
				t.Errorf("%s: status %d, want %d: %s", target, got.status, want, got.text)
			}
		}
	})
}

// problemOf returns the problem in an answer, without the id of the request.
func problemOf(t *testing.T, a answer) map[string]any {
	t.Helper()
	var problem map[string]any
	if err := json.Unmarshal([]byte(a.text), &problem); err != nil {
		t.Errorf("%v: %s", err, a.text)
	}
	delete(problem, "instance")
	return problem
}
