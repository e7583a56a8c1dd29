package faults

import (
	"context"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
	"github.com/smsqueue/smsqueue/shared/sns"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
	"github.com/smsqueue/smsqueue/test/harness/judge"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

// A mark is on the requests of a call to which a fault must happen.
type mark struct {
	fault    fault
	requests atomic.Int32
}

type markKey struct{}

// faultBelowSDK applies the fault to the call's requests. Only a fault that kills a process
// applies to the call itself.
func faultBelowSDK(ctx context.Context, p *world.Process, _ world.Call, f fault, carryOut func(context.Context) error) error {
	if f == diesBefore || f == diesAfter {
		dieAround(ctx, p, f, carryOut)
	}
	return carryOut(context.WithValue(ctx, markKey{}, &mark{fault: f}))
}

// The type `wire` sends each marked request through the proxy of its fault, so that real
// connections break, hang and are refused.
type wire struct{ proxies map[fault]*url.URL }

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	w := &wire{proxies: make(map[fault]*url.URL)}
	for f, what := range map[fault]faultproxy.Fault{
		throttled: faultproxy.Throttle(), before: faultproxy.Drop(), after: faultproxy.LoseAnswer(), retried: faultproxy.LoseAnswer(),
		hangs: faultproxy.Hang(), hangsAfter: faultproxy.HangAfter(),
	} {
		proxy := faultproxy.New(t, target)
		proxy.Rule(func(string, int) faultproxy.Fault { return what })
		address, err := url.Parse(proxy.URL())
		if err != nil {
			t.Fatal(err)
		}
		w.proxies[f] = address
	}
	return w
}

var connections = &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	m, ok := r.Context().Value(markKey{}).(*mark)
	if !ok || (m.requests.Add(1) > 1 && m.fault == retried) {
		return connections.RoundTrip(r)
	}
	through := r.Clone(r.Context())
	through.URL.Host = w.proxies[m.fault].Host
	return connections.RoundTrip(through)
}

// requestTimeout is shorter than in production, because with the longer limit the matrix
// would take an hour.
const requestTimeout = time.Second

// A stand is used by one cell after another.
type stand struct {
	clock          *smstest.Clock
	wrong          *wrongClock // the clock of the services; right unless a cell makes it jump
	store          *dynamo.Store
	queue          *sqsqueue.Queue
	next           int // the number of the next cell's first message
	records, sends *wire
}

func newStand(t *testing.T, records, sends string, timeout time.Duration, i int) *stand {
	t.Helper()
	ctx := t.Context()
	s := &stand{
		clock: smstest.NewClock(time.Now().UTC().Truncate(time.Millisecond)), next: 6_000_000 + i*100_000,
		records: newWire(t, records), sends: newWire(t, sends),
	}
	s.wrong = &wrongClock{right: s.clock.Now}
	configure := func(url string, w *wire) aws.Config {
		cfg := enginetest.Config(t, url)
		cfg.HTTPClient = &http.Client{Transport: w, Timeout: timeout}
		return cfg
	}
	client := dynamo.NewClient(configure(records, s.records))
	table := "faults-" + strings.ToLower(sms.NewToken())
	if err := enginetest.CreateTable(ctx, client, table); err != nil {
		t.Fatal(err)
	}
	s.store = dynamo.New(client, table, s.wrong.Now)
	queues := sqs.NewFromConfig(configure(sends, s.sends))
	name := "faults-" + sms.NewToken()
	created, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	s.queue = sqsqueue.New(queues, *created.QueueUrl)
	return s
}

// Returns a new world on the stand, and the number of the world's first message.
func (s *stand) world(t *testing.T, a *attack, rules sms.Rules) (w *world.World, begin int) {
	t.Helper()
	ctx := t.Context()
	if b, err := s.store.LoadBreaker(ctx); err != nil {
		t.Fatal(err)
	} else if b.Open { // left open by the previous cell
		if err := s.store.SaveBreaker(ctx, b.Close(s.clock.Now())); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(time.Minute)
	}
	network := world.NewNetwork(s.clock.Now)
	server := httptest.NewServer(judge.Handler(network))
	t.Cleanup(server.Close)
	cfg := enginetest.Config(t, server.URL)
	cfg.HTTPClient = &http.Client{Transport: newWire(t, server.URL)}
	w = world.New(world.Options{
		Now: s.wrong.Now, Sleep: s.clock.Advance, Store: fewShards{s.store}, Queue: s.queue,
		Network: network, Provider: sns.New(sns.NewClient(cfg)),
		// The relay must not enqueue messages early, because the queue runs on another clock.
		Rules: rules, Interval: time.Millisecond, Around: a.around, Timeout: 20 * time.Second,
		PartsPerSecond: matrixPace,
	})
	begin = s.next
	s.next += 100
	return w, begin
}

func (s *stand) cell(t *testing.T, a *attack) {
	w, begin := s.world(t, a, sms.DefaultRules())
	all := scenario(t, w, a, begin, keyOfAFewShards, policies(begin))
	verify(t, w, a, all)
}

// fewShards lets the relay read only a few of the 32 shards. The reads of empty shards
// would take most of a cell's time.
type fewShards struct{ *dynamo.Store }

const shards = 3

func (fewShards) Shards() int { return shards }

// If the hash function changes, every cell fails because no message is found.
func keyOfAFewShards() string {
	for {
		key := sms.NewToken()
		h := fnv.New32a()
		_, _ = h.Write([]byte(sms.DerivedID(world.Owner, key)))
		if h.Sum32()%32 < shards {
			return key
		}
	}
}

// fewMessages is small because a deadline takes real time here.
const fewMessages = 5

// A story whose result depends on the policy runs with both policies. The other stories use the policies
// "hold" and "resend" in turn. With SMSQUEUE_SOAK=1, every story runs with both policies.
func policies(begin int) func(story) []sms.OnUnknown {
	n := begin / 100
	return func(s story) []sms.OnUnknown {
		n++
		switch {
		case os.Getenv("SMSQUEUE_SOAK") == "1", s.fate == world.Silent, s.fate == world.Deaf, s.orphan:
			return bothPolicies(s)
		case n%2 == 0:
			return []sms.OnUnknown{sms.Resend}
		}
		return []sms.OnUnknown{sms.Hold}
	}
}

func TestMatrixOnEngines(t *testing.T) {
	t.Parallel()
	atOnce, every := 8, 17 // 8 cells at once, and only every 17th cell, which reaches every fault and every service
	if os.Getenv("SMSQUEUE_SOAK") == "1" {
		atOnce, every = 24, 1
	}
	stands := newStands(t, requestTimeout, atOnce)
	matrix(t, allFaults, atOnce, every, func(t *testing.T, a *attack) {
		a.inject, a.maxMessages = faultBelowSDK, fewMessages
		s := <-stands
		defer func() { stands <- s }()
		s.cell(t, a)
	})
}

// newStands returns n stands. The parameter `timeout` is the time limit of one request.
func newStands(t *testing.T, timeout time.Duration, n int) chan *stand {
	t.Helper()
	records, sends := enginetest.DynamoDB(t), enginetest.SQS(t)
	stands := make(chan *stand, n)
	for i := range n {
		stands <- newStand(t, records, sends, timeout, i)
	}
	return stands
}
