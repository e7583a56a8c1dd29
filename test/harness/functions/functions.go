// Package functions lets tests run the built Lambda functions on the engines. They are
// deployed as Terraform deploys them on AWS. The tests call the service from outside.
package functions

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/lambdatest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// Deployment is the service on the engines: the built functions, with a table and a queue
// of its own.
type Deployment struct {
	API, Sender, Relay, Receipts *lambdatest.Function

	// These proxies stand between the functions and the engines.
	DynamoDB, SQS, SNS *faultproxy.Proxy

	// With TLS, the functions connect to these peers, which pass the connections on to the
	// proxies.
	Peers struct{ DynamoDB, SQS, SNS *faultproxy.Peer }

	// These clients call the engines without the proxies.
	Records  *dynamodb.Client
	Table    string
	Queue    *sqs.Client
	QueueURL string
	MotoURL  string
}

// Options configure a deployment.
type Options struct {
	// Clients is a JSON object with the clients by id, as Terraform writes it. If it
	// is empty, "shop" is the only client.
	Clients string

	// API lists additional environment variables for the API, as NAME=value.
	API []string

	// OneEndpoint sets the variable AWS_ENDPOINT_URL for all services, in place of one
	// variable for each service.
	OneEndpoint bool

	// PartsPerSecond is the pace. Zero means that the pace is not limited.
	PartsPerSecond int

	// TLS makes the functions call the engines over TLS, as on AWS.
	TLS bool

	// SNS is the URL of a server to use as SNS. If it is empty, moto is used.
	SNS string

	// SenderTimeout is the sender's timeout in whole seconds. Zero means 60 seconds.
	SenderTimeout time.Duration

	// BeforeDynamoDB, if not nil, starts a server that the functions call in place of
	// DynamoDB. It gets the URL of DynamoDB, and returns the URL of the server.
	BeforeDynamoDB func(url string) string
}

// queueVisibility is longer than any test. A test that needs a message sooner lets the
// relay enqueue it again.
const queueVisibility = "360"

// Deploy makes a deployment, which lasts until the end of the test. It skips the test if
// an engine does not run.
func Deploy(t testing.TB, o Options) *Deployment {
	t.Helper()
	d := &Deployment{MotoURL: enginetest.SNS(t)}
	dynamoURL, sqsURL := enginetest.DynamoDB(t), enginetest.SQS(t)
	d.Records, d.Table = NewTable(t, dynamoURL)
	if o.BeforeDynamoDB != nil {
		dynamoURL = o.BeforeDynamoDB(dynamoURL)
	}
	d.DynamoDB, d.SQS, d.SNS = faultproxy.New(t, dynamoURL), faultproxy.New(t, sqsURL), faultproxy.New(t, cmp.Or(o.SNS, d.MotoURL))
	d.Queue, d.QueueURL = NewQueue(t, sqsURL)
	d.SetClients(t, cmp.Or(o.Clients, `{"shop": {}}`))
	d.checkAgainstModels(t)
	d.startFunctions(t, o)
	return d
}

// The environment does not contain the Region, because lambdatest adds it.
func (d *Deployment) startFunctions(t testing.TB, o Options) {
	t.Helper()
	if o.SenderTimeout == 0 {
		o.SenderTimeout = time.Minute
	}
	table, queue := "TABLE_NAME="+d.Table, "QUEUE_URL="+d.QueueURL
	urls := [3]string{d.DynamoDB.URL(), d.SQS.URL(), d.SNS.URL()}
	var trusted string
	if o.TLS {
		d.Peers.DynamoDB, d.Peers.SQS, d.Peers.SNS = faultproxy.NewTLSPeer(t, urls[0]), faultproxy.NewTLSPeer(t, urls[1]), faultproxy.NewTLSPeer(t, urls[2])
		urls = [3]string{d.Peers.DynamoDB.URL(), d.Peers.SQS.URL(), d.Peers.SNS.URL()}
		trusted = "AWS_CA_BUNDLE=" + d.Peers.DynamoDB.CABundle() // all peers have the same certificate
	}
	dynamoDB := "AWS_ENDPOINT_URL_DYNAMODB=" + urls[0]
	toQueue := "AWS_ENDPOINT_URL_SQS=" + urls[1]
	toProvider := "AWS_ENDPOINT_URL_SNS=" + urls[2]
	if o.OneEndpoint {
		one := "AWS_ENDPOINT_URL=" + oneEndpoint(t, d)
		dynamoDB, toQueue, toProvider = one, one, one
	}
	start := func(service string, timeout time.Duration, env ...string) *lambdatest.Function {
		if o.TLS {
			env = append(env, trusted)
		}
		env = append(env,
			fmt.Sprintf("SENDER_TIMEOUT_SECONDS=%d", int(o.SenderTimeout.Seconds())),
			"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=test")
		return lambdatest.Start(t, lambdatest.Options{
			Binary: Bootstrap(t, service), FunctionName: service, Timeout: timeout, Env: env,
		})
	}
	d.API = start("api", 15*time.Second, append(o.API, table, queue, dynamoDB, toQueue, "ALLOWED_COUNTRIES=BR,US")...)
	d.Sender = start("sender", o.SenderTimeout, table, dynamoDB, toProvider, fmt.Sprintf("PARTS_PER_SECOND=%d", o.PartsPerSecond))
	d.Relay = start("relay", time.Minute, table, queue, dynamoDB, toQueue)
	d.Receipts = start("receipts", time.Minute, table, dynamoDB)
}

// SetClients replaces the clients by those in a JSON object, as Terraform does.
func (d *Deployment) SetClients(t testing.TB, clients string) {
	t.Helper()
	if err := enginetest.PutClients(t.Context(), d.Records, d.Table, clients); err != nil {
		t.Fatal(err)
	}
}

// NewTable creates a table in DynamoDB Local at url and deletes it after the test.
func NewTable(t testing.TB, url string) (client *dynamodb.Client, table string) {
	t.Helper()
	client, table = dynamo.NewClient(enginetest.Config(t, url)), "e2e-"+sms.NewToken()
	if err := enginetest.CreateTable(t.Context(), client, table); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
			t.Errorf("deleting table %s: %v", table, err)
		}
	})
	return client, table
}

// NewQueue creates a queue in ElasticMQ at url and deletes it after the test.
func NewQueue(t testing.TB, url string) (client *sqs.Client, queueURL string) {
	t.Helper()
	client = sqs.NewFromConfig(enginetest.Config(t, url))
	made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName:  aws.String("e2e-" + sms.NewToken()),
		Attributes: map[string]string{string(sqstypes.QueueAttributeNameVisibilityTimeout): queueVisibility},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: made.QueueUrl}); err != nil {
			t.Errorf("deleting queue %s: %v", *made.QueueUrl, err)
		}
	})
	return client, *made.QueueUrl
}

// Client returns an HTTP client that calls the API through API Gateway, with a token that
// the Cognito authorizer accepts.
func (d *Deployment) Client(clientID string) user.API {
	return user.API{HTTP: &http.Client{Transport: gateway{function: d.API, claims: accessToken(clientID)}}, Base: "https://" + apiDomain}
}

// Poll runs the sender's event source until the returned function is called or the test
// ends. If the parameter `observe` is not nil, Poll calls it after every batch.
func (d *Deployment) Poll(t testing.TB, observe func(lambdatest.Batch)) (stop func()) {
	t.Helper()
	return lambdatest.Poll(t, lambdatest.EventSource{
		Queue: d.Queue, QueueURL: d.QueueURL, Invoke: d.Sender.Invoke, Observe: observe,
	})
}

// Receive receives n envelopes from the queue, like the event source when it makes a
// batch. It waits up to 10 seconds.
func (d *Deployment) Receive(t testing.TB, n int) []sqstypes.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all []sqstypes.Message
	for len(all) < n {
		out, err := d.Queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &d.QueueURL, MaxNumberOfMessages: int32(max(1, min(n-len(all), 10))), WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll},
			MessageAttributeNames:       []string{"All"},
		})
		if err != nil {
			t.Fatalf("received %d of %d envelopes: %v", len(all), n, err)
		}
		all = append(all, out.Messages...)
	}
	return all
}

// Deliver passes a batch to the sender and returns its answer.
func (d *Deployment) Deliver(t testing.TB, batch []sqstypes.Message) string {
	t.Helper()
	answer, err := d.TryDeliver(t.Context(), batch)
	if err != nil {
		t.Fatalf("the sender: %v", err)
	}
	return answer
}

// TryDeliver is like Deliver, but returns an error if the sender fails.
func (d *Deployment) TryDeliver(ctx context.Context, batch []sqstypes.Message) (answer string, err error) {
	raw, err := d.Sender.Invoke(ctx, lambdatest.SQSEvent("arn:aws:sqs:us-east-1:123456789012:messages", batch))
	return string(raw), err
}

// RelayReport is the relay's answer after a run.
type RelayReport struct {
	Enqueued    int `json:"enqueued"`
	NotEnqueued int `json:"not_enqueued"`
	Ended       int `json:"ended"`
}

// RunRelay runs the relay once, as the scheduler does.
func (d *Deployment) RunRelay(ctx context.Context) (RelayReport, error) {
	answer, err := d.Relay.Invoke(ctx, []byte(`{}`))
	if err != nil {
		return RelayReport{}, fmt.Errorf("running the relay: %w", err)
	}
	var report RelayReport
	if err := json.Unmarshal(answer, &report); err != nil {
		return RelayReport{}, fmt.Errorf("reading the relay's report: %w", err)
	}
	return report, nil
}

const deliveryLog = "sns/us-east-1/123456789012/DirectPublishToPhoneNumber"

// Report sends lines of SNS's delivery log to receipts, as CloudWatch Logs does.
func (d *Deployment) Report(ctx context.Context, lines ...string) error {
	if _, err := d.Receipts.Invoke(ctx, lambdatest.LogsEvent(deliveryLog, lines...)); err != nil {
		return fmt.Errorf("reporting %d deliveries: %w", len(lines), err)
	}
	return nil
}

// Record returns the item of a message, or nil if there is none. It uses no code of the
// service.
func (d *Deployment) Record(t testing.TB, id string) map[string]any {
	t.Helper()
	out, err := d.Records.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &d.Table, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var item map[string]any
	if err := attributevalue.UnmarshalMap(out.Item, &item); err != nil {
		t.Fatal(err)
	}
	return item
}
