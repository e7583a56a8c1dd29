package routes_test

import (
	"context"
	"hash/fnv"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/cost"
)

// With the race detector, writing messages is slow, so only the long campaign has a million messages.
func many() int {
	if os.Getenv("SMSQUEUE_SOAK") != "" {
		return 1_000_000
	}
	if testing.Short() {
		return 5_000
	}
	return 20_000
}

// The function `fill` adds messages that are one second apart. Every hundredth message has
// a reference. The function returns the id of the message in the middle.
func fill(t *testing.T, store sms.Messages, owner string, n int) (id string) {
	t.Helper()
	rules := sms.DefaultRules()
	newest := time.Now().Add(-time.Minute)
	var next atomic.Int64
	var middle atomic.Pointer[string]
	var writers sync.WaitGroup
	for range 64 {
		writers.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				d := draft(owner)
				if i%100 == 0 {
					d.Reference = "one in a hundred"
				}
				m := rules.Accept(sms.NewID(), d, newest.Add(-time.Duration(i)*time.Second))
				if err := store.Create(t.Context(), m); err != nil {
					t.Error(err)
					return
				}
				if i == int64(n/2) {
					middle.Store(&m.ID)
				}
			}
		})
	}
	writers.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return *middle.Load()
}

// The two stores are measured in turn, so that other load on the machine slows both.
func TestManyMessagesMakeNoRequestSlower(t *testing.T) {
	const few, rounds, slower = 1000, 5, 1.2
	var handlers [2]http.Handler
	var ids [2]string
	for i, n := range []int{few, many()} {
		store := openSQLite(t, t.TempDir(), time.Now)
		ids[i] = fill(t, store, "owner", n)
		handlers[i] = newAPI(t, store, hurried)
	}
	for name, target := range map[string]string{
		"list":                "/v1/sms?limit=100",
		"list what is queued": "/v1/sms?limit=100&status=queued",
		"list what failed":    "/v1/sms?limit=100&status=failed", // no message failed
		"list by reference":   "/v1/sms?limit=100&reference=one+in+a+hundred",
		"list by number":      "/v1/sms?limit=100&phoneNumber=%2B12065550100",
		"look up":             "/v1/sms/",
	} {
		var times [2][]time.Duration
		for range rounds {
			for i, handler := range handlers {
				at := target
				if name == "look up" {
					at += ids[i]
				}
				times[i] = append(times[i], quickest(t, handler, at))
			}
		}
		slices.Sort(times[0])
		slices.Sort(times[1])
		before, after := times[0][rounds/2], times[1][rounds/2]
		ratio := float64(after) / float64(before)
		t.Logf("%-20s %8v with %d messages, %8v with %d: %.2f times", name, before.Round(time.Microsecond), few,
			after.Round(time.Microsecond), many(), ratio)
		// On a shared machine the times vary too much, so only the long campaign fails if a time is too long.
		if ratio > slower && os.Getenv("SMSQUEUE_SOAK") != "" {
			t.Errorf("%s takes %.2f times as long with %d messages, want at most %v times", name, ratio, many(), slower)
		}
	}
}

// A minute passes between two readings of the clock, so that an owner never reaches the
// rate of lists.
func hurried(o *api.Options) {
	var minutes atomic.Int64
	begin := time.Now()
	o.Now = func() time.Time { return begin.Add(time.Duration(minutes.Add(1)) * time.Minute) }
}

// Returns the shortest of the measured times. That request was disturbed least by other
// load.
func quickest(t *testing.T, handler http.Handler, target string) time.Duration {
	t.Helper()
	shortest := time.Hour
	for range 10 {
		begin := time.Now()
		if status, _ := callAs[page](t.Context(), handler, "owner", http.MethodGet, target, ""); status != http.StatusOK {
			t.Fatalf("%s: status %d", target, status)
		}
		shortest = min(shortest, time.Since(begin))
	}
	return shortest
}

func TestManyMessagesMakeNoPageDearer(t *testing.T) {
	const few, plenty = 200, 2000
	// Ids are random, so the shards differ in size. A page can therefore need two queries
	// more than another page, and some queries cost half a unit more.
	const twoQueries = 4.0 // read units
	var mu sync.Mutex
	var consumed float64
	var queries int
	client := dynamodb.NewFromConfig(enginetest.Config(t, enginetest.DynamoDB(t)), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, meter(func(operation string, units float64) {
			mu.Lock()
			defer mu.Unlock()
			consumed += units
			if operation == "Query" {
				queries++
			}
		}))
	})
	store := dynamo.New(client, newTable(t, client), time.Now)
	handler := newAPI(t, store, nil)
	fill(t, store, "small", few)
	fill(t, store, "large", plenty)
	// The messages of one owner are all in one shard. The messages of another owner take as
	// much room in the index as possible.
	long := strings.Repeat("x", 128)
	for i := range 800 {
		id, d := sms.NewID(), draft("lopsided")
		if i%2 == 0 {
			d = draft(long)
			d.Reference = strings.Repeat("𝄞", 100)
		}
		for d.Owner != long && shard(id) != 0 {
			id = sms.NewID()
		}
		m := sms.DefaultRules().Accept(id, d, time.Now().Add(-time.Duration(i+60)*time.Second))
		if err := store.Create(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	price := func(owner, target string) float64 {
		mu.Lock()
		consumed, queries = 0, 0
		mu.Unlock()
		if status, _ := callAs[page](t.Context(), handler, owner, http.MethodGet, target, ""); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		mu.Lock()
		defer mu.Unlock()
		t.Logf("%-40s of %.8s costs %5.1f units and %d queries", target, owner, consumed, queries)
		if consumed > cost.DearestPage || queries > cost.PageQueries {
			t.Errorf("%s of %.8s costs %.1f units and %d queries, want at most %v and %v", target, owner, consumed, queries, cost.DearestPage, cost.PageQueries)
		}
		return consumed
	}
	dearest := 0.0
	for _, owner := range []string{"lopsided", "large", long} {
		for _, target := range []string{
			"/v1/sms?limit=100", "/v1/sms?limit=1", "/v1/sms?status=failed", "/v1/sms?limit=1&status=failed",
			"/v1/sms?limit=100&reference=nowhere", "/v1/sms?limit=100&phoneNumber=%2B5511999999999", "/v1/sms?limit=1&phoneNumber=%2B5511999999999",
		} {
			dearest = max(dearest, price(owner, target))
		}
	}
	if dearest < cost.DearestPage*0.9 {
		t.Errorf("the dearest page costs %.1f units; test/harness/cost says %v", dearest, cost.DearestPage)
	}
	for _, target := range []string{"/v1/sms?limit=20", "/v1/sms?limit=100", "/v1/sms?limit=20&status=queued"} {
		small, large := price("small", target), price("large", target)
		if small == 0 || large > small+twoQueries {
			t.Errorf("%s costs %.1f units with %d messages, %.1f with %d", target, small, few, large, plenty)
		}
	}
	// A page must read a bounded number of records even if its filter matches nothing.
	const rare = "/v1/sms?limit=20&reference=nowhere"
	bound := price("large", rare)
	fill(t, store, "large", plenty)
	if more := price("large", rare); more > bound+twoQueries {
		t.Errorf("%s costs %.1f units with %d messages, %.1f with %d", rare, bound, plenty, more, 2*plenty)
	}
}

// shard returns the shard that shared/dynamo chooses for a message in its owner's list.
func shard(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum32() % 8
}

// meter returns an option for a client of DynamoDB. After each read, the client calls the
// function `tell` with the capacity that the read consumed.
func meter(tell func(operation string, units float64)) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Meter", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			switch read := in.Parameters.(type) {
			case *dynamodb.QueryInput:
				read.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
			case *dynamodb.BatchGetItemInput:
				read.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
			}
			out, metadata, err := next.HandleInitialize(ctx, in)
			switch read := out.Result.(type) {
			case *dynamodb.QueryOutput:
				if read.ConsumedCapacity != nil { // on AWS, even a query without results consumes half a unit
					tell("Query", max(aws.ToFloat64(read.ConsumedCapacity.CapacityUnits), 0.5))
				}
			case *dynamodb.BatchGetItemOutput:
				for _, c := range read.ConsumedCapacity {
					tell("BatchGetItem", aws.ToFloat64(c.CapacityUnits))
				}
			}
			return out, metadata, err
		}), middleware.Before)
	}
}
