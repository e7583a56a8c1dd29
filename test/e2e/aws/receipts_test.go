package aws_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/test/harness/functions"
)

func delivered(providerMessageID, number string) string {
	return fmt.Sprintf(`{"notification": {"messageId": %q, "timestamp": "2026-06-28 00:40:34.558"},
		"delivery": {"phoneCarrier": "A Carrier", "mnc": 5, "mcc": 724, "numberOfMessageParts": 1, "destination": %q,
			"priceInUSD": 0.00645, "smsType": "Transactional", "providerResponse": "Message has been accepted by phone",
			"dwellTimeMs": 599, "dwellTimeMsUntilDeviceAck": 1344}, "status": "SUCCESS"}`, providerMessageID, number)
}

func TestReceiptsTellWhatBecameOfAMessage(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{})
	api := d.Client("shop")
	arrives, fails := newNumber(), newNumber()
	var ids, providerMessageIDs []string
	for _, number := range []string{arrives, fails} {
		id := post(t, api, "", text(number, "hello")).message(t, http.StatusAccepted).ID
		d.Deliver(t, d.Receive(t, 1))
		sent := get(t, api, id).message(t, http.StatusOK)
		if sent.Status != "sent" {
			t.Fatalf("before the receipt, the message is %s", sent.Status)
		}
		ids, providerMessageIDs = append(ids, id), append(providerMessageIDs, sent.ProviderMessageID)
	}

	unreachable := strings.NewReplacer("SUCCESS", "FAILURE",
		"Message has been accepted by phone", "Phone is currently unreachable/unavailable").Replace(delivered(providerMessageIDs[1], fails))
	lines := []string{
		delivered("of-another-application", newNumber()),
		delivered(providerMessageIDs[0], arrives),
		"not a line of SNS, about " + arrives,
		unreachable,
	}
	for range 2 { // Lambda sometimes repeats a batch
		if err := d.Report(t.Context(), lines...); err != nil {
			t.Fatal(err)
		}
		got := get(t, api, ids[0]).message(t, http.StatusOK)
		if got.Status != "delivered" || got.Evidence != "handset" {
			t.Errorf("the message is %s with evidence %q, want delivered with evidence handset", got.Status, got.Evidence)
		}
		got = get(t, api, ids[1]).message(t, http.StatusOK)
		if got.Status != "undelivered" || got.Failure.Code != "unreachable" {
			t.Errorf("the message is %s with the failure %q, want undelivered with the failure unreachable", got.Status, got.Failure.Code)
		}
	}
	out := d.Receipts.Output()
	if !strings.Contains(out, "receipt not readable") {
		t.Errorf("the log does not mention the line that is not a receipt:\n%s", out)
	}
	if strings.Contains(out, arrives) || strings.Contains(out, fails) {
		t.Errorf("the log contains private data:\n%s", out)
	}
}

func TestReceiptsThatCannotBeWrittenComeAgain(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{})
	api := d.Client("shop")
	number := newNumber()
	id := post(t, api, "", text(number, "hello")).message(t, http.StatusAccepted).ID
	d.Deliver(t, d.Receive(t, 1))
	line := delivered(get(t, api, id).message(t, http.StatusOK).ProviderMessageID, number)

	d.DynamoDB.Rule(func(op string, _ int) faultproxy.Fault {
		if op == "UpdateItem" {
			return faultproxy.Throttle()
		}
		return faultproxy.Pass()
	})
	if err := d.Report(t.Context(), line); err == nil {
		t.Error("receipts reported success, although the receipt was not applied")
	}
	d.DynamoDB.Rule(nil)
	if err := d.Report(t.Context(), line); err != nil {
		t.Fatal(err)
	}
	if got := get(t, api, id).message(t, http.StatusOK); got.Status != "delivered" {
		t.Errorf("the message is %s, want delivered", got.Status)
	}
}
