package kill

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
	"github.com/smsqueue/smsqueue/test/harness/functions"
	"github.com/smsqueue/smsqueue/test/harness/world"
	"github.com/smsqueue/smsqueue/tools/engines"
)

const (
	outage     = 10 * time.Second
	loadBefore = 4 * time.Second
	loadAfter  = 6 * time.Second
	longest    = 10 * time.Second // a client waits at most this long for an answer
)

type answers struct {
	mu      sync.Mutex
	counts  map[int]int
	slowest time.Duration
	wrong   []string
}

func (a *answers) submit(ctx context.Context, w *world.World, i int) error {
	key := sms.NewToken()
	body := fmt.Sprintf(`{"phoneNumber": "+551199%07d", "message": "message %d"}`, 3_000_000+i, i)
	for {
		began := time.Now()
		answer, err := w.Request(ctx, http.MethodPost, "/v1/sms", key, body)
		if err != nil {
			return err
		}
		a.note(answer, time.Since(began))
		if answer.Code == http.StatusAccepted {
			var m struct{ ID string }
			if err := json.Unmarshal(answer.Body.Bytes(), &m); err != nil {
				return err
			}
			w.Remember(m.ID)
			return nil
		}
		pause(ctx, time.Second)
	}
}

func (a *answers) note(answer *httptest.ResponseRecorder, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[answer.Code]++
	a.slowest = max(a.slowest, took)
	switch answer.Code {
	case http.StatusAccepted:
	case http.StatusServiceUnavailable:
		if answer.Header().Get("Retry-After") == "" {
			a.wrong = append(a.wrong, "503 without Retry-After")
		}
	default:
		a.wrong = append(a.wrong, fmt.Sprintf("%d %s", answer.Code, answer.Body))
	}
}

func TestDynamoDBIsAwayForTenSeconds(t *testing.T) {
	t.Parallel()
	sends := enginetest.SQS(t)
	enginetest.DynamoDB(t) // only records that the test uses DynamoDB: the test starts its own engine
	repo, err := engines.FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine := engines.DynamoDBOnDisk(t.TempDir())
	logs := t.TempDir()
	start := func() (string, func()) {
		url, stop, err := engine.Alone(t.Context(), repo, logs)
		if err != nil {
			t.Fatal(err)
		}
		return url, stop
	}
	target, stop := start()
	defer func() { stop() }()
	door := newFront(t, target)

	client := dynamo.NewClient(enginetest.Config(t, door.url()))
	table := "outage-" + strings.ToLower(sms.NewToken())
	if err := enginetest.CreateTable(t.Context(), client, table); err != nil {
		t.Fatal(err)
	}
	_, queueURL := functions.NewQueue(t, sends)
	network := world.NewNetwork(time.Now)
	rules := sms.DefaultRules()
	rules.Lease = 30 * time.Second
	w := world.New(world.Options{
		Now: time.Now, Sleep: time.Sleep, Store: dynamo.New(client, table, time.Now),
		Queue:   sqsqueue.New(sqs.NewFromConfig(enginetest.Config(t, sends)), queueURL),
		Network: network, Provider: network, Rules: rules, Interval: time.Second, Timeout: 15 * time.Second,
	})

	ctx, end := context.WithCancel(t.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer end()
	loop := func(every time.Duration, f func()) {
		work.Go(func() {
			for ctx.Err() == nil {
				f()
				pause(ctx, every)
			}
		})
	}
	for range 4 {
		loop(10*time.Millisecond, func() { _, _ = w.Deliver(context.WithoutCancel(ctx)) })
	}
	loop(time.Second, func() { _, _ = w.Relay(context.WithoutCancel(ctx)) })
	loop(100*time.Millisecond, func() { w.Receipts(context.WithoutCancel(ctx)) })

	got := &answers{counts: make(map[int]int)}
	loading, endLoad := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for user := range 24 {
		load.Go(func() {
			for i := user; loading.Err() == nil; i += 24 {
				if err := got.submit(t.Context(), w, i); err != nil {
					t.Error(err)
				}
				pause(loading, 50*time.Millisecond)
			}
		})
	}
	pause(ctx, loadBefore)
	door.down()
	stop()
	pause(ctx, outage)
	target, stop = start()
	door.up(t, target)
	pause(ctx, loadAfter)
	endLoad()
	load.Wait()

	if got.slowest > longest || len(got.wrong) > 0 || got.counts[http.StatusServiceUnavailable] == 0 || got.counts[http.StatusAccepted] < 20 {
		t.Errorf("the answers are %v, the slowest took %v; unexpected: %v", got.counts, got.slowest, got.wrong)
	}
	await(t, 5*time.Minute, "all at rest", func() bool {
		pause(t.Context(), 2*time.Second)
		report, err := w.Reconcile(t.Context())
		return err == nil && report.OnTheWay == 0
	})
	// The log was read before the records, so it can lack a hand-over. So reconcile
	// again.
	report, err := w.Reconcile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	t.Logf("the answers are %v, the slowest took %v; %d messages were accepted: %v; %d were handed over again", got.counts, got.slowest, report.Accepted, report.ByStatus, report.Doubles)
}
