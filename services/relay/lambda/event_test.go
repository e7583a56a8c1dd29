package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// scheduled is the event that EventBridge Scheduler sends if the schedule has no input.
const scheduled = `{"version": "0", "id": "d32c5473-8f17-4f5c-a1d7-6a1f8f4c3b62", "detail-type": "Scheduled Event",
	"source": "aws.scheduler", "account": "123456789012", "time": "2026-11-22T15:04:00Z", "region": "eu-central-1",
	"resources": ["arn:aws:scheduler:eu-central-1:123456789012:schedule/smsqueue/smsqueue-relay"], "detail": "{}"}`

func TestReadOrder(t *testing.T) {
	for _, tc := range []struct {
		name, event string
		want        sms.Order
		given       bool
	}{
		{"Scheduler's event is not an order", scheduled, sms.Order{}, false},
		{"an event whose detail is an object is not an order", `{"detail": {}}`, sms.Order{}, false},
		{"an empty event is not an order", `{}`, sms.Order{}, false},
		{"an event without fields is not an order", `null`, sms.Order{}, false},
		{"a pause with its reason", `{"operator": "pause", "detail": "wrong texts"}`, sms.Order{Word: sms.OrderPause, Detail: "wrong texts"}, true},
		{"resuming", `{"operator": "resume"}`, sms.Order{Word: sms.OrderResume}, true},
		{"an unknown word, which the domain refuses", `{"operator": "stop"}`, sms.Order{Word: "stop"}, true},
		{"an order without a word", `{"operator": null}`, sms.Order{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, given, err := readOrder([]byte(tc.event))
			if diff := cmp.Diff(tc.want, got); diff != "" || given != tc.given || err != nil {
				t.Errorf("an order was given: %v, error %v; the order differs (-want +got):\n%s", given, err, diff)
			}
		})
	}
	for name, event := range map[string]string{
		"an order that is not a word":        `{"operator": ["pause"]}`,
		"a reason that is not a text":        `{"operator": "pause", "detail": {"why": "texts"}}`,
		"an event that is not a JSON object": `"pause"`,
	} {
		t.Run(name, func(t *testing.T) {
			if o, _, err := readOrder([]byte(event)); err == nil {
				t.Errorf("the event was read as the order %+v, want an error", o)
			}
		})
	}
}

func FuzzReadOrder(f *testing.F) {
	f.Add([]byte(scheduled))
	f.Add([]byte(`{"operator": "pause", "detail": "wrong texts"}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		o, given, err := readOrder(event)
		if o != (sms.Order{}) && (!given || !json.Valid(event)) {
			t.Errorf("the event has no order, but was read as %+v, %v", o, err)
		}
	})
}

func TestStartNamesWhatIsMissing(t *testing.T) {
	_, err := start(t.Context(), func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "TABLE_NAME") || !strings.Contains(err.Error(), "QUEUE_URL") {
		t.Errorf("start: %v", err)
	}
}
