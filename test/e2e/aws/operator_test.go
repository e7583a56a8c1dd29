package aws_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/functions"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

func order(t *testing.T, d *functions.Deployment, word string) sms.Breaker {
	t.Helper()
	answer, err := d.Relay.Invoke(t.Context(), fmt.Appendf(nil, `{"operator": %q, "detail": "wrong texts"}`, word))
	if err != nil {
		t.Fatalf("the order %s failed: %v", word, err)
	}
	var b sms.Breaker
	if err := json.Unmarshal(answer, &b); err != nil {
		t.Fatalf("the order %s was answered with %s: %v", word, answer, err)
	}
	return b
}

func checkRelayed(t *testing.T, d *functions.Deployment, api user.API, ids ...string) {
	t.Helper()
	resumed, enqueued := time.Now(), 0
	for enqueued < len(ids) {
		report, err := d.RunRelay(t.Context())
		if enqueued += report.Enqueued; err != nil || time.Since(resumed) > 3*sms.BreakerAge {
			t.Fatalf("%v after the order to resume, the relay had enqueued %d of %d messages; error %v", time.Since(resumed), enqueued, len(ids), err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	d.Poll(t, nil)
	for _, id := range ids {
		api.Await(t, id, 10*time.Second, "sent")
	}
}

func TestAnOperatorPausesTheFunctionsAndResumesThem(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{})
	api, store := d.Client("shop"), dynamo.New(d.Records, d.Table, time.Now)

	_, err := d.Relay.Invoke(t.Context(), []byte(`{"operator": "stop"}`))
	if err == nil || !strings.Contains(err.Error(), "pause or resume") {
		t.Errorf("an order with an unknown word returned %v, want an error that names both words", err)
	}
	if b, err := store.LoadBreaker(t.Context()); err != nil || b.Revision != "" {
		t.Fatalf("after an order with an unknown word, the breaker is %+v, %v", b, err)
	}

	paused := order(t, d, "pause")
	if !paused.Open || paused.Trouble != sms.OperatorPause || paused.Detail != "wrong texts" {
		t.Errorf("the answer to a pause is %+v", paused)
	}
	if again := order(t, d, "pause"); !again.OpenedAt.Equal(paused.OpenedAt) {
		t.Errorf("after a second pause, the pause began at %v, want %v as before", again.OpenedAt, paused.OpenedAt)
	}
	if s, err := api.Status(t.Context()); err != nil || s.Sending || s.Paused.Reason != "operator" {
		t.Errorf("during the pause, the status is %+v, %v", s, err)
	}
	ids := make([]string, 3)
	for i := range ids {
		ids[i] = post(t, api, "", text(newNumber(), "hello")).message(t, http.StatusAccepted).ID
	}
	if answer := d.Deliver(t, d.Receive(t, len(ids))); answer != `{"batchItemFailures":[]}` {
		t.Errorf("during the pause, the sender answers %s, want no failures", answer)
	}
	report, err := d.Relay.Invoke(t.Context(), []byte(`{"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}`))
	if err != nil || !strings.Contains(string(report), `"enqueued":0`) || !strings.Contains(string(report), `"breaker_open":true`) {
		t.Errorf("a scheduled run reports %s, %v", report, err)
	}
	for _, id := range ids {
		if m := get(t, api, id).message(t, http.StatusOK); m.Status != "queued" || m.Attempts != 0 {
			t.Errorf("during the pause, a message is %+v, want it queued without attempts", m)
		}
	}
	if n := d.SNS.Counts()["Publish"]; n != 0 {
		t.Errorf("%d messages were published during the pause, want none", n)
	}

	if b := order(t, d, "resume"); b.Open || b.ClosedAt.IsZero() {
		t.Errorf("the answer to the order to resume is %+v", b)
	}
	checkRelayed(t, d, api, ids...)
}

// SNS goes on taking messages at the limit, so a hand-over does not prove that the limit
// was raised. Only an operator knows that the limit was raised.
func TestAnOperatorsWordEndsASpendLimit(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{})
	api, store := d.Client("shop"), dynamo.New(d.Records, d.Table, time.Now)
	if _, err := change.Breaker(t.Context(), store, func(b sms.Breaker) (sms.Breaker, bool) {
		return sms.DefaultRules().ReportTrouble(b, sms.SpendLimit, "No quota left for account", time.Time{}, time.Now())
	}); err != nil {
		t.Fatal(err)
	}
	id := post(t, api, "", text(newNumber(), "hello")).message(t, http.StatusAccepted).ID
	d.Deliver(t, d.Receive(t, 1))
	if m := get(t, api, id).message(t, http.StatusOK); m.Status != "queued" {
		t.Fatalf("at the spend limit, the message is %+v", m)
	}
	if b := order(t, d, "resume"); b.Open {
		t.Errorf("the answer to the order to resume is %+v", b)
	}
	checkRelayed(t, d, api, id)
}
