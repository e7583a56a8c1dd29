package relay_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// The two indexes of a lagging store show writes late, each with its own delay.
type lagging struct {
	*sqlite.DB
	now    func() time.Time
	byID   time.Duration
	number time.Duration
	fails  func(id string) bool // nil means that no write fails

	mu      sync.Mutex
	named   map[sms.ProviderRef]time.Time // when a message got the provider message id
	listed  map[string]time.Time          // when the message became unmatched
	refused int
}

func newLagging(db *sqlite.DB, now func() time.Time, lag time.Duration) *lagging {
	return &lagging{
		DB: db, now: now, byID: lag, number: lag,
		named: make(map[sms.ProviderRef]time.Time), listed: make(map[string]time.Time),
	}
}

func (l *lagging) Update(ctx context.Context, old, next sms.Message) (sms.Message, error) {
	if l.fails != nil && l.fails(old.ID) {
		l.refused++
		return sms.Message{}, errBroken
	}
	saved, err := l.DB.Update(ctx, old, next)
	if err != nil {
		return saved, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ref := range next.ProviderRefs() {
		if !slices.Contains(old.ProviderRefs(), ref) {
			l.named[ref] = l.now()
		}
	}
	if next.Unmatched() && !old.Unmatched() {
		l.listed[next.ID] = l.now()
	}
	return saved, nil
}

func (l *lagging) FindByProviderRef(ctx context.Context, ref sms.ProviderRef) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if since, ok := l.named[ref]; ok && l.now().Sub(since) < l.byID {
		return "", sms.ErrNotFound
	}
	return l.DB.FindByProviderRef(ctx, ref)
}

func (l *lagging) Unmatched(ctx context.Context, n sms.Number) (sms.Unmatched, error) {
	u, err := l.DB.Unmatched(ctx, n)
	l.mu.Lock()
	defer l.mu.Unlock()
	u.MessageIDs = slices.DeleteFunc(u.MessageIDs, func(id string) bool { return l.now().Sub(l.listed[id]) < l.number })
	return u, err
}

func (s *stage) onStore(store receipts.Store) *relay.Relay {
	r, ok := store.(relay.Store)
	if !ok {
		s.t.Fatalf("%T does not implement relay.Store", store)
	}
	options := relay.DefaultOptions()
	options.Wait = s.wait
	return relay.New(r, s.queue, receipts.New(store, s.rules, discard, s.clock), s.rules, options, s.clock, discard)
}

// twins returns two messages to one number. The first was handed over, but the provider
// did not answer. The second was claimed, and then its sender died. A receipt about the
// second message is pending.
func (s *stage) twins() (first, second sms.Message) {
	s.t.Helper()
	first = s.handOver(s.accept(nil), noAnswer)
	second = s.claim(s.accept(hold))
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "b", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if err := s.store.Keep(s.t.Context(), rc.Pending(s.now)); err != nil {
		s.t.Fatal(err)
	}
	return first, second
}

func TestAReceiptOfAHandOverInFlightIsNoOtherMessages(t *testing.T) {
	t.Run("even if its sender is dead and the index is behind", func(t *testing.T) {
		s := newStage(t)
		first, second := s.twins()
		s.pass(s.rules.Lease + 6*time.Second)
		r := s.onStore(newLagging(s.store, s.clock, time.Second))
		for range 4 { // the first of these runs ends the lease of the second message
			if _, err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.pass(500 * time.Millisecond)
		}
		s.is(second, sms.Unknown)
		if got := s.get(first); got.ProviderMessageID() != "" {
			t.Errorf("the receipt was applied to the other message, which is now %s", got.Status)
		}
	})
	t.Run("even if a run cannot end its lease", func(t *testing.T) {
		s := newStage(t)
		first, second := s.twins()
		s.pass(s.rules.Lease + 6*time.Second)
		store := newLagging(s.store, s.clock, 0)
		store.fails = func(id string) bool { return id == second.ID }
		r := s.onStore(store)
		for range 3 {
			if _, err := r.Run(t.Context()); err == nil {
				t.Error("Run returned no error, want the error of the store")
			}
			s.pass(time.Minute)
		}
		s.is(second, sms.Sending)
		if got := s.get(first); got.ProviderMessageID() != "" {
			t.Errorf("the receipt was applied to the other message, which is now %s", got.Status)
		}
	})
	t.Run("and is matched when its own outcome is recorded, even late", func(t *testing.T) {
		s := newStage(t)
		first, second := s.twins()
		r := s.onStore(newLagging(s.store, s.clock, time.Second))
		for i := range 6 {
			if _, err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if i == 2 { // the lease of the second message has ended by now
				s.is(second, sms.Unknown)
				s.change(s.get(second), func(m sms.Message) (sms.Message, bool) {
					return s.rules.Record(m, second.LeaseToken, sms.Taken("b"), s.now)
				})
			}
			s.pass(time.Minute)
		}
		s.is(second, sms.Delivered)
		if got := s.get(first); got.ProviderMessageID() != "" {
			t.Errorf("the receipt was applied to the other message, which is now %s", got.Status)
		}
	})
}

// street has several messages to one number. It knows which provider message id each
// hand-over really got.
type street struct {
	*stage
	store    *lagging
	relay    *relay.Relay
	ids      []string          // of messages
	left     map[string]string // the provider message id of each hand-over that reached the provider, by token
	answered map[string]bool   // by token: whether the recorded outcome has a provider message id
	coming   []sms.Receipt
}

func (s *street) submit(t *rapid.T) {
	if len(s.ids) == 4 {
		t.Skip("enough messages")
	}
	m := s.accept(rapid.SampledFrom([]func(*sms.Draft){nil, hold}).Draw(t, "hold"))
	s.ids = append(s.ids, m.ID)
}

func (s *street) anyMessage(t *rapid.T) sms.Message {
	if len(s.ids) == 0 {
		t.Skip("no message yet")
	}
	return s.get(sms.Message{ID: rapid.SampledFrom(s.ids).Draw(t, "message")})
}

func (s *street) claim(t *rapid.T) {
	m, err := s.store.Claim(t.Context(), s.anyMessage(t).Ref(), s.rules.NewClaim("fake", s.now))
	if err != nil {
		t.Skip("not claimable")
	}
	if !rapid.Bool().Draw(t, "leaves") {
		return
	}
	id := fmt.Sprint("provider-", len(s.left))
	s.left[m.LeaseToken] = id
	clock := time.Duration(rapid.IntRange(-5, 5).Draw(t, "the provider's clock")) * time.Second
	verdict := rapid.SampledFrom([]sms.Verdict{sms.VerdictDelivered, sms.VerdictUndelivered, sms.VerdictVoid}).Draw(t, "verdict")
	s.coming = append(s.coming, sms.Receipt{
		Provider: "fake", ProviderMessageID: id, Number: number, At: s.now.Add(clock), Verdict: verdict, Failure: sms.Unreachable, Trouble: sms.SpendLimit,
	})
}

func (s *street) answer(t *rapid.T) {
	m := s.anyMessage(t)
	if len(m.HandOvers) == 0 {
		t.Skip("not handed over")
	}
	token := rapid.SampledFrom(m.HandOvers).Draw(t, "hand-over").Token
	if _, done := s.answered[token]; done {
		t.Skip("answered")
	}
	outcomes := []sms.Outcome{forNow, noAnswer}
	if id := s.left[token]; id != "" {
		outcomes = []sms.Outcome{sms.Taken(id), noAnswer}
	}
	o := rapid.SampledFrom(outcomes).Draw(t, "outcome")
	s.answered[token] = o.ProviderMessageID != ""
	_, err := change.Message(t.Context(), s.store, m, func(m sms.Message) (sms.Message, bool) {
		return s.rules.Record(m, token, o, s.now)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *street) run(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "new") == 0 {
		s.relay = s.onStore(s.store)
	}
	broken := ""
	if rapid.IntRange(0, 2).Draw(t, "fails") == 0 && len(s.ids) > 0 {
		broken = rapid.SampledFrom(s.ids).Draw(t, "for")
	}
	s.store.fails = func(id string) bool { return id == broken }
	_, _ = s.relay.Run(t.Context()) // errors are ignored, because work that failed is due again
	s.store.fails = nil
}

func (s *street) applyReceipt(t *rapid.T) {
	if len(s.coming) == 0 {
		t.Skip("no receipt is on its way")
	}
	i := rapid.IntRange(0, len(s.coming)-1).Draw(t, "receipt")
	rc := s.coming[i]
	if !rapid.Bool().Draw(t, "again") {
		s.coming = slices.Delete(s.coming, i, i+1)
	}
	if _, err := receipts.New(s.store, s.rules, discard, s.clock).Apply(t.Context(), rc); err != nil {
		t.Fatal(err)
	}
	if _, err := change.Breaker(t.Context(), s.store, func(b sms.Breaker) (sms.Breaker, bool) { return b.Close(s.now.Add(-time.Hour)), b.Open }); err != nil {
		t.Fatal(err)
	}
}

// A hand-over must never be recorded with the provider message id of another hand-over.
func (s *street) check(t *rapid.T) {
	for _, id := range s.ids {
		for _, h := range s.get(sms.Message{ID: id}).HandOvers {
			if h.ProviderMessageID != "" && h.ProviderMessageID != s.left[h.Token] {
				t.Fatalf("a hand-over with the provider message id %q was recorded with %q", s.left[h.Token], h.ProviderMessageID)
			}
		}
	}
}

// Senders die, outcomes come late, indexes show old states, and runs of the relay fail.
func TestNoReceiptGoesToAnotherMessageOfItsNumber(t *testing.T) {
	enginetest.SQLite(t)
	matched := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := &street{stage: newStage(t), left: make(map[string]string), answered: make(map[string]bool)}
		s.store = newLagging(s.stage.store, s.clock, time.Second)
		s.relay = s.onStore(s.store)
		steps := map[string]func(*rapid.T){
			"": s.check, "submit": s.submit, "claim": s.claim, "claim too": s.claim, "answer": s.answer,
			"relay": s.run, "relay too": s.run, "receipt": s.applyReceipt, "receipt too": s.applyReceipt,
			"a minute passes": func(*rapid.T) { s.pass(time.Minute) },
			"time passes": func(t *rapid.T) {
				s.pass(rapid.SampledFrom([]time.Duration{time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 6 * time.Second, 40 * time.Second, 80 * time.Second, 10 * time.Minute}).Draw(t, "time"))
				s.store.byID = time.Duration(rapid.IntRange(0, 1900).Draw(t, "lag")) * time.Millisecond
				s.store.number = time.Duration(rapid.IntRange(0, 1900).Draw(t, "lag of the other")) * time.Millisecond
			},
		}
		rt.Repeat(steps)
		for _, id := range s.ids {
			for _, h := range s.get(sms.Message{ID: id}).HandOvers {
				if h.Receipt != "" && !s.answered[h.Token] {
					matched++ // the receipt was matched by number, because its provider message id was never recorded
				}
			}
		}
		if err := s.stage.store.Close(); err != nil {
			rt.Fatal(err)
		}
	})
	t.Logf("%d receipts were matched by their number", matched)
}
