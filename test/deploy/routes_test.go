package deploy

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// The parameter `sent` is the id of a message that was sent.
func (e deployment) callRoutes(t *testing.T, token, sent string) {
	t.Helper()
	want := func(what string, got answer, status int, part string) {
		t.Helper()
		if got.status != status || !strings.Contains(got.body, part) {
			t.Errorf("%s: %d %s, want %d with %q", what, got.status, got.body, status, part)
		}
	}
	const one = `{"phoneNumber": "+4915112345611", "message": "in a batch"}`
	later := `{"phoneNumber": "+4915112345611", "message": "later", "sendAt": "` + time.Now().Add(time.Hour).Format(time.RFC3339) + `"}`

	want("a preview", e.call(t, http.MethodPost, "/sms/preview", token, one), 200, `"acceptable":true`)
	want("a batch", e.call(t, http.MethodPost, "/sms/batch", token, `{"messages": [`+one+`, {}]}`), 200, `"status":422`)
	scheduled := e.call(t, http.MethodPost, "/sms", token, later).field("id")
	want("canceling", e.call(t, http.MethodPost, "/sms/"+scheduled+"/cancel", token, ""), 200, `"status":"canceled"`)
	want("canceling a sent message", e.call(t, http.MethodPost, "/sms/"+sent+"/cancel", token, ""), 409, "too-late")
	want("resending", e.call(t, http.MethodPost, "/sms/"+scheduled+"/resend", token, ""), 202, `"resendOf":"`+scheduled+`"`)
	want("listing", e.call(t, http.MethodGet, "/sms?status=canceled&limit=1&phoneNumber=%2B4915112345611", token, ""), 200, scheduled)
	want("deleting a text", e.call(t, http.MethodDelete, "/sms/"+scheduled+"/message", token, ""), 204, "")
	want("a method that the path does not have", e.call(t, http.MethodDelete, "/sms/"+scheduled, token, ""), 404, "")

	// While sending is paused, the status says how long messages have waited.
	var table string
	if err := e.Workspace.Output(t.Context(), "table_name", &table); err != nil {
		t.Fatal(err)
	}
	store := dynamo.New(dynamo.NewClient(enginetest.Config(t, e.Front.URL)), table, time.Now)
	switchTo := func(rule func(sms.Breaker) sms.Breaker) {
		t.Helper()
		if _, err := change.Breaker(t.Context(), store, func(b sms.Breaker) (sms.Breaker, bool) { return rule(b), true }); err != nil {
			t.Fatal(err)
		}
	}
	want("the status", e.call(t, http.MethodGet, "/status", token, ""), 200, `"sending":true`)
	switchTo(func(b sms.Breaker) sms.Breaker { return b.Pause("in a test", time.Now()) })
	want("the status of a paused service", e.call(t, http.MethodGet, "/status", token, ""), 200, `"reason":"operator"`)
	switchTo(func(b sms.Breaker) sms.Breaker { return b.Close(time.Now()) })
}
