package kill

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/lambdatest"
	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/test/harness/functions"
	"github.com/smsqueue/smsqueue/test/harness/judge"
	"github.com/smsqueue/smsqueue/test/harness/user"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := functions.RemoveBootstraps(); err != nil {
		code = 1
	}
	os.Exit(code)
}

const (
	senderTimeout = 15 * time.Second // the shortest timeout that our Terraform module allows
	relayEvery    = 2 * time.Second
	visibility    = "20" // seconds until the queue delivers a killed sender's batch again
)

type deployment struct {
	api, sender, relay *lambdatest.Function
	store              *dynamo.Store
}

func deploy(t *testing.T, provider *judge.Process) *deployment {
	t.Helper()
	dynamoURL, sqsURL := enginetest.DynamoDB(t), enginetest.SQS(t)
	records, table := functions.NewTable(t, dynamoURL)
	if err := enginetest.PutClients(t.Context(), records, table, `{"client": {}}`); err != nil {
		t.Fatal(err)
	}
	queue, queueURL := functions.NewQueue(t, sqsURL)
	if _, err := queue.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &queueURL, Attributes: map[string]string{string(sqstypes.QueueAttributeNameVisibilityTimeout): visibility},
	}); err != nil {
		t.Fatal(err)
	}
	start := func(service string, concurrency int, timeout time.Duration) *lambdatest.Function {
		return lambdatest.Start(t, lambdatest.Options{
			Binary: functions.Bootstrap(t, service), FunctionName: service, Timeout: timeout, Concurrency: concurrency,
			Env: []string{
				"TABLE_NAME=" + table, "QUEUE_URL=" + queueURL, "ALLOWED_COUNTRIES=BR", "SENDER_TIMEOUT_SECONDS=15",
				"AWS_ENDPOINT_URL_DYNAMODB=" + dynamoURL, "AWS_ENDPOINT_URL_SQS=" + sqsURL, "AWS_ENDPOINT_URL_SNS=" + provider.URL,
				"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=test",
			},
		})
	}
	d := &deployment{
		api: start("api", 4, 15*time.Second), sender: start("sender", 4, senderTimeout), relay: start("relay", 1, time.Minute),
		store: dynamo.New(records, table, time.Now),
	}
	lambdatest.Poll(t, lambdatest.EventSource{Queue: queue, QueueURL: queueURL, Invoke: d.sender.Invoke, MaximumConcurrency: 4})
	return d
}

func (d *deployment) schedule(ctx context.Context) {
	for ctx.Err() == nil {
		_, _ = d.relay.Invoke(ctx, []byte(`{}`)) // the next run is the retry
		pause(ctx, relayEvery)
	}
}

func TestSenderAndRelayAreKilledUnderLoad(t *testing.T) {
	t.Parallel()
	size := size()
	provider := judge.Start(t, 20*time.Millisecond)
	d := deploy(t, provider)
	scheduling, stop := context.WithCancel(t.Context())
	scheduled := make(chan struct{})
	go func() {
		defer close(scheduled)
		d.schedule(scheduling)
	}()
	defer func() {
		stop()
		<-scheduled
	}()
	client := (&functions.Deployment{API: d.api}).Client("client")
	l := &load{api: func() user.API { return client }}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.run(t.Context(), t, size.messages)
	}()
	for i := range size.kills {
		l.reach(t, size.messages*(i+1)/(size.kills+1))
		d.sender.Kill()
		d.relay.Kill()
	}
	<-ended
	reconciled := func() reconcile.Report {
		report, err := world.Accepted(t.Context(), d.store, l.ids, provider.Log(t), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	await(t, 5*time.Minute, "all at rest", func() bool {
		pause(t.Context(), 2*time.Second)
		return reconciled().OnTheWay == 0
	})
	// The log was read before the records, so it lacks messages that were handed over in
	// between. Reconcile again.
	show(t, reconciled(), size)
}
