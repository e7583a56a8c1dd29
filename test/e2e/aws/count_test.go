package aws_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/test/harness/functions"
)

type requests map[string]int

// The request that opens a connection at init has no name.
const opened = ""

func requestsOf(d *functions.Deployment, something func()) requests {
	d.DynamoDB.Reset()
	d.SQS.Reset()
	d.SNS.Reset()
	something()
	all := requests{}
	for _, service := range []*faultproxy.Proxy{d.DynamoDB, d.SQS, d.SNS} {
		for op, n := range service.Counts() {
			all[op] += n
		}
	}
	return all
}

// Requests are counted below the SDK, so that retries count too. Requests of Lambda's event source to SQS are
// not counted.
func TestEachOperationCostsItsRequests(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{})
	api := d.Client("shop")
	// A process of the API reads the clients at its start, and again when they are nearly a
	// minute old.
	const clientsAge = 50 * time.Second
	apiBegan := time.Now()
	want := func(what string, got, want requests) {
		t.Helper()
		if time.Since(apiBegan) >= clientsAge {
			delete(got, "BatchGetItem")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the requests of %s differ (-want +got):\n%s", what, diff)
		}
	}
	var id string
	submit := func(key string) func() {
		return func() {
			id = post(t, api, key, text("+5511987654321", "hello")).message(t, http.StatusAccepted).ID
		}
	}
	list := func() { ask(t, api, http.MethodGet, "/v1/sms", "") }
	lookUp := func() { get(t, api, id).message(t, http.StatusOK) }

	want("an empty list from a new process", requestsOf(d, list), requests{opened: 1, "BatchGetItem": 1, "Query": 8})
	want("a submit", requestsOf(d, submit("")), requests{"PutItem": 1, "SendMessage": 1})
	want("a submit with a key", requestsOf(d, submit("key")), requests{"PutItem": 1, "SendMessage": 1})
	want("its repetition", requestsOf(d, submit("key")), requests{"PutItem": 1})
	want("a look-up", requestsOf(d, lookUp), requests{"GetItem": 1})

	const statusAge = 5 * time.Second
	status := func() { ask(t, api, http.MethodGet, "/v1/status", "") }
	asked := time.Now()
	want("the status", requestsOf(d, status), requests{"GetItem": 1, "GetQueueAttributes": 1, "Query": 3 * 32})
	again := requestsOf(d, status)
	if time.Since(asked) < statusAge {
		want("a second look at the status, soon after", again, requests{"GetItem": 1})
	}

	// A new process reads the breaker, and reads it again after breakerAge.
	const breakerAge = 5 * time.Second
	deliver := func(n int) func() {
		batch := d.Receive(t, n)
		return func() { d.Deliver(t, batch) }
	}
	first, second := deliver(1), deliver(1)
	began := time.Now()
	// Once a minute, a sender notes in the breaker's record that a number was taken. For
	// this it reads and writes the record.
	want("the first delivery of a deployment", requestsOf(d, first), requests{opened: 1, "GetItem": 2, "UpdateItem": 3, "Publish": 1})
	delivery := requestsOf(d, second)
	if time.Since(began) < breakerAge { // on a busy machine this takes longer, so the sender can read the breaker again
		want("a delivery", delivery, requests{"UpdateItem": 2, "Publish": 1})
	}

	for range 10 {
		submit("")()
	}
	ten := deliver(10)
	d.Sender.Kill()
	const noteAge = time.Minute
	delivery = requestsOf(d, ten)
	if time.Since(began) < noteAge {
		want("ten envelopes in one batch of a new process", delivery, requests{opened: 1, "GetItem": 1, "UpdateItem": 20, "Publish": 10})
	}
	want("a look-up of a sent message", requestsOf(d, lookUp), requests{"GetItem": 1})

	elsewhere := func() {
		if r := post(t, api, "another key", text("+4915112345678", "hello")); r.status != http.StatusUnprocessableEntity {
			t.Errorf("the answer to a submission to a country that is not allowed is %d %s", r.status, r.body)
		}
	}
	want("a submit with a key that is refused", requestsOf(d, elsewhere), requests{"GetItem": 1})

	// A receipt of a probe can close the breaker, so the receipts service reads the
	// breaker too, every 5 s.
	receipt := func() {
		submit("")()
		deliver(1)()
		providerMessageID := get(t, api, id).message(t, http.StatusOK).ProviderMessageID
		began = time.Now()
		delivery = requestsOf(d, func() {
			if err := d.Report(t.Context(), delivered(providerMessageID, "+5511987654321")); err != nil {
				t.Fatal(err)
			}
		})
	}
	receipt()
	want("the first receipt of a process", delivery, requests{"Query": 1, "UpdateItem": 1, "GetItem": 1})
	seen := time.Now()
	receipt()
	if time.Since(seen) < breakerAge {
		want("a receipt", delivery, requests{"Query": 1, "UpdateItem": 1})
	}

	submit("")()
	d.SNS.Rule(func(string, int) faultproxy.Fault { return faultproxy.LoseAnswer() })
	if n := requestsOf(d, deliver(1))["Publish"]; n != 1 {
		t.Errorf("a message whose answer is lost was published %d times, want once", n)
	}
}

// A relay run with nothing to do reads the breaker, the length of the queue, and every
// shard of pending receipts and of the four kinds of due records.
var idle = requests{"GetItem": 1, "GetQueueAttributes": 1, "Query": idleQueries}

const (
	idleQueries = 4*32 + 8
	farEnd      = 3*32 + 8 // the queries that every tenth run makes in addition
)

// Each kind of work must add a known number to the requests of an idle run.
func TestEachRunOfTheRelayCostsItsRequests(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{})
	api := d.Client("shop")
	submit := func() string {
		return post(t, api, "", text(newNumber(), "hello")).message(t, http.StatusAccepted).ID
	}
	run := func(what string, more requests) {
		t.Helper()
		want := maps.Clone(idle)
		maps.Copy(want, more)
		got := requestsOf(d, func() {
			if _, err := d.RunRelay(t.Context()); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the requests of a run with %s differ (-want +got):\n%s", what, diff)
		}
	}
	deliver := func() { d.Deliver(t, d.Receive(t, 1)) }
	run("nothing, the first one of its process", requests{"Query": idleQueries + farEnd})
	run("nothing", nil)

	d.SNS.Rule(func(string, int) faultproxy.Fault { return faultproxy.Throttle() })
	retried := submit()
	deliver()
	d.SNS.Rule(nil)
	run("a retry", requests{"UpdateItem": 1, "SendMessage": 1})
	deliver()
	if m := get(t, api, retried).message(t, http.StatusOK); m.Status != "sent" || m.Attempts != 1 {
		t.Errorf("after the retry, the message is %+v", m)
	}

	// The relay enqueues the messages of one shard together.
	inShard := make(map[string]int)
	for range 10 {
		id := submit()
		makeDue(t, d, id)
		inShard[fmt.Sprint(d.Record(t, id)["due_shard"])]++
	}
	rescues := requests{"UpdateItem": 10}
	for _, n := range inShard {
		if n == 1 {
			rescues["SendMessage"]++
		} else {
			rescues["SendMessageBatch"]++
		}
	}
	d.Receive(t, 10) // the envelopes are lost
	run("ten rescues", rescues)
}

func makeDue(t *testing.T, d *functions.Deployment, id string) {
	t.Helper()
	_, err := d.Records.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:        &d.Table,
		Key:              map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
		UpdateExpression: aws.String("SET due_at = createdAt"),
	})
	if err != nil {
		t.Fatal(err)
	}
}
