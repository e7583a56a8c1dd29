package aws_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/test/harness/functions"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// The parameter `body` can be empty.
func ask(t testing.TB, api user.API, method, path, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, api.Base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return do(t, api, r)
}

func decoded[T any](t testing.TB, r reply, status int) T {
	t.Helper()
	var v T
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRoutesBehindTheGateway(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{})
	d.RecordProvider(t)
	api := d.Client("shop")
	number := newNumber()

	preview := decoded[struct{ Acceptable bool }](t, ask(t, api, http.MethodPost, "/v1/sms/preview", text(number, "hello")), http.StatusOK)
	if !preview.Acceptable {
		t.Error("the preview says that the message would not be accepted")
	}
	m := ask(t, api, http.MethodPost, "/v1/sms", fmt.Sprintf(
		`{"phoneNumber": %q, "message": "hello", "originationNumber": "+12065550100", "reference": "a&b=ç+1"}`, number)).message(t, http.StatusAccepted)
	if r := ask(t, api, http.MethodDelete, "/v1/sms/"+m.ID+"/message", ""); r.status != http.StatusConflict || r.problem(t) != "text-needed" {
		t.Errorf("the answer to deleting the text of a queued message is %d %s", r.status, r.body)
	}
	// A request does not wait for a change by default, because a waiting request keeps a
	// function busy.
	begin := time.Now()
	if got := ask(t, api, http.MethodGet, "/v1/sms/"+m.ID+"?wait=20", "").message(t, http.StatusOK); got.Status != "queued" || time.Since(begin) > 10*time.Second {
		t.Errorf("after %v the message is %s", time.Since(begin), got.Status)
	}
	d.Deliver(t, d.Receive(t, 1))
	want := map[string]string{"AWS.SNS.SMS.SMSType": "String Transactional", "AWS.MM.SMS.OriginationNumber": "String +12065550100"}
	if diff := cmp.Diff(want, d.TakenAttributes(t, number)); diff != "" {
		t.Errorf("attributes at SNS (-want +got):\n%s", diff)
	}
	if r := ask(t, api, http.MethodPost, "/v1/sms/"+m.ID+"/cancel", ""); r.status != http.StatusConflict || r.problem(t) != "too-late" {
		t.Errorf("the answer to canceling a sent message is %d %s", r.status, r.body)
	}
	if r := ask(t, api, http.MethodDelete, "/v1/sms/"+m.ID+"/message", ""); r.status != http.StatusNoContent || r.body != "" {
		t.Errorf("the answer to deleting the text of a sent message is %d %s", r.status, r.body)
	}

	var batch []string
	for i := range 25 {
		batch = append(batch, text(number, fmt.Sprint("batch ", i)))
	}
	batch[7] = `{"phoneNumber": 7}`
	var results struct{ Results []struct{ Status int } }
	cost := requestsOf(d, func() {
		r := ask(t, api, http.MethodPost, "/v1/sms/batch", `{"messages": [`+strings.Join(batch, ",")+`]}`)
		results = decoded[struct{ Results []struct{ Status int } }](t, r, http.StatusOK)
	})
	for i, r := range results.Results {
		if want := map[bool]int{true: 422, false: 202}[i == 7]; r.Status != want {
			t.Errorf("result %d of the batch has the status %d", i, r.Status)
		}
	}
	if diff := cmp.Diff(requests{"PutItem": 24, "SendMessageBatch": 3}, cost); diff != "" {
		t.Errorf("the requests for a batch of 25 with an invalid message differ (-want +got):\n%s", diff)
	}

	for target, want := range map[string]requests{
		// For a page of more than one message the API sometimes has to read a shard
		// twice.
		"/v1/sms?limit=1":                   {"Query": 8, "BatchGetItem": 1},
		"/v1/sms?limit=10&reference=nobody": {"Query": 8},
	} {
		if diff := cmp.Diff(want, requestsOf(d, func() { ask(t, api, http.MethodGet, target, "") })); diff != "" {
			t.Errorf("the requests for %s differ (-want +got):\n%s", target, diff)
		}
	}

	later := ask(t, api, http.MethodPost, "/v1/sms", fmt.Sprintf(`{"phoneNumber": %q, "message": "later", "sendAt": %q}`,
		number, time.Now().Add(time.Hour).Format(time.RFC3339))).message(t, http.StatusAccepted)
	cost = requestsOf(d, func() {
		if got := ask(t, api, http.MethodPost, "/v1/sms/"+later.ID+"/cancel", "").message(t, http.StatusOK); got.Status != "canceled" {
			t.Errorf("the canceled message is %s", got.Status)
		}
	})
	if diff := cmp.Diff(requests{"GetItem": 1, "UpdateItem": 1}, cost); diff != "" {
		t.Errorf("the requests of a cancellation differ (-want +got):\n%s", diff)
	}
	if again := ask(t, api, http.MethodPost, "/v1/sms/"+later.ID+"/resend", "").message(t, http.StatusAccepted); again.Message != "later" {
		t.Errorf("the resent message is %+v", again)
	}

	ids := make(map[string]bool)
	query := url.Values{"limit": {"10"}, "phoneNumber": {number}}
	for more := true; more; more = query.Get("cursor") != "" {
		list := decoded[struct {
			Messages []user.Message
			Next     string
		}](t, ask(t, api, http.MethodGet, "/v1/sms?"+query.Encode(), ""), http.StatusOK)
		for _, m := range list.Messages {
			ids[m.ID] = true
		}
		query.Set("cursor", list.Next)
	}
	if len(ids) != 27 || !ids[m.ID] {
		t.Errorf("%d messages are listed, want 27", len(ids))
	}
	query = url.Values{"reference": {"a&b=ç+1"}}
	if list := decoded[struct{ Messages []user.Message }](t, ask(t, api, http.MethodGet, "/v1/sms?"+query.Encode(), ""), http.StatusOK); len(list.Messages) != 1 {
		t.Errorf("the list by reference is %+v", list)
	}

	status := decoded[struct {
		Sending bool
		Backlog struct{ OnQueue int }
	}](t, ask(t, api, http.MethodGet, "/v1/status", ""), http.StatusOK)
	if !status.Sending || status.Backlog.OnQueue != 25 {
		t.Errorf("the status is %+v", status)
	}
}

func TestLimitsOfADeployment(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{
		API:     []string{"PARTS_PER_DAY=100", "MESSAGES_PER_RECIPIENT_HOUR=2"},
		Clients: `{"shop": {}, "free": {"messagesPerRecipientHour": -1, "allowedCountries": ["US"]}}`,
	})
	number := newNumber()
	shop := d.Client("shop")
	submit := func(key string) reply { return post(t, shop, key, text(number, "hello")) }
	preview := func() { ask(t, shop, http.MethodPost, "/v1/sms/preview", text(number, "hello")) }
	if diff := cmp.Diff(requests{opened: 1, "BatchGetItem": 1, "GetItem": 2}, requestsOf(d, preview)); diff != "" {
		t.Errorf("the requests of a new process for a preview with two limits differ (-want +got):\n%s", diff)
	}
	cost := requestsOf(d, func() { submit("key").message(t, http.StatusAccepted) })
	if diff := cmp.Diff(requests{"GetItem": 1, "UpdateItem": 2, "PutItem": 1, "SendMessage": 1}, cost); diff != "" {
		t.Errorf("the requests for a submission with a key and two limits differ (-want +got):\n%s", diff)
	}
	for range 3 {
		submit("key").message(t, http.StatusAccepted)
	}
	submit("").message(t, http.StatusAccepted)
	if r := submit(""); r.status != http.StatusTooManyRequests || r.problem(t) != "limit-exceeded" || r.header.Get("Retry-After") == "" {
		t.Errorf("the answer to the third message to one number is %d %s", r.status, r.body)
	}
	for range 3 {
		post(t, d.Client("free"), "", text("+12065550100", "hello")).message(t, http.StatusAccepted)
	}
	if r := post(t, d.Client("free"), "", text(number, "hello")); r.status != http.StatusUnprocessableEntity {
		t.Errorf("the answer to a message to a country that the client may not send to is %d %s", r.status, r.body)
	}
}
