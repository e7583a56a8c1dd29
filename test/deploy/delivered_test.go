package deploy

import (
	"encoding/json"
	"fmt"
	"github.com/smsqueue/smsqueue/tools/emulation"
	"net/http"
	"testing"
	"time"
)

// writeReceipts writes three lines to SNS's delivery log: one about this message, one about
// another application's message, and one that cannot be read.
func (e deployment) writeReceipts(t *testing.T, token, id string) {
	t.Helper()
	message := e.call(t, http.MethodGet, "/sms/"+id, token, "")
	line := func(id, number, response, status string) string {
		return fmt.Sprintf(`{"notification": {"messageId": %q, "timestamp": %q}, "delivery": {"destination": %q,
			"priceInUSD": 0.00645, "numberOfMessageParts": 1, "providerResponse": %q}, "status": %q}`,
			id, time.Now().UTC().Format(time.DateTime), number, response, status)
	}
	const taken = "Message has been accepted by phone carrier"
	err := e.Deliveries(t.Context(),
		line("of-another-application", "+4915112345699", taken, "SUCCESS"),
		line(message.field("providerMessageId"), message.field("phoneNumber"), taken, "SUCCESS"),
		"not a line of SNS",
	)
	if err != nil {
		t.Fatal(err)
	}
	await(t, 30*time.Second, "the message is delivered", func() bool {
		return e.call(t, http.MethodGet, "/sms/"+id, token, "").field("status") == "delivered"
	})
}

// checkPipePatterns compares our reading of the pipe's patterns with that of ministack's
// EventBridge. Ministack's pipes cannot be used: they deliver only to SNS and Step
// Functions, and ignore patterns.
func (e deployment) checkPipePatterns(t *testing.T) {
	t.Helper()
	var table string
	if err := e.Workspace.Output(t.Context(), "table_name", &table); err != nil {
		t.Fatal(err)
	}
	p := readPipe(t, mocked(t)) // ministack ignores patterns and does not store them, so the pipe comes from the mocked state
	changes := changesOf(t, e.Front.URL, table)
	passed := 0
	for _, change := range changes {
		here := p.countMatches(t, change) > 0
		if here {
			passed++
		}
		if there := e.eventBridgePasses(t, p, change); there != here {
			t.Errorf("EventBridge passes the change: %t; our matching passes it: %t: %v", there, here, change)
		}
	}
	if passed == 0 || passed == len(changes) {
		t.Errorf("%d of %d changes pass, want some and not all", passed, len(changes))
	}
}

// ministack requires the usual fields of an event, which no pattern uses.
func (e deployment) eventBridgePasses(t *testing.T, p pipe, change map[string]any) bool {
	t.Helper()
	event := map[string]any{
		"id": "1", "account": "000000000000", "source": "x", "time": "2026-01-01T00:00:00Z", "region": "us-east-1",
		"resources": []string{}, "detail-type": "x", "eventName": change["eventName"], "dynamodb": change["dynamodb"],
	}
	asText := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, pattern := range p.patterns {
		var answer struct{ Result bool }
		in := map[string]string{"EventPattern": asText(pattern), "Event": asText(event)}
		if err := emulation.JSONCall(t.Context(), e.Front.URL, "events", "AWSEvents.TestEventPattern", in, &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Result {
			return true
		}
	}
	return false
}

func (e deployment) state(t *testing.T) stateModule {
	t.Helper()
	var state struct {
		Values struct {
			Root stateModule `json:"root_module"`
		}
	}
	out, err := e.Workspace.Run(t.Context(), "show", "-json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &state); err != nil {
		t.Fatal(err)
	}
	return state.Values.Root
}
