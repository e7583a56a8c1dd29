// Package smstest has the conformance suites for the ports of package sms. Each adapter
// runs them in its TestConformance. They check what the comments of the ports promise:
// results and errors, conditions, races, order and paging, and what the store contains after an answer was
// lost.
package smstest

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// OpenStore returns an empty store that uses the given clock. It closes the store at the
// end of the test.
type OpenStore func(t *testing.T, now func() time.Time) sms.Store

// TestStore checks that a store keeps the contracts of sms.Store. Every subtest opens a
// new store.
func TestStore(t *testing.T, open OpenStore) {
	for _, part := range []struct {
		name string
		test func(t *testing.T, open opener)
	}{
		{"Messages", testMessages},
		{"Update", testUpdate},
		{"Claim", testClaim},
		{"Races", testRaces},
		{"Retention", testRetention},
		{"Agenda", testAgenda},
		{"Postpone", testPostpone},
		{"Ahead", testAhead},
		{"Receipts", testReceipts},
		{"Bound", testBound},
		{"Unmatched", testUnmatched},
		{"ReceiptKeeper", testReceiptKeeper},
		{"Lister", testLister},
		{"Breakers", testBreakers},
		{"Counters", testCounters},
		{"Pace", testPace},
	} {
		t.Run(part.name, func(t *testing.T) {
			part.test(t, func(t *testing.T) stage { return newStage(t, open) })
		})
	}
}

type opener func(t *testing.T) stage

type stage struct {
	sms.Store
	clock  *Clock
	rules  sms.Rules
	owner  string
	number sms.Number
}

func newStage(t *testing.T, open OpenStore) stage {
	t.Helper()
	s := plannedStage()
	s.Store = open(t, s.clock.Now)
	return s
}

// Each stage has an owner and a number of its own, because adapters can keep several stores
// in one table.
func plannedStage() stage {
	rules := sms.DefaultRules()
	rules.Jitter = func() float64 { return 0 }
	return stage{
		// An engine can remove records past their retention, so the clock starts at the real
		// time.
		clock:  NewClock(time.Now().UTC().Truncate(time.Millisecond)),
		rules:  rules,
		owner:  "owner-" + sms.NewToken(),
		number: newNumber(),
	}
}

func newNumber() sms.Number {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000_000))
	if err != nil {
		panic(err)
	}
	return sms.Number(fmt.Sprintf("+5511%09d", n))
}

func (s stage) draft() sms.Draft {
	return sms.Draft{
		Owner: s.owner, Client: s.owner,
		Request: sms.Request{Number: s.number, Text: "Your code is 1234"},
	}
}

func (s stage) message() sms.Message {
	return s.rules.Accept(sms.NewID(), s.draft(), s.clock.Now())
}

func (s stage) scheduled(in time.Duration) sms.Message {
	d := s.draft()
	d.SendAt = s.clock.Now().Add(in)
	return s.rules.Accept(sms.NewID(), d, s.clock.Now())
}

func (s stage) create(t *testing.T, m sms.Message) sms.Message {
	t.Helper()
	if err := s.Create(t.Context(), m); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return m
}

func (s stage) get(t *testing.T, id string) sms.Message {
	t.Helper()
	m, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return m
}

func (s stage) update(t *testing.T, old, next sms.Message) sms.Message {
	t.Helper()
	m, err := s.Update(t.Context(), old, next)
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	return m
}

func (s stage) claim(t *testing.T, m sms.Message) sms.Message {
	t.Helper()
	claimed, err := s.Claim(t.Context(), m.Ref(), s.rules.NewClaim("fake", s.clock.Now()))
	if err != nil {
		t.Fatalf("Claim: %v", err)
	}
	return claimed
}

func (s stage) record(t *testing.T, m sms.Message, o sms.Outcome) sms.Message {
	t.Helper()
	next, changed := s.rules.Record(m, m.LeaseToken, o, s.clock.Now())
	if !changed {
		t.Fatalf("the outcome did not change a message that is %s", m.Status)
	}
	return s.update(t, m, next)
}

func (s stage) handOver(t *testing.T, m sms.Message, o sms.Outcome) sms.Message {
	t.Helper()
	return s.record(t, s.claim(t, m), o)
}

func (s stage) createSent(t *testing.T, providerMessageID string) sms.Message {
	t.Helper()
	return s.handOver(t, s.create(t, s.message()), sms.Taken(providerMessageID))
}

// diff treats an absent list and an empty list as equal.
func diff(want, got any, opts ...cmp.Option) string {
	return cmp.Diff(want, got, append(opts, cmpopts.EquateEmpty())...)
}

var anyRevision = cmpopts.IgnoreFields(sms.Message{}, "Revision")

func checkDiff(t *testing.T, what string, want, got any, opts ...cmp.Option) {
	t.Helper()
	if d := diff(want, got, opts...); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

// eventually repeats a check until the check has no complaint, because an index can show
// writes late.
func eventually(t *testing.T, check func() (complaint string)) {
	t.Helper()
	const patience, pause = 10 * time.Second, 20 * time.Millisecond
	deadline := time.After(patience)
	again := time.NewTicker(pause)
	defer again.Stop()
	for {
		complaint := check()
		if complaint == "" {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("after %s: %s", patience, complaint)
		}
	}
}

const raceCallers = 64

func race[T any](n int, f func(i int) (T, error)) []attempt[T] {
	attempts := make([]attempt[T], n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range attempts {
		all.Go(func() {
			<-start
			attempts[i].got, attempts[i].err = f(i)
		})
	}
	close(start)
	all.Wait()
	return attempts
}

type attempt[T any] struct {
	got T
	err error
}

func oneWinner[T any](t *testing.T, attempts []attempt[T]) (won T, lost []error) {
	t.Helper()
	winners := 0
	for _, a := range attempts {
		if a.err != nil {
			lost = append(lost, a.err)
			continue
		}
		won = a.got
		winners++
	}
	if winners != 1 {
		t.Fatalf("%d of %d attempts succeeded, want exactly one; the others failed with %v", winners, len(attempts), lost)
	}
	return won, lost
}
