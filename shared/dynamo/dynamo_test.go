package dynamo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/sms"
)

var rules = sms.DefaultRules()

func start() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func accept(now time.Time) sms.Message {
	return rules.Accept(sms.NewID(), sms.Draft{
		Owner: "owner", Client: "client",
		Request: sms.Request{Number: "+12025550142", Text: "Hello"},
	}, now)
}

func newStoreBehindProxy(t *testing.T) (*dynamo.Store, *faultproxy.Proxy) {
	t.Helper()
	url := enginetest.DynamoDB(t)
	proxy := faultproxy.New(t, url)
	return dynamo.New(newImpatientClient(t, proxy.URL()), newTable(t, newClient(t, url)), time.Now), proxy
}

func newImpatientClient(t *testing.T, url string) *dynamodb.Client {
	t.Helper()
	return dynamodb.New(newClient(t, url).Options(), func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxBackoff = time.Millisecond
			r.RateLimiter = ratelimit.None
		})
	})
}

// story changes messages in a store step by step. At the end of each step it calls a
// function.
type story struct {
	*testing.T
	store *dynamo.Store
	now   time.Time
	after func(step string)
}

func (s story) create(step string, m sms.Message) sms.Message {
	s.Helper()
	if err := s.store.Create(s.Context(), m); err != nil {
		s.Fatalf("%s: %v", step, err)
	}
	s.after(step)
	return m
}

func (s story) claim(step string, m sms.Message) sms.Message {
	s.Helper()
	m, err := s.store.Claim(s.Context(), m.Ref(), rules.NewClaim("fake", s.now))
	return s.done(step, m, err)
}

func (s story) record(step string, m sms.Message, o sms.Outcome) sms.Message {
	s.Helper()
	next, _ := rules.Record(m, m.LeaseToken, o, s.now)
	m, err := s.store.Update(s.Context(), m, next)
	return s.done(step, m, err)
}

func (s story) receive(step string, m sms.Message, providerMessageID string, v sms.Verdict) sms.Message {
	s.Helper()
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: providerMessageID, Number: m.Number, At: s.now, Verdict: v}
	m, err := s.store.ApplyReceipt(s.Context(), rules, m.ID, rc, s.now)
	return s.done(step, m, err)
}

func (s story) done(step string, m sms.Message, err error) sms.Message {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", step, err)
	}
	s.after(step)
	return m
}

func TestRequestsPerOperation(t *testing.T) {
	store, proxy := newStoreBehindProxy(t)
	got := map[string]map[string]int{}
	s := story{T: t, store: store, now: start(), after: func(step string) {
		got[step] = proxy.Counts()
		proxy.Reset()
	}}

	m := s.create("create", accept(s.now))
	_, err := store.Get(t.Context(), m.ID)
	s.done("get", m, err)
	entry := sms.DueEntry{Ref: m.Ref(), Due: m.Due, ExpiresAt: m.ExpiresAt}
	m, err = store.Postpone(t.Context(), entry, entry.Postponed(m.Due.At))
	s.done("postpone", m, err)
	m = s.claim("claim", m)
	first := sms.NewToken()
	m = s.record("outcome", m, sms.Taken(first))
	_, err = store.FindByProviderRef(t.Context(), sms.ProviderRef{Provider: "fake", MessageID: first})
	s.done("find by provider message id", m, err)
	s.receive("receipt", m, first, sms.VerdictDelivered)
	s.receive("second receipt", m, first, sms.VerdictDelivered)
	_, err = store.Unmatched(t.Context(), m.Number)
	s.done("unmatched", m, err)
	_, err = store.Due(t.Context(), sms.DueQuery{Kind: sms.DueSend, Until: s.now, Limit: 100})
	s.done("due, of one shard", m, err)
	_, err = store.List(t.Context(), sms.ListQuery{Owner: "owner", Limit: 20, Examine: 100})
	s.done("list", m, err)
	_, err = store.LoadBreaker(t.Context())
	s.done("load the breaker", m, err)
	s.done("save the breaker", m, store.SaveBreaker(t.Context(), sms.Breaker{}.Pause("", s.now)))

	draft := sms.Draft{Owner: "owner", Request: sms.Request{Number: "+12025550142", Text: "Hello", SendAt: s.now.Add(time.Millisecond)}}
	scheduled := rules.Accept(sms.NewID(), draft, s.now)
	if err := store.Create(t.Context(), scheduled); err != nil {
		t.Fatal(err)
	}
	proxy.Reset()
	s.claim("claim of a scheduled message", scheduled)

	again := s.record("outcome", s.claim("claim", s.create("create", accept(s.now))), sms.Taken(sms.NewToken()))
	again = s.receive("void receipt", again, again.ProviderMessageID(), sms.VerdictVoid)
	s.now = again.NotBefore
	again = s.claim("claim", again)
	s.record("outcome that is the second to be taken", again, sms.Taken(sms.NewToken()))

	want := map[string]map[string]int{
		"create":                                 {"PutItem": 1},
		"get":                                    {"GetItem": 1},
		"postpone":                               {"UpdateItem": 1},
		"claim":                                  {"UpdateItem": 1},
		"claim of a scheduled message":           {"UpdateItem": 2},
		"outcome":                                {"UpdateItem": 1},
		"outcome that is the second to be taken": {"UpdateItem": 1, "PutItem": 1},
		"find by provider message id":            {"Query": 1},
		"receipt":                                {"UpdateItem": 1},
		"second receipt":                         {"UpdateItem": 2},
		"void receipt":                           {"GetItem": 1, "UpdateItem": 1},
		"unmatched":                              {"Query": 1},
		"due, of one shard":                      {"Query": 1},
		"list":                                   {"Query": 8, "BatchGetItem": 1},
		"load the breaker":                       {"GetItem": 1},
		"save the breaker":                       {"UpdateItem": 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the requests of each step differ (-want +got):\n%s", diff)
	}
}

var calls = map[string]func(*testing.T, sms.Store, sms.Message) error{
	"Create": func(t *testing.T, s sms.Store, m sms.Message) error {
		return s.Create(t.Context(), accept(m.CreatedAt))
	},
	"Get": func(t *testing.T, s sms.Store, m sms.Message) error { _, err := s.Get(t.Context(), m.ID); return err },
	"Claim": func(t *testing.T, s sms.Store, m sms.Message) error {
		_, err := s.Claim(t.Context(), m.Ref(), rules.NewClaim("fake", m.CreatedAt))
		return err
	},
	"Update": func(t *testing.T, s sms.Store, m sms.Message) error {
		_, err := s.Update(t.Context(), m, m)
		return err
	},
	"Postpone": func(t *testing.T, s sms.Store, m sms.Message) error {
		_, err := s.Postpone(t.Context(), sms.DueEntry{Ref: m.Ref(), Due: m.Due}, m.Due)
		return err
	},
	"Due": func(t *testing.T, s sms.Store, m sms.Message) error {
		_, err := s.Due(t.Context(), sms.DueQuery{Kind: sms.DueSend, Until: m.CreatedAt, Limit: 1})
		return err
	},
	"Receive": func(t *testing.T, s sms.Store, m sms.Message) error {
		rc := sms.Receipt{Provider: "fake", ProviderMessageID: "c", Number: m.Number, Verdict: sms.VerdictDelivered}
		_, err := s.ApplyReceipt(t.Context(), rules, m.ID, rc, m.CreatedAt)
		return err
	},
	"List": func(t *testing.T, s sms.Store, _ sms.Message) error {
		_, err := s.List(t.Context(), sms.ListQuery{Owner: "owner", Limit: 1, Examine: 1})
		return err
	},
	"SaveBreaker": func(t *testing.T, s sms.Store, _ sms.Message) error {
		return s.SaveBreaker(t.Context(), sms.Breaker{})
	},
}

func TestUnavailable(t *testing.T) {
	store, proxy := newStoreBehindProxy(t)
	m := accept(start())
	if err := store.Create(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	down := dynamo.New(newImpatientClient(t, "http://127.0.0.1:1"), "nowhere", time.Now)

	for name, call := range calls {
		t.Run(name+" returns ErrUnavailable if all its attempts were throttled", func(t *testing.T) {
			proxy.Rule(func(string, int) faultproxy.Fault { return faultproxy.Throttle() })
			if err := call(t, store, m); !errors.Is(err, sms.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
		})
		t.Run(name+" returns ErrUnavailable without a connection", func(t *testing.T) {
			if err := call(t, down, m); !errors.Is(err, sms.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
		})
		if name == "List" {
			continue // List sends its queries in parallel, and one query was certainly not carried out
		}
		t.Run(name+" returns another error if the first attempt got no answer", func(t *testing.T) {
			proxy.Reset()
			proxy.Rule(func(_ string, n int) faultproxy.Fault {
				if n == 1 {
					return faultproxy.Drop()
				}
				return faultproxy.Throttle()
			})
			if err := call(t, store, m); err == nil || errors.Is(err, sms.ErrUnavailable) {
				t.Errorf("got %v, want an error other than ErrUnavailable", err)
			}
		})
	}
}

func TestHangingRequestIsRepeatedInTime(t *testing.T) {
	proxy := faultproxy.New(t, enginetest.DynamoDB(t))
	client := newClient(t, proxy.URL())
	store := dynamo.New(client, newTable(t, client), time.Now)
	applyOnce(proxy, isWrite, faultproxy.HangAfter())
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if err := store.Create(ctx, accept(start())); err != nil {
		t.Error(err)
	}
	if got := proxy.Counts()["PutItem"]; got != 2 {
		t.Errorf("the client made %d attempts, want 2", got)
	}
}

func TestListNeedsAnOwner(t *testing.T) {
	store := dynamo.New(newClient(t, "http://127.0.0.1:1"), "nowhere", time.Now)
	if _, err := store.List(t.Context(), sms.ListQuery{Limit: 1, Examine: 1}); err == nil {
		t.Error("List for all owners returned no error")
	}
}

func TestForeignPositions(t *testing.T) {
	store := dynamo.New(newClient(t, "http://127.0.0.1:1"), "nowhere", time.Now)
	for _, after := range []string{"x", ".", "12.", ".id", "12x.id", "2026-11-22"} {
		_, err := store.List(t.Context(), sms.ListQuery{Owner: "o", Limit: 1, Examine: 1, After: after})
		if err == nil || errors.Is(err, sms.ErrUnavailable) {
			t.Errorf("List after %q returned %v, want an *InvalidError", after, err)
		}
		_, err = store.Due(t.Context(), sms.DueQuery{Kind: sms.DueSend, Limit: 1, After: after})
		if err == nil || errors.Is(err, sms.ErrUnavailable) {
			t.Errorf("Due after %q returned %v, want an error", after, err)
		}
	}
}
