package receipts_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func TestTroubleOpensTheBreaker(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   func(now time.Time) time.Time
		want bool
	}{
		{"just now", func(now time.Time) time.Time { return now }, true},
		{"at a time that is not known", func(time.Time) time.Time { return time.Time{} }, true},
		{"long ago", func(now time.Time) time.Time { return now.Add(-time.Hour) }, false},
	} {
		for _, whose := range []string{"ours", "foreign"} {
			t.Run(whose+", "+tt.name, func(t *testing.T) {
				s := newStage(t)
				if whose == "ours" {
					s.sent(number, "c-1")
				}
				rc := sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, At: tt.at(s.now), Verdict: sms.VerdictVoid, Trouble: sms.AccountReview}
				if _, err := s.receipts.Apply(t.Context(), rc); err != nil {
					t.Fatal(err)
				}
				if b := s.breaker(); b.Open != tt.want || (b.Open && b.Trouble != sms.AccountReview) {
					t.Errorf("the breaker is %+v, want open: %v", b, tt.want)
				}
			})
		}
	}
	t.Run("retrying a pending receipt does not", func(t *testing.T) {
		s := newStage(t)
		rc := sms.Receipt{Provider: "fake", ProviderMessageID: "c-9", Number: number, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit}
		if _, err := s.receipts.Apply(t.Context(), rc); err != nil {
			t.Fatal(err)
		}
		s.change(func(b sms.Breaker) sms.Breaker { return b.Close(s.now) })
		s.retryDue()
		if b := s.breaker(); b.Open {
			t.Errorf("the breaker is %+v, want closed", b)
		}
	})
}

func TestWhatClosesTheBreaker(t *testing.T) {
	for _, tt := range []struct {
		name  string
		stage func(s *stage)
		open  bool
	}{
		{"the delivery of its probe", func(s *stage) {
			s.spend()
			s.probe(s.accept(number), sms.Taken("c-1"))
			s.deliver("c-1", s.now)
		}, false},
		{"the delivery of a probe that was followed by others", func(s *stage) {
			s.spend()
			s.probe(s.accept(number), sms.Taken("c-1"))
			s.probe(s.accept(number), sms.Taken("c-2"))
			s.deliver("c-1", s.now)
		}, false},
		{"the delivery of a probe whose hand-over got no answer", func(s *stage) {
			s.spend()
			s.probe(s.accept(number), sms.Unanswered())
			s.keep(delivered("c-1", s.now))
			s.retryDue()
		}, false},
		{"not the delivery of another message", func(s *stage) {
			s.spend()
			s.sent(number, "c-1") // the sender did not know yet that the breaker was open
			s.probe(s.accept(number), sms.Taken("c-2"))
			s.deliver("c-1", s.now)
		}, true},
		{"not the failure of its probe", func(s *stage) {
			s.spend()
			s.probe(s.accept(number), sms.Taken("c-1"))
			rc := delivered("c-1", s.now)
			rc.Verdict, rc.Failure = sms.VerdictUndelivered, sms.Unreachable
			s.mustApply(rc)
		}, true},
		{"not the delivery of an earlier hand-over of the probe's message", func(s *stage) {
			before := s.now
			id := s.unanswered(number, sms.Resend)
			s.now = s.now.Add(time.Minute)
			s.spend()
			s.probe(s.get(id), sms.Taken("c-2"))
			s.count()
			s.keep(delivered("c-1", before))
			s.retryDue()
			if got := s.get(id).Status; got != sms.Delivered {
				s.t.Errorf("the message is %s, want %s", got, sms.Delivered)
			}
		}, true},
		{"the delivery of its probe, after the delivery of an earlier hand-over of the same message", func(s *stage) {
			before := s.now
			id := s.unanswered(number, sms.Resend)
			s.now = s.now.Add(time.Minute)
			s.spend()
			s.probe(s.get(id), sms.Taken("c-2"))
			at := s.now
			s.keep(delivered("c-1", before))
			s.retryDue()
			s.deliver("c-2", at)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			tt.stage(s)
			if b := s.breaker(); b.Open != tt.open {
				t.Errorf("the breaker is %+v, want open: %v", b, tt.open)
			}
		})
	}
}

// Each receipt is void. After each receipt, another owner's message proves that the account is not in
// trouble.
func TestOneDestinationUnderReviewStopsEverybodyOnce(t *testing.T) {
	s := newStage(t)
	m := s.sent(number, "c-0")
	opened := 0
	for i, began := 0, s.now; s.now.Sub(began) < time.Hour; i++ {
		s.now = s.now.Add(2 * time.Second)
		s.mustApply(sms.Receipt{Provider: "fake", ProviderMessageID: fmt.Sprint("c-", i), Number: number, At: s.now, Verdict: sms.VerdictVoid, Trouble: sms.AccountReview})
		if s.breaker().Open {
			opened++
			probe := fmt.Sprint("probe-", i)
			s.probe(s.accept(another), sms.Taken(probe))
			rc := delivered(probe, s.now)
			rc.Number = another
			s.mustApply(rc)
		}
		m = s.get(m.ID)
		s.now = m.NotBefore
		s.handOverAgain(m, fmt.Sprint("c-", i+1))
	}
	if opened != 1 || s.breaker().Open {
		t.Errorf("the breaker opened %d times, want once", opened)
	}
}

// The delivery shows that the provider takes messages. So refusals of bad numbers a
// second later must not open the breaker again.
func TestADeliveredProbeShowsThatNumbersAreTaken(t *testing.T) {
	s := newStage(t)
	s.spend()
	s.probe(s.accept(number), sms.Taken("c-1"))
	s.deliver("c-1", s.now)
	b := s.breaker()
	for n := range 20 {
		m := sms.Message{Owner: fmt.Sprint(n % 2), Request: sms.Request{Number: sms.Number(fmt.Sprintf("+1202555%04d", n))}}
		b, _ = s.rules.NumberRefused(b, m, "", s.now.Add(time.Second))
	}
	if b.Open {
		t.Errorf("the breaker is %+v, want closed", b)
	}
}

func TestTheOwnerOfAnUndeliveredProbeIsLastInLine(t *testing.T) {
	s := newStage(t)
	s.spend()
	m := s.accept(number)
	s.probe(m, sms.Taken("c-1"))
	rc := delivered("c-1", s.now)
	rc.Verdict, rc.Failure = sms.VerdictUndelivered, sms.Unreachable
	s.mustApply(rc)
	if b := s.breaker(); !b.Open || len(b.LastInLine) != 1 || len(b.ProbeIDs) != 0 || b.ProbeAt.After(s.now) {
		t.Errorf("the breaker is %+v, want a probe due, and the probe's owner last in line", b)
	}
}

// TestAProbeClosesABreakerThatOpenedWhileTheClockWasAhead uses a Receipts that remembers
// the breaker's state from its opening. Later, the relay corrects the times in the
// breaker's record.
func TestAProbeClosesABreakerThatOpenedWhileTheClockWasAhead(t *testing.T) {
	s := newStage(t)
	right := s.now
	s.now = right.Add(24 * time.Hour)
	s.keep(sms.Receipt{
		Provider: "fake", ProviderMessageID: "c-0", Number: another, At: s.now, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit,
	})
	s.now = right
	s.change(func(b sms.Breaker) sms.Breaker {
		b, _ = s.rules.BoundBreaker(b, s.now)
		return b
	})
	s.probe(s.accept(number), sms.Taken("c-1"))
	s.deliver("c-1", s.now)
	if b := s.breaker(); b.Open {
		t.Errorf("the breaker is %+v, want closed", b)
	}
}

type counted struct {
	*sqlite.DB
	looks int
}

func (c *counted) LoadBreaker(ctx context.Context) (sms.Breaker, error) {
	c.looks++
	return c.DB.LoadBreaker(ctx)
}

// count gives the stage a new Receipts that has not read the breaker yet, and counts its
// reads of the breaker.
func (s *stage) count() *counted {
	c := &counted{DB: s.store}
	s.receipts = receipts.New(c, s.rules, slog.New(slog.DiscardHandler), func() time.Time { return s.now })
	return c
}

func TestDeliveriesDoNotEachLookAtTheBreaker(t *testing.T) {
	const n = 50
	sent := func(s *stage) {
		for i := range n {
			s.sent(number, "c-"+strconv.Itoa(i))
		}
	}
	for _, tt := range []struct {
		name  string
		stage func(s *stage)
		looks int
	}{
		{"while it is closed", sent, 1},
		{"while it is paused", func(s *stage) {
			s.change(func(b sms.Breaker) sms.Breaker { return b.Pause("maintenance", s.now) })
			sent(s)
		}, 1},
		{"of messages from before it opened", func(s *stage) {
			sent(s)
			s.now = s.now.Add(time.Second)
			s.spend()
		}, 1},
		{"of messages that went out just after it opened", func(s *stage) {
			s.spend()
			s.now = s.now.Add(time.Second)
			sent(s)
		}, 1},
		{"of messages from before it opened, after many probes", func(s *stage) {
			sent(s)
			s.now = s.now.Add(time.Second)
			s.spend()
			for i := range 5 {
				s.probe(s.accept(number), sms.Taken("probe-"+strconv.Itoa(i)))
			}
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			tt.stage(s)
			c := s.count()
			for i := range n {
				s.deliver("c-"+strconv.Itoa(i), s.now)
			}
			if c.looks != tt.looks {
				t.Errorf("there were %d reads of the breaker for %d receipts, want %d", c.looks, n, tt.looks)
			}
		})
	}
}

// The delivery of a probe must close the breaker, even if the Receipts remembers an older
// state of the breaker.
func TestNoProbesDeliveryIsMissed(t *testing.T) {
	look := func(s *stage) {
		id := sms.NewToken()
		s.sent(number, id)
		s.deliver(id, s.now)
	}
	probe := func(s *stage, providerMessageID string) {
		s.probe(s.accept(number), sms.Taken(providerMessageID))
	}
	for name, probes := range map[string]func(s *stage){
		"the first probe": func(s *stage) { probe(s, "c-1") },
		"the second probe": func(s *stage) {
			probe(s, "c-0")
			probe(s, "c-1")
		},
		"the second probe, after the first was seen": func(s *stage) {
			probe(s, "c-0")
			look(s)
			probe(s, "c-1")
		},
		"the next probe, after one was seen and given back": func(s *stage) {
			b := s.breaker()
			s.now = b.ProbeAt
			b, _ = s.rules.Probe(b, sms.Message{ID: "canceled"}, s.now)
			s.change(func(sms.Breaker) sms.Breaker { return b })
			look(s)
			s.now = s.now.Add(time.Millisecond)
			s.change(func(b sms.Breaker) sms.Breaker {
				b, _ = b.GiveBack(sms.Message{ID: "canceled"}, false, s.now)
				return b
			})
			probe(s, "c-1")
		},
	} {
		for _, after := range []time.Duration{-100 * time.Millisecond, 0, time.Second, 59 * time.Second} {
			for _, first := range []time.Duration{time.Second, 5 * time.Second, time.Minute} {
				t.Run(fmt.Sprintf("%s; first probe %v after the opening, breaker read %v after the opening", name, first, after), func(t *testing.T) {
					s := newStage(t)
					s.rules.FirstProbe = first
					s.count()
					opening := s.now.Add(time.Second)
					if after < 0 {
						s.now = opening.Add(after)
						look(s)
					}
					s.change(func(b sms.Breaker) sms.Breaker {
						b, _ = s.rules.ReportTrouble(b, sms.SpendLimit, "", opening, opening)
						return b
					})
					if after >= 0 {
						s.now = opening.Add(after)
						look(s)
					}
					probes(s)
					s.now = s.now.Add(300 * time.Millisecond)
					s.deliver("c-1", s.now)
					if s.breaker().Open {
						t.Error("the delivery of the probe did not close the breaker")
					}
				})
			}
		}
	}
}

func (s *stage) breaker() sms.Breaker {
	s.t.Helper()
	b, err := s.store.LoadBreaker(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *stage) change(f func(sms.Breaker) sms.Breaker) {
	s.t.Helper()
	if err := s.store.SaveBreaker(s.t.Context(), f(s.breaker())); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) accept(to sms.Number) sms.Message {
	s.t.Helper()
	m := s.rules.Accept(sms.NewID(), sms.Draft{Owner: "o", Client: "c", Request: sms.Request{Number: to, Text: "hi"}}, s.now)
	if err := s.store.Create(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// spend opens the breaker with a void receipt for a message of another application.
func (s *stage) spend() {
	s.t.Helper()
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "c-foreign", Number: another, At: s.now, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit}
	s.keep(rc)
	if !s.breaker().Open {
		s.t.Fatal("the breaker did not open")
	}
}

func (s *stage) probe(m sms.Message, o sms.Outcome) {
	s.t.Helper()
	b := s.breaker()
	if b.ProbeAt.After(s.now) {
		s.now = b.ProbeAt
	}
	if m.NotBefore.After(s.now) {
		s.now = m.NotBefore
	}
	b, ok := s.rules.Probe(b, m, s.now)
	if !ok {
		s.t.Fatal("no probe is due")
	}
	s.change(func(sms.Breaker) sms.Breaker { return b })
	claim := s.rules.NewClaim("fake", s.now)
	claimed, err := s.store.Claim(s.t.Context(), m.Ref(), claim)
	if err != nil {
		s.t.Fatal(err)
	}
	s.record(claimed, claim.Token, o)
}

func delivered(providerMessageID string, at time.Time) sms.Receipt {
	return sms.Receipt{Provider: "fake", ProviderMessageID: providerMessageID, Number: number, At: at, Verdict: sms.VerdictDelivered, Evidence: sms.ByCarrier}
}

func (s *stage) deliver(providerMessageID string, at time.Time) {
	s.t.Helper()
	s.mustApply(delivered(providerMessageID, at))
}

func (s *stage) mustApply(rc sms.Receipt) {
	s.t.Helper()
	if got, err := s.receipts.Apply(s.t.Context(), rc); got != receipts.Applied || err != nil {
		s.t.Fatalf("Apply = %q, %v, want %q", got, err, receipts.Applied)
	}
}
