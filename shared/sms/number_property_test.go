package sms_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// street is several messages to one number, and the truth about which provider
// id each of their hand-overs got.
type street struct {
	now      time.Time
	messages records
	ids      []string          // of messages, in their order
	left     map[string]string // provider message ids by the token of the hand-over
	answered map[string]bool   // by token: its sender is done with it
	coming   []sms.Receipt
	kept     []sms.PendingReceipt
}

func (s *street) submit(t *rapid.T) {
	if len(s.ids) == 5 {
		t.Skip("enough messages")
	}
	d := draft()
	d.OnUnknown = rapid.SampledFrom([]sms.OnUnknown{sms.Hold, sms.Resend}).Draw(t, "onUnknown")
	m := rules().Accept(sms.NewID(), d, s.now)
	s.ids = append(s.ids, m.ID)
	s.messages.byID[m.ID] = m
}

// any chooses a message.
func (s *street) any(t *rapid.T) sms.Message {
	if len(s.ids) == 0 {
		t.Skip("no message yet")
	}
	return s.messages.byID[rapid.SampledFrom(s.ids).Draw(t, "message")]
}

// claim has a sender claim a message and perhaps hand it over.
func (s *street) claim(t *rapid.T) {
	c := rules().NewClaim("fake", s.now)
	m, err := c.Apply(s.any(t))
	if err != nil {
		t.Skip("not claimable")
	}
	s.messages.byID[m.ID] = m
	if !rapid.Bool().Draw(t, "leaves") {
		return
	}
	id := fmt.Sprint("provider-", len(s.left))
	s.left[c.Token] = id
	rc := rapid.SampledFrom([]sms.Receipt{delivered(id), undelivered(id), void(id)}).Draw(t, "receipt")
	rc.Number = m.Number
	clock := time.Duration(rapid.IntRange(-5, 5).Draw(t, "the provider's clock")) * time.Second
	rc.At = s.now.Add(clock)
	s.coming = append(s.coming, rc)
}

// answer records the outcome of a hand-over, late or not.
func (s *street) answer(t *rapid.T) {
	m := s.any(t)
	if len(m.HandOvers) == 0 {
		t.Skip("not handed over")
	}
	token := rapid.SampledFrom(m.HandOvers).Draw(t, "hand-over").Token
	if s.answered[token] {
		t.Skip("answered")
	}
	s.answered[token] = true
	outcomes := []sms.Outcome{forNow, forGood, noAnswer}
	if id := s.left[token]; id != "" {
		outcomes = []sms.Outcome{taken(id), noAnswer}
	}
	o := rapid.SampledFrom(outcomes).Draw(t, "outcome")
	s.messages.byID[m.ID], _ = rules().Record(m, token, o, s.now)
}

func (s *street) endLease(t *rapid.T) {
	m, _ := rules().EndLease(s.any(t), s.now, false)
	s.messages.byID[m.ID] = m
}

// come has a receipt come: to its message, or it is kept. Some come twice.
func (s *street) come(t *rapid.T) {
	if len(s.coming) == 0 {
		t.Skip("no receipt is on its way")
	}
	i := rapid.IntRange(0, len(s.coming)-1).Draw(t, "receipt")
	rc := s.coming[i]
	if !rapid.Bool().Draw(t, "again") {
		s.coming = slices.Delete(s.coming, i, i+1)
	}
	if !s.receive(rc) {
		s.keep(rc)
	}
}

func (s *street) keep(rc sms.Receipt) {
	k := rc.Pending(s.now)
	s.forget(k)
	s.kept = append(s.kept, k)
}

func (s *street) forget(k sms.PendingReceipt) {
	s.kept = slices.DeleteFunc(s.kept, func(other sms.PendingReceipt) bool { return other.ID == k.ID })
}

func (s *street) receive(rc sms.Receipt) bool {
	for id, m := range s.messages.byID {
		if after, known := rules().ApplyReceipt(m, rc, s.now); known {
			s.messages.byID[id] = after
			return true
		}
	}
	return false
}

// look looks again for the message of a kept receipt.
func (s *street) look(t *rapid.T) {
	if len(s.kept) == 0 {
		t.Skip("nothing is kept")
	}
	k := rapid.SampledFrom(s.kept).Draw(t, "kept")
	if s.receive(k.Receipt) {
		s.forget(k)
		return
	}
	u := sms.Unmatched{Receipts: s.kept}
	for _, id := range s.ids {
		if s.messages.byID[id].Unmatched() {
			u.MessageIDs = append(u.MessageIDs, id)
		}
	}
	m, token, err := u.Owner(t.Context(), s.messages, k, s.now)
	if err != nil {
		t.Fatal(err)
	}
	if after, changed := rules().Adopt(m, token, k.Receipt, s.now); changed {
		s.messages.byID[m.ID] = after
		s.forget(k)
	}
}

// check: no hand-over has an id or a receipt that is another's, and none that
// left is lost from sight while its receipt is awaited.
func (s *street) check(t *rapid.T) {
	for _, m := range s.messages.byID {
		for _, h := range m.HandOvers {
			if h.ProviderMessageID != "" && h.ProviderMessageID != s.left[h.Token] {
				t.Fatalf("a hand-over that the provider calls %q is taken for %q", s.left[h.Token], h.ProviderMessageID)
			}
			if h.Receipt == "" && !m.Unmatched() {
				t.Fatalf("a %s message waits for a receipt, and would not be found", m.Status)
			}
		}
	}
}

func TestNoReceiptGoesToAnotherMessageOfItsNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &street{
			now: start, messages: records{byID: make(map[string]sms.Message)},
			left: make(map[string]string), answered: make(map[string]bool),
		}
		steps := map[string]func(*rapid.T){
			"":           s.check,
			"submit":     s.submit,
			"claim":      s.claim,
			"answer":     s.answer,
			"lease ends": s.endLease,
			"receipt":    s.come,
			"look":       s.look,
			"time passes": func(t *rapid.T) {
				s.now = s.now.Add(rapid.SampledFrom([]time.Duration{time.Second, 2 * time.Second, 6 * time.Second, time.Minute, 10 * time.Minute}).Draw(t, "time"))
			},
		}
		for _, name := range slices.Collect(maps.Keys(steps)) {
			if name == "claim" || name == "look" {
				steps[name+" too"] = steps[name] // more often
			}
		}
		t.Repeat(steps)
	})
}
