package aws_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/test/harness/cost"
	"github.com/smsqueue/smsqueue/test/harness/functions"
)

// These counts are the basis of docs/cost.md.
func TestMessagesConsumeWhatTheCostTableCounts(t *testing.T) {
	t.Parallel()
	var m meter
	const client = "7k2q9vd3c1m8r5t0u6w4x2y1za" // this id is as long as a client id of Cognito
	d := functions.Deploy(t, functions.Options{
		Clients:        `{"` + client + `": {}}`,
		PartsPerSecond: 20,
		BeforeDynamoDB: func(url string) string { return m.start(t, url) },
	})
	api := d.Client(client)
	text := text("+5511987654321", strings.Repeat("Your code is 123", 10))

	var got cost.Counts
	get(t, api, "x") // this request waits until the API has started, and reads no record
	_, got.Clients = m.take()
	for range 2 {
		first := got
		var sent reply
		got.Submit = m.step(t, d, func() { sent = post(t, api, "", text) })
		id := sent.message(t, http.StatusAccepted).ID
		got.Submit.Answered, got.Submit.Logged = answerSize(t, sent), got.Submit.Logged+accessLine(t)

		batch := d.Receive(t, 1)
		got.Delivery = m.step(t, d, func() { d.Deliver(t, batch) })

		var seen reply
		got.LookUp = m.step(t, d, func() { seen = get(t, api, id) })
		got.LookUp.Answered, got.LookUp.Logged = answerSize(t, seen), got.LookUp.Logged+accessLine(t)

		line := delivered(seen.message(t, http.StatusOK).ProviderMessageID, "+5511987654321")
		got.Receipt = m.step(t, d, func() {
			if err := d.Report(t.Context(), line); err != nil {
				t.Fatal(err)
			}
		})
		got.Receipt.Logged += logged(compact(t, line))
		got.Record = recordSize(t, d, id)

		got.RelayRun = m.step(t, d, func() {
			if _, err := d.RunRelay(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		got.FarEnd = first.RelayRun.ReadUnits - got.RelayRun.ReadUnits
		// The first message of a process also reads and writes the breaker.
		got.Breaker = cost.Breaker{
			Reads: first.Delivery.ReadUnits - got.Delivery.ReadUnits, Writes: first.Delivery.WriteUnits - got.Delivery.WriteUnits,
			ReceiptReads: first.Receipt.ReadUnits - got.Receipt.ReadUnits,
		}
	}
	nearly := gocmp.Comparer(func(a, b cost.Bytes) bool { return max(a, b)-min(a, b) <= 30 })
	if diff := gocmp.Diff(cost.Counted, got, nearly); diff != "" {
		t.Errorf("a message does not consume what test/harness/cost says (-counted +measured):\n%s", diff)
	}
}

func (m *meter) step(t *testing.T, d *functions.Deployment, something func()) cost.Step {
	t.Helper()
	outputs := func() (size int) {
		for _, f := range []interface{ Output() string }{d.API, d.Sender, d.Receipts, d.Relay} {
			size += len(f.Output())
		}
		return size
	}
	before := outputs()
	m.take()
	d.SQS.Reset()
	something()
	var s cost.Step
	for _, n := range d.SQS.Counts() {
		s.QueueCalls += n
	}
	s.WriteUnits, s.ReadUnits = m.take()

	// Each step logs one line, which can come after the answer.
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for outputs() == before {
		select {
		case <-deadline:
			t.Fatal("the step logged nothing")
		case <-tick.C:
		}
	}
	s.Logged = cost.Bytes(outputs() - before + perLine - len("\n"))
	return s
}

// perLine is the number of bytes that CloudWatch Logs adds to each line.
const perLine = 26

func logged(line string) cost.Bytes { return cost.Bytes(len(line) + perLine) }

func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func answerSize(t *testing.T, a reply) cost.Bytes {
	t.Helper()
	head, err := httputil.DumpResponse(&http.Response{ProtoMajor: 1, ProtoMinor: 1, StatusCode: a.status, Header: a.header}, false)
	if err != nil {
		t.Fatal(err)
	}
	return cost.Bytes(len(head) + len(a.body))
}

// accessValues has typical values for the gateway's access log. Any other value is assumed to be as long as a
// request id.
var accessValues = map[string]string{
	"requestTimeEpoch": "1795643197213", "identity.sourceIp": "203.0.113.100", "authorizer.claims.client_id": "7k2q9vd3c1m8r5t0u6w4x2y1za",
	"httpMethod": "POST", "resourcePath": "/sms/{id}", "status": "202", "responseLatency": "45", "integrationLatency": "38",
	"error.responseType": "-", "xrayTraceId": "-",
}

// Returns the logged size of a line in the format that Terraform sets.
func accessLine(t *testing.T) cost.Bytes {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "..", "terraform", "api_gateway.tf"))
	if err != nil {
		t.Fatal(err)
	}
	_, format, found := strings.Cut(string(source), "format = jsonencode({")
	format, _, closed := strings.Cut(format, "})")
	fields := regexp.MustCompile(`(?m)^\s*(\w+)\s*= "\$context\.([\w.]+)"`).FindAllStringSubmatch(format, -1)
	if !found || !closed || fields == nil {
		t.Fatal("terraform/api_gateway.tf has no format of the access log")
	}
	line := make(map[string]string)
	for _, f := range fields {
		line[f[1]] = cmp.Or(accessValues[f[2]], "01234567-0123-0123-0123-0123456789ab")
	}
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	return logged(string(text))
}

// recordSize adds up the sizes of a record in the table and in each index. DynamoDB adds
// 100 bytes to each of these sizes.
func recordSize(t *testing.T, d *functions.Deployment, id string) cost.Bytes {
	t.Helper()
	out, err := d.Records.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &d.Table, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 100 + itemSize(out.Item)
	for _, index := range [][]string{
		{"list_shard", "list_at", "id", "phoneNumber"},
		{"provider_ref", "id"},
	} {
		n += 100
		for _, name := range index {
			value, ok := out.Item[name]
			if !ok {
				t.Fatalf("the record has no %s", name)
			}
			n += len(name) + valueSize(value)
		}
	}
	for _, name := range []string{"due_shard", "unmatched"} {
		if _, ok := out.Item[name]; ok {
			t.Fatalf("in the end, the record has %s", name)
		}
	}
	return cost.Bytes(n)
}

func itemSize(item map[string]types.AttributeValue) (n int) {
	for name, value := range item {
		n += len(name) + valueSize(value)
	}
	return n
}

// The size is calculated by the rules in DynamoDB's guide.
func valueSize(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 1
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + itemSize(v.Value)
	case *types.AttributeValueMemberL:
		n := 3
		for _, one := range v.Value {
			n += 1 + valueSize(one)
		}
		return n
	default:
		return 1
	}
}
