package aws_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/sns"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
	"github.com/smsqueue/smsqueue/test/harness/functions"
	"github.com/smsqueue/smsqueue/test/harness/judge"
)

// After each invocation, the network forgets the sender's connections to SNS.
func TestNoHandOverIsLostBetweenInvocations(t *testing.T) {
	t.Parallel()
	const count = 50
	server := httptest.NewServer(judge.Handler(taker{}))
	t.Cleanup(server.Close)
	d := functions.Deploy(t, functions.Options{TLS: true, SNS: server.URL})
	messages := make([]string, count)
	for i := range messages {
		messages[i] = text(newNumber(), "hello")
	}
	batch := `{"messages": [` + strings.Join(messages, ",") + `]}`
	if r := ask(t, d.Client("shop"), http.MethodPost, "/v1/sms/batch", batch); r.status != http.StatusOK {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	for _, envelope := range d.Receive(t, count) {
		d.Deliver(t, []sqstypes.Message{envelope})
		d.Peers.SNS.Forget()
	}
	log := d.Sender.Output()
	taken, unanswered := strings.Count(log, `"message handed over"`), strings.Count(log, `"hand-over unanswered"`)
	if taken != count || unanswered != 0 {
		t.Errorf("of %d messages SNS took %d, and %d hand-overs ended without an answer", count, taken, unanswered)
	}
}

// The test checks only the configuration, because it would take too long to wait for the
// time limits.
func TestNoClientKeepsIdleConnectionsForLong(t *testing.T) {
	cfg := aws.Config{Region: "us-east-1"}
	for _, tc := range []struct {
		service string
		client  aws.HTTPClient
		want    time.Duration
	}{
		{"DynamoDB", dynamo.NewClient(cfg).Options().HTTPClient, 10 * time.Second},
		{"SQS", sqsqueue.NewClient(cfg).Options().HTTPClient, 10 * time.Second},
		{"SNS", sns.NewClient(cfg).Options().HTTPClient, time.Second},
	} {
		client, ok := tc.client.(*http.Client)
		if !ok {
			t.Errorf("the client of %s is a %T", tc.service, tc.client)
			continue
		}
		transport, ok := client.Transport.(*http.Transport)
		if !ok || transport.IdleConnTimeout != tc.want {
			t.Errorf("the connections of %s are %+v, want them idle for at most %v", tc.service, client.Transport, tc.want)
		}
	}
}

// A second connection would show that a function did not use the one that it opened at
// init.
func TestTheFirstInvocationUsesTheConnectionsOfInit(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{TLS: true})
	post(t, d.Client("shop"), "", text(newNumber(), "hello")).message(t, http.StatusAccepted)
	for name, service := range map[string]struct {
		peer  *faultproxy.Peer
		proxy *faultproxy.Proxy
		want  []string
	}{
		"DynamoDB": {d.Peers.DynamoDB, d.DynamoDB, []string{"BatchGetItem", "PutItem"}}, // init reads the clients
		"SQS":      {d.Peers.SQS, d.SQS, []string{opened, "SendMessage"}},
	} {
		if diff := cmp.Diff(service.want, operations(service.proxy)); diff != "" {
			t.Errorf("requests of the API to %s (-want +got):\n%s", name, diff)
		}
		if n := service.peer.Accepted(); n != 1 {
			t.Errorf("the API opened %d connections to %s, want 1", n, name)
		}
	}

	d.DynamoDB.Reset()
	d.Deliver(t, d.Receive(t, 1))
	if got := operations(d.DynamoDB); len(got) < 2 || got[0] != opened {
		t.Errorf("the sender's requests to DynamoDB are %q, want a connection first", got)
	}
	if n := d.Peers.SNS.Accepted(); n != 1 {
		t.Errorf("the sender opened %d connections to SNS for one hand-over, want 1", n)
	}
}

func operations(p *faultproxy.Proxy) (all []string) {
	for _, r := range p.Requests() {
		all = append(all, r.Op)
	}
	return all
}
