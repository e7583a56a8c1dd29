package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

type batchResults struct {
	Results []struct {
		Status             int
		Message            *message
		IdempotentReplayed bool
		Problem            *problem
		RetryAfterSeconds  int
	}
}

func (d *deployment) batch(t testing.TB, messages ...string) batchResults {
	t.Helper()
	response := d.do(t, http.MethodPost, "/v1/sms/batch", `{"messages": [`+strings.Join(messages, ",")+`]}`)
	if response.status != http.StatusOK {
		t.Fatalf("status %d: %s", response.status, response.body)
	}
	results := decode[batchResults](t, response)
	if len(results.Results) != len(messages) {
		t.Fatalf("got %d results for %d messages", len(results.Results), len(messages))
	}
	for i, r := range results.Results {
		if (r.Message != nil) == (r.Problem != nil) || (r.Message != nil) != (r.Status == http.StatusAccepted) ||
			(r.Problem != nil && r.Problem.Status != r.Status) {
			t.Errorf("result %d is unexpected: %+v", i, r)
		}
	}
	return results
}

func (b batchResults) outcome() string {
	var words []string
	for _, r := range b.Results {
		switch {
		case r.Problem != nil:
			words = append(words, r.Problem.slug())
		case r.IdempotentReplayed:
			words = append(words, "replayed")
		default:
			words = append(words, "accepted")
		}
	}
	return strings.Join(words, " ")
}

func batched(text, key string) string {
	fields := `{"phoneNumber": "+5511999999999", "message": "` + text + `"`
	if key != "" {
		fields += `, "idempotencyKey": "` + key + `"`
	}
	return fields + "}"
}

func TestBatchAnswersEachInOrder(t *testing.T) {
	d := deploy(t)
	results := d.batch(t,
		batched("one", "k1"),
		`{"message": "no number"}`,
		batched("three", ""),
		`"no object"`,
		batched("one", "k1"),
		batched("another", "k1"),
		batched("bad key", ""+strings.Repeat("k", 256)),
		batched("a key that no header could carry", " k"),
		batched("another one", "k "),
		batched("only a space", " "),
		`{"phoneNumber": "+4915112345678", "message": "not there", "idempotencyKey": "k2"}`,
		`{"phoneNumber": "+5511999999999", "message": "later", "sendAt": "2030-05-05T09:00:00Z"}`,
		`{"phoneNumber": "+5511999999999", "message": "what", "extra": 1}`,
	)
	want := "accepted invalid-fields accepted invalid-fields replayed idempotency-key-reused " +
		"invalid-fields invalid-fields invalid-fields invalid-fields invalid-fields accepted invalid-fields"
	if diff := cmp.Diff(want, results.outcome()); diff != "" {
		t.Errorf("the results differ (-want +got):\n%s", diff)
	}
	if got := results.Results[2].Message.Message; got != "three" {
		t.Errorf("the third message is %q", got)
	}
	if first, again := results.Results[0].Message.ID, results.Results[4].Message.ID; first != again {
		t.Errorf("one key made the messages %s and %s, want one message", first, again)
	}
	for _, r := range results.Results[6:10] {
		if e := r.Problem.Errors; len(e) != 1 || e[0].Field != "idempotencyKey" {
			t.Errorf("the errors for the bad key are %v", e)
		}
	}
	if n := len(d.queue.sent()); n != 2 || d.queue.sends != 1 {
		t.Errorf("%d envelopes were sent in %d calls, want the two whose time is near in one call", n, d.queue.sends)
	}
}

func TestBatchOfAHundredCanBeRepeated(t *testing.T) {
	d := deploy(t)
	var messages []string
	for i := range 100 {
		messages = append(messages, batched("message "+strconv.Itoa(i), "key "+strconv.Itoa(i)))
	}
	first, again := d.batch(t, messages...), d.batch(t, messages...)
	for i := range messages {
		a, b := first.Results[i].Message, again.Results[i].Message
		if a.Message != "message "+strconv.Itoa(i) || a.ID != b.ID || !again.Results[i].IdempotentReplayed {
			t.Fatalf("message %d is %+v in the first answer and %+v in the second", i, a, b)
		}
	}
	if n := len(d.queue.sent()); n != 100 || d.queue.sends != 1 {
		t.Errorf("%d envelopes were sent in %d calls", n, d.queue.sends)
	}
	if single, header := d.accepted(t, batched("message 7", ""), key("key 7")); single.ID != first.Results[7].Message.ID {
		t.Errorf("a single submission with the same key returned %s, %v", single.ID, header)
	}
}

func TestBatchSaysWhenToRepeatAMessage(t *testing.T) {
	d := deploy(t)
	d.options.Limits = api.Limits{PartsPerDay: 2}
	d.restart(t)
	d.store.before = func(_ context.Context, call string, m sms.Message) error {
		if call == "create" && m.Text == "down" {
			return sms.ErrUnavailable
		}
		return nil
	}
	var got []int
	for _, text := range []string{"fine", "down", "", "fine too", "too much"} {
		for _, r := range d.batch(t, batched(text, "")).Results {
			got = append(got, r.Status, r.RetryAfterSeconds)
		}
	}
	want := []int{202, 0, 503, 5, 422, 0, 202, 0, 429, 15 * 3600} // until midnight
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the statuses and seconds differ (-want +got):\n%s", diff)
	}
}

func TestBatchAsAWhole(t *testing.T) {
	for _, tt := range []struct {
		name, body, fields string
	}{
		{"no messages", `{}`, "messages"},
		{"an empty list", `{"messages": []}`, "messages"},
		{"too many", `{"messages": [` + strings.Repeat("{},", 100) + `{}]}`, "messages"},
		{"no list", `{"messages": {}}`, "messages"},
		{"null", `{"messages": null}`, "messages"},
		{"an unknown field", `{"messages": [{}], "sendAt": "now"}`, "sendAt"},
		{"no object", `[{}]`, ""},
	} {
		t.Run(tt.name+" is refused", func(t *testing.T) {
			d := deploy(t)
			p := mustBe(t, d.do(t, http.MethodPost, "/v1/sms/batch", tt.body), http.StatusUnprocessableEntity, "invalid-fields")
			if len(p.Errors) != 1 || p.Errors[0].Field != tt.fields {
				t.Errorf("errors are %v", p.Errors)
			}
			d.mustBeUntouched(t)
		})
	}
	t.Run("a header Idempotency-Key is refused", func(t *testing.T) {
		d := deploy(t)
		mustBe(t, d.do(t, http.MethodPost, "/v1/sms/batch", goodBatch, key("k")), http.StatusBadRequest, "malformed-request")
		d.mustBeUntouched(t)
	})
}

func TestBatchWhoseEnqueueFailsIsAcceptedAndDue(t *testing.T) {
	d := deploy(t)
	d.queue.fail = func(context.Context) error { return errBroken }
	for _, r := range d.batch(t, batched("one", ""), batched("two", "k")).Results {
		m, err := d.store.Store.Get(t.Context(), r.Message.ID)
		if want := (sms.Due{Kind: sms.DueSend, At: morning}); err != nil || m.Due != want {
			t.Errorf("the message is due %+v, %v", m.Due, err)
		}
	}
}

func TestBatchIsAnsweredInTimeIfTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := deploy(t)
		d.store.before = func(ctx context.Context, _ string, _ sms.Message) error {
			<-ctx.Done()
			return ctx.Err()
		}
		d.options.Limits = api.Limits{PartsPerDay: 1000}
		d.restart(t)
		var messages []string
		for i := range 100 {
			messages = append(messages, batched("one", fmt.Sprint(i)))
		}
		begin := time.Now()
		results := d.batch(t, messages...)
		if took := time.Since(begin); took > 9*time.Second {
			t.Errorf("it took %v", took)
		}
		for i, r := range results.Results {
			if r.Status != http.StatusServiceUnavailable {
				t.Fatalf("result %d has status %d", i, r.Status)
			}
		}
	})
}

func TestBatchesHaveARate(t *testing.T) {
	const atOnce, perSecond = 5000, 500
	d := deploy(t)
	batch := func(n int, edits ...edit) reply {
		t.Helper()
		return d.do(t, http.MethodPost, "/v1/sms/batch", `{"messages": [`+strings.Repeat("{}, ", n-1)+`{}]}`, edits...)
	}
	messages := func(want int) {
		t.Helper()
		for n := 100; n <= want; n += 100 {
			if r := batch(100); r.status != http.StatusOK {
				t.Fatalf("message %d of %d: status %d: %s", n, want, r.status, r.body)
			}
		}
		refused := batch(1)
		mustBe(t, refused, http.StatusTooManyRequests, "too-many-requests")
		if after := refused.header.Get("Retry-After"); after != "1" {
			t.Errorf("Retry-After is %q, want 1", after)
		}
	}
	messages(atOnce)
	if r := batch(100, by(api.Caller{ClientID: "bob", Owner: "bob", Scopes: alice.Scopes})); r.status != http.StatusOK {
		t.Errorf("a batch of another owner has status %d", r.status)
	}
	d.clock.Advance(time.Second)
	messages(perSecond)
	d.options.Share = true
	d.restart(t)
	for range atOnce/100 + 1 {
		if r := batch(100); r.status != http.StatusOK {
			t.Fatalf("on one machine: status %d: %s", r.status, r.body)
		}
	}
}
