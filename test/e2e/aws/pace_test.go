package aws_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/test/harness/functions"
)

// On a busy machine a sender can come too late for its slots. In this case, it books new
// slots.
func TestThePaceCostsOneWriteABatch(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{PartsPerSecond: 5})
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
	deliver := func(n int) (all requests, took time.Duration) {
		batch := d.Receive(t, n)
		began := time.Now()
		all = requestsOf(d, func() { d.Deliver(t, batch) })
		return all, time.Since(began)
	}
	const lapse = time.Second
	began := time.Now()
	submit("hello")
	if delivery, took := deliver(1); took < lapse/4 {
		want("the first delivery of a deployment", delivery, requests{opened: 1, "GetItem": 2, "UpdateItem": 4, "Publish": 1})
	}
	for range 9 {
		submit("hello")
	}
	submit(strings.Repeat("long ", 100)) // four parts
	delivery, took := deliver(10)
	if took < 1500*time.Millisecond { // at least 9 parts come before the last message
		t.Errorf("13 parts were handed over in %v, which exceeds the pace of 5 a second", took)
	}
	if delivery["GetItem"] == 0 && delivery["Publish"] == 10 && took < 3*time.Second && time.Since(began) < time.Minute { // on a machine that is not busy, no slot is lost
		want("ten envelopes in one batch", delivery, requests{"UpdateItem": 21, "Publish": 10})
	}
}
