package faults

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

const (
	coldSenders = 20
	badNumbers  = 1000
	publishTime = 100 * time.Millisecond
)

// All numbers to which the owner "bad" sends begin with badPrefix.
const (
	good, bad = "good", "bad"
	badPrefix = "+4915"
)

// fairQueue takes envelopes from its groups in turn, as a fair queue of SQS does.
type fairQueue struct {
	mu      sync.Mutex
	delayed []delayed
	groups  map[string][]sms.Ref
	names   []string
	turn    int
}

type delayed struct {
	sms.Envelope
	until time.Time
}

func (q *fairQueue) Send(_ context.Context, envelopes ...sms.Envelope) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range envelopes {
		q.delayed = append(q.delayed, delayed{Envelope: e, until: time.Now().Add(e.Delay)})
	}
	return nil
}

func (q *fairQueue) release() {
	now := time.Now()
	q.delayed = slices.DeleteFunc(q.delayed, func(e delayed) bool {
		if now.Before(e.until) {
			return false
		}
		if _, known := q.groups[e.Group]; !known {
			q.names = append(q.names, e.Group)
		}
		q.groups[e.Group] = append(q.groups[e.Group], e.Ref)
		return true
	})
}

func (q *fairQueue) Backlog(context.Context) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.release()
	n := 0
	for _, waiting := range q.groups {
		n += len(waiting)
	}
	return n, nil
}

func (q *fairQueue) next() (ref sms.Ref, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.release()
	for range q.names {
		q.turn++
		group := q.names[q.turn%len(q.names)]
		if waiting := q.groups[group]; len(waiting) > 0 {
			q.groups[group] = waiting[1:]
			return waiting[0], true
		}
	}
	return sms.Ref{}, false
}

// An account is a provider that refuses bad numbers. Until troubleEnds, it refuses every
// message.
type account struct {
	troubleEnds time.Time
	recovered   atomic.Bool  // whether a message was taken after the trouble ended
	spoiled     atomic.Int64 // probes to bad numbers after the trouble ended and before a message was taken
}

func (*account) Name() sms.ProviderName { return "fake" }

func (a *account) HandOver(_ context.Context, m sms.Message) (string, error) {
	time.Sleep(publishTime)
	switch {
	case time.Now().Before(a.troubleEnds):
		return "", &sms.ProviderError{Refusal: sms.AccountWide, Trouble: sms.Authorization, Code: "AuthorizationError"}
	case strings.HasPrefix(m.Number.String(), badPrefix):
		if !a.recovered.Load() {
			a.spoiled.Add(1)
		}
		return "", &sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.NumberRefused, PerhapsAccount: true, Code: "InvalidParameter"}
	}
	a.recovered.Store(true)
	return sms.NewToken(), nil
}

type deployment struct {
	t     *testing.T
	store *sqlite.DB
	queue *fairQueue
	rules sms.Rules
	good  []string // ids of the good owner's messages
}

func (d *deployment) submit(owner string, number sms.Number) {
	d.t.Helper()
	m := d.rules.Accept(sms.NewID(), sms.Draft{Owner: owner, Client: owner, Request: sms.Request{Number: number, Text: "hi"}}, time.Now())
	if err := d.store.Create(d.t.Context(), m); err != nil {
		d.t.Fatal(err)
	}
	if err := d.queue.Send(d.t.Context(), sms.Envelope{Ref: m.Ref(), Group: owner}); err != nil {
		d.t.Fatal(err)
	}
	if owner == good {
		d.good = append(d.good, m.ID)
	}
}

func (d *deployment) run(ctx context.Context, provider sms.Provider) *sync.WaitGroup {
	var group sync.WaitGroup
	logger := slog.New(slog.DiscardHandler)
	for range coldSenders {
		s := sender.New(d.store, provider, sender.NewGate(d.store, d.rules, 0, time.Now), d.rules, time.Now, logger)
		group.Go(func() {
			for ctx.Err() == nil {
				ref, ok := d.queue.next()
				if !ok {
					time.Sleep(publishTime)
				} else if err := s.Deliver(context.WithoutCancel(ctx), sender.Turn{Ref: ref, Parts: 1}); err != nil {
					d.t.Error(err)
				}
			}
		})
	}
	r := relay.New(d.store, d.queue, receipts.New(d.store, d.rules, logger, time.Now), d.rules, relay.DefaultOptions(), time.Now, logger)
	group.Go(func() {
		for ctx.Err() == nil {
			if _, err := r.Run(context.WithoutCancel(ctx)); err != nil {
				d.t.Error(err)
			}
			time.Sleep(time.Minute)
		}
	})
	return &group
}

// waitAllSent waits until all messages of the owner "good" are sent. It fails the test if
// one of them fails.
func (d *deployment) waitAllSent() {
	d.t.Helper()
	began := time.Now()
	for _, id := range d.good {
		for {
			m, err := d.store.Get(d.t.Context(), id)
			if err != nil {
				d.t.Fatal(err)
			}
			if m.Status == sms.Sent || m.Status == sms.Delivered {
				break
			}
			if m.Status.Final() {
				d.t.Fatalf("a message of the owner good is %s, want sent", m.Status)
			}
			time.Sleep(max(publishTime, time.Since(began)/50)) // precise to 2 %
		}
	}
}

// If interval is 0, all messages to bad numbers come first. Otherwise one such message comes after each
// interval.
func timeOfGood(t *testing.T, badCount int, interval, trouble time.Duration) (took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		db := openSQLite(t)
		d := &deployment{t: t, store: db, queue: &fairQueue{groups: make(map[string][]sms.Ref)}, rules: sms.DefaultRules()}
		d.rules.SeveralOwners = true
		began := time.Now()
		submitBad := func(n int) { d.submit(bad, sms.Number(fmt.Sprintf("%s%08d", badPrefix, n))) }
		for n := range badCount {
			if interval == 0 {
				submitBad(n)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		provider := &account{troubleEnds: began.Add(trouble)}
		group := d.run(ctx, provider)
		group.Go(func() {
			for n := 0; n < badCount && interval > 0 && ctx.Err() == nil; n++ {
				submitBad(n)
				time.Sleep(interval)
			}
		})
		time.Sleep(time.Second) // some bad numbers must be refused before any good number is taken
		submitted := time.Now()
		for n := range badNumbers / 2 {
			d.submit(good, sms.Number(fmt.Sprintf("+1202%07d", 5_000_000+n)))
		}
		d.waitAllSent()
		if spoiled := provider.spoiled.Load(); trouble > 0 && spoiled > 2 {
			t.Errorf("%d probes went to bad numbers after the trouble ended, want at most 2", spoiled)
		}
		took = time.Since(submitted)
		cancel()
		group.Wait()
	})
	return took
}

// A client's messages go out first alone, and then while another client sends to a thousand
// bad numbers.
func TestOneClientsBadNumbersHinderNobodyElse(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	times := 1
	if os.Getenv("SMSQUEUE_SOAK") == "1" {
		times = 20
	}
	for _, tc := range []struct {
		name     string
		interval time.Duration // the interval between messages to bad numbers; 0 means that all of these messages come first
		trouble  time.Duration // how long, from the start, the provider refuses everything
	}{
		{"before any number was taken", 0, 0},
		{"while the breaker is open", 0, 90 * time.Second},
		{"while the breaker is open, one every 300 ms", 300 * time.Millisecond, 90 * time.Second},
		{"while the breaker is open for 40 minutes, one every 4 s", 4 * time.Second, 40 * time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			alone := timeOfGood(t, 0, 0, tc.trouble)
			for range times {
				beside := timeOfGood(t, badNumbers, tc.interval, tc.trouble)
				t.Logf("the good messages took %v alone, and %v beside %d bad numbers", alone, beside, badNumbers)
				if beside > 3*alone {
					t.Errorf("beside bad numbers, the good messages took %.1f times as long as alone, want at most 3", float64(beside)/float64(alone))
				}
			}
		})
	}
}
