package aws_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
	"github.com/smsqueue/smsqueue/test/harness/functions"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// Unlike a function, localAPI serves requests concurrently, and has a clock that the test
// sets.
type localAPI struct {
	handler http.Handler
	records *dynamodb.Client
	table   string
	queue   *faultproxy.Proxy

	mu    sync.Mutex
	ahead time.Duration // how far the API's clock is ahead of the real time
}

func startLocalAPI(t *testing.T) *localAPI {
	t.Helper()
	d := &localAPI{queue: faultproxy.New(t, enginetest.SQS(t))}
	d.records, d.table = functions.NewTable(t, enginetest.DynamoDB(t))
	_, queueURL := functions.NewQueue(t, enginetest.SQS(t))
	handler, err := api.New(api.Options{
		Store: dynamo.New(d.records, d.table, d.now),
		Queue: sqsqueue.New(sqs.NewFromConfig(enginetest.Config(t, d.queue.URL())), queueURL),
		Rules: sms.DefaultRules(), Countries: []string{"BR"}, Now: d.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	d.handler = handler
	return d
}

func (d *localAPI) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.ahead)
}

func (d *localAPI) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ahead += by
}

func (d *localAPI) client(clientID, owner string) user.API {
	caller := api.Caller{ClientID: clientID, Owner: owner, Scopes: []string{api.ScopeSend, api.ScopeRead}}
	return user.API{HTTP: &http.Client{Transport: inProcess{d.handler, caller}}}
}

type inProcess struct {
	handler http.Handler
	caller  api.Caller
}

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r.WithContext(api.WithCaller(r.Context(), p.caller)))
	return w.Result(), nil
}

func (d *localAPI) countItems(t *testing.T) int {
	t.Helper()
	out, err := d.records.Scan(t.Context(), &dynamodb.ScanInput{TableName: &d.table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return int(out.Count)
}

func TestOneKeyMakesOneMessageOnDynamoDB(t *testing.T) {
	t.Parallel()
	d := startLocalAPI(t)
	shop := d.client("shop-1", "shop")
	sendAt := time.Now().Add(time.Minute)
	body := fmt.Sprintf(`{"phoneNumber": "+5511987654321", "message": "hello", "sendAt": %q}`, sendAt.Format(time.RFC3339))

	const n = 50
	replies := make([]reply, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			replies[i] = post(t, shop, "key", body)
		})
	}
	close(start)
	all.Wait()
	id := replies[0].message(t, http.StatusAccepted).ID
	for _, r := range replies {
		if m := r.message(t, http.StatusAccepted); m.ID != id {
			t.Errorf("the answers name the messages %s and %s, want one", id, m.ID)
		}
	}
	replayed := func(r reply) bool { return r.header.Get("Idempotent-Replayed") == "true" }
	fresh := slices.DeleteFunc(slices.Clone(replies), replayed)
	if len(fresh) != 1 || d.countItems(t) != 1 || d.queue.Counts()["SendMessage"] != 1 {
		t.Errorf("%d of %d answers are not marked as replayed, want 1; the table has %d records, want 1; the requests to SQS are %v, want one SendMessage",
			len(fresh), n, d.countItems(t), d.queue.Counts())
	}

	if r := post(t, shop, "key", strings.Replace(body, "hello", "bye", 1)); r.status != http.StatusUnprocessableEntity || r.problem(t) != "idempotency-key-reused" {
		t.Errorf("the answer to the same key with another body is %d %s", r.status, r.body)
	}
	if r := post(t, d.client("shop-2", "shop"), "key", body); r.message(t, http.StatusAccepted).ID != id || !replayed(r) {
		t.Errorf("the answer to another client of the owner is %v %s", r.header, r.body)
	}
	if r := post(t, d.client("other", "other"), "key", body); r.message(t, http.StatusAccepted).ID == id || replayed(r) {
		t.Errorf("the answer to another owner is %v %s", r.header, r.body)
	}

	d.advance(time.Hour)
	if r := post(t, shop, "new", body); r.status != http.StatusUnprocessableEntity {
		t.Errorf("the answer to a new message with a sendAt in the past is %d %s", r.status, r.body)
	}
	late := post(t, shop, "key", body)
	if diff := cmp.Diff(fresh[0].body, late.body); diff != "" || late.status != http.StatusAccepted || !replayed(late) {
		t.Errorf("the replay after sendAt has the status %d and the header %v, and its body differs (-first +late):\n%s", late.status, late.header, diff)
	}
	if d.countItems(t) != 2 || d.queue.Counts()["SendMessage"] != 2 {
		t.Errorf("the table has %d records and the requests to SQS are %v; want one of each per owner", d.countItems(t), d.queue.Counts())
	}
}
