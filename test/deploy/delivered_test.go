package deploy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/tools/emulation"
)

// writeReceipts writes three lines to SNS's delivery log: one about this message, one about
// another application's message, and one that cannot be read.
func (e deployment) writeReceipts(t *testing.T, token, id string) {
	t.Helper()
	message := e.call(t, http.MethodGet, "/sms/"+id, token, "")
	err := e.Deliveries(t.Context(),
		deliveryLine("of-another-application", "+4915112345699"),
		deliveryLine(message.field("providerMessageId"), message.field("phoneNumber")),
		"not a line of SNS",
	)
	if err != nil {
		t.Fatal(err)
	}
	await(t, 30*time.Second, "the message is delivered", func() bool {
		return e.call(t, http.MethodGet, "/sms/"+id, token, "").field("status") == "delivered"
	})
}

func deliveryLine(providerMessageID, number string) string {
	return fmt.Sprintf(`{"notification": {"messageId": %q, "timestamp": %q}, "delivery": {"destination": %q,
		"priceInUSD": 0.00645, "numberOfMessageParts": 1, "providerResponse": "Message has been accepted by phone carrier"},
		"status": "SUCCESS"}`, providerMessageID, time.Now().UTC().Format(time.DateTime), number)
}

// deliverBatch sends 40 messages with one request, and waits until each of them is sent.
// Then it writes a receipt for each message into SNS's delivery log, and waits until each message is
// delivered. The API enqueues such messages with SQS's batch operation.
func (e deployment) deliverBatch(t *testing.T, token string) {
	t.Helper()
	var request struct {
		Messages []map[string]string `json:"messages"`
	}
	for i := range 40 {
		number := fmt.Sprintf("+49151123457%02d", i)
		request.Messages = append(request.Messages, map[string]string{"phoneNumber": number, "message": "one of a batch"})
	}
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	answer := e.call(t, http.MethodPost, "/sms/batch", token, string(body))
	var accepted struct {
		Results []struct{ Message struct{ ID string } }
	}
	if err := json.Unmarshal([]byte(answer.body), &accepted); err != nil || len(accepted.Results) != len(request.Messages) {
		t.Fatalf("the answer is %d %s, want 40 results (%v)", answer.status, answer.body, err)
	}
	reach := func(status string) (lines []string) {
		t.Helper()
		waiting := accepted.Results
		await(t, 2*time.Minute, "every message of the batch is "+status, func() bool {
			for len(waiting) > 0 {
				m := e.call(t, http.MethodGet, "/sms/"+waiting[0].Message.ID, token, "")
				if m.field("status") != status {
					return false
				}
				lines = append(lines, deliveryLine(m.field("providerMessageId"), m.field("phoneNumber")))
				waiting = waiting[1:]
			}
			return true
		})
		return lines
	}
	if err := e.Deliveries(t.Context(), reach("sent")...); err != nil {
		t.Fatal(err)
	}
	reach("delivered")
	for _, m := range request.Messages {
		if n := len(e.phone(t, m["phoneNumber"])); n != 1 {
			t.Errorf("the phone %s got %d messages, want 1", m["phoneNumber"], n)
		}
	}
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
	p := readPipe(t, mocked(t)) // ministack ignores patterns and does not store them, so read the pipe from the mocked state
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
