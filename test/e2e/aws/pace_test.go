package aws_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/test/harness/functions"
)

// TestThePaceCostsOneWriteABatch counts requests, as TestEachOperationCostsItsRequests
// does, with a pace that is so fast that nothing waits for long.
func TestThePaceCostsOneWriteABatch(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{PartsPerSecond: 50})
	api := d.Client("shop")
	submit := func(message string) {
		post(t, api, "", text(newNumber(), message)).message(t, http.StatusAccepted)
	}
	want := func(what string, got, want requests) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the requests of %s differ (-want +got):\n%s", what, diff)
		}
	}
	began := time.Now()
	submit("hello")
	first := d.Receive(t, 1)
	want("the first delivery of a deployment", requestsOf(d, func() { d.Deliver(t, first) }), requests{"GetItem": 2, "UpdateItem": 4, "Publish": 1})
	for range 9 {
		submit("hello")
	}
	submit(strings.Repeat("long ", 100)) // four parts
	ten := d.Receive(t, 10)
	delivery := requestsOf(d, func() { d.Deliver(t, ten) })
	if delivery["GetItem"] == 0 && time.Since(began) < time.Minute { // otherwise the breaker was read again, because the machine is busy
		want("ten envelopes in one batch", delivery, requests{"UpdateItem": 21, "Publish": 10})
	}
	if delivery["Publish"] != 10 {
		t.Errorf("%d messages were published, want 10", delivery["Publish"])
	}
}
