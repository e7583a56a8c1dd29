package aws_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/test/harness/functions"
)

func TestAFailedEnqueueIsTheRelaysToMend(t *testing.T) {
	t.Parallel()
	refused := faultproxy.Refuse(http.StatusForbidden, "AccessDenied")
	for _, fault := range []faultproxy.Fault{
		refused,
		faultproxy.Throttle(),
		faultproxy.LoseAnswer(), // the queue takes the envelopes, but its answer to the API is lost
		faultproxy.Hang(),
	} {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			d := functions.Deploy(t, functions.Options{})
			api, number := d.Client("shop"), newNumber()
			d.SQS.Rule(func(op string, _ int) faultproxy.Fault {
				if op == "SendMessage" {
					return fault
				}
				return faultproxy.Pass()
			})
			began := time.Now()
			m := post(t, api, "", text(number, "hello")).message(t, http.StatusAccepted)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the answer took %v, want at most 10s", took)
			}
			mustBeDueAtOnce(t, d, m.ID)

			if fault.String() == refused.String() { // the relay cannot enqueue the message either
				if report, err := d.RunRelay(t.Context()); err == nil {
					t.Errorf("the relay cannot enqueue, but returned %+v without an error", report)
				}
				mustBeDueAtOnce(t, d, m.ID)
			}

			d.SQS.Rule(nil)
			report, err := d.RunRelay(t.Context())
			if diff := cmp.Diff(functions.RelayReport{Enqueued: 1}, report); diff != "" || err != nil {
				t.Fatalf("error %v; the relay's report differs (-want +got):\n%s", err, diff)
			}
			d.Poll(t, nil)
			sent := api.Await(t, m.ID, 10*time.Second, "sent")
			taken := d.Taken(t, number)
			if len(taken) != 1 || sent.ProviderMessageID != taken[0].ProviderMessageID || sent.HandOvers() != 1 {
				t.Errorf("moto took %+v, want one message; the message is %+v", taken, sent)
			}
		})
	}
}

func mustBeDueAtOnce(t *testing.T, d *functions.Deployment, id string) {
	t.Helper()
	record := d.Record(t, id)
	shard, _ := record["due_shard"].(string)
	at, _ := record["due_at"].(float64)
	if record["status"] != "queued" || !strings.HasPrefix(shard, "send#") || at == 0 || int64(at) > time.Now().UnixMilli() {
		t.Fatalf("the message is not due now: %v", record)
	}
}

// The sender dies while it waits for SNS's answer. The test changes the times in the
// record, so that the lease ends early.
func TestASenderThatDiesInAHandOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, onUnknown string
		reached         bool // whether SNS took the message before the sender died
		status          string
		handOvers       int
		taken           int // the number of messages that SNS took in all
	}{
		{"before SNS has it, resend", "resend", false, "sent", 2, 1},
		{"after SNS took it, resend", "resend", true, "sent", 2, 2},
		{"before SNS has it, hold", "hold", false, "unknown", 1, 0},
		{"after SNS took it, hold", "hold", true, "unknown", 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := functions.Deploy(t, functions.Options{SenderTimeout: 15 * time.Second})
			const lease = 30 * time.Second // the sender's timeout plus 15 s
			api, number := d.Client("shop"), newNumber()
			d.SNS.Rule(func(_ string, n int) faultproxy.Fault {
				switch {
				case n > 1:
					return faultproxy.Pass()
				case tt.reached:
					return faultproxy.LoseAnswerAfter(d.Sender.Kill)
				}
				d.Sender.Kill()
				return faultproxy.Drop()
			})
			body := strings.TrimSuffix(text(number, "hello"), "}") + fmt.Sprintf(`, "onUnknown": %q}`, tt.onUnknown)
			began := time.Now()
			m := post(t, api, "", body).message(t, http.StatusAccepted)
			if answer, err := d.TryDeliver(t.Context(), d.Receive(t, 1)); err == nil {
				t.Fatalf("the killed sender answered %s", answer)
			}

			record := d.Record(t, m.ID)
			until, _ := record["leaseUntil"].(float64)
			left := time.UnixMilli(int64(until)).Sub(began)
			shard, _ := record["due_shard"].(string)
			if record["status"] != "sending" || record["due_at"] != until || !strings.HasPrefix(shard, "lease#") ||
				left < lease || left > lease+time.Since(began) {
				t.Fatalf("the lease has %v left, want about 30s: %v", left, record)
			}
			if report, err := d.RunRelay(t.Context()); report != (functions.RelayReport{}) || err != nil {
				t.Fatalf("before the lease has ended, the relay reports %+v, %v", report, err)
			}

			ageLease(t, d, m.ID, lease)
			if report, err := d.RunRelay(t.Context()); report.Ended != 1 || err != nil {
				t.Fatalf("after the lease has ended, the relay reports %+v, %v", report, err)
			}
			d.Poll(t, nil)
			got := api.Await(t, m.ID, 30*time.Second, "sent", "unknown")
			if taken := len(d.Taken(t, number)); got.Status != tt.status || got.HandOvers() != tt.handOvers || taken != tt.taken {
				t.Errorf("moto took %d messages, want %d; the message is %+v", taken, tt.taken, got)
			}
		})
	}
}

// ageLease moves the end of the lease and the time of the first hand-over back by the
// given duration.
func ageLease(t *testing.T, d *functions.Deployment, id string, by time.Duration) {
	t.Helper()
	const earlier = "handOvers[0].#at = handOvers[0].#at - :by, handOvers[0].#until = handOvers[0].#until - :by"
	_, err := d.Records.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:                &d.Table,
		Key:                      map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
		UpdateExpression:         aws.String("SET leaseUntil = leaseUntil - :by, due_at = due_at - :by, " + earlier),
		ExpressionAttributeNames: map[string]string{"#at": "at", "#until": "until"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":by": &types.AttributeValueMemberN{Value: fmt.Sprint(by.Milliseconds())},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}
