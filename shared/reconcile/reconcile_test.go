package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/sms"
)

var now = time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)

const number sms.Number = "+12025550100"

func accepted(change func(*sms.Draft)) sms.Message {
	d := sms.Draft{Owner: "o", Client: "c", Request: sms.Request{Number: number, Text: "hi"}}
	if change != nil {
		change(&d)
	}
	return sms.DefaultRules().Accept(sms.NewID(), d, now)
}

func hold(d *sms.Draft) { d.OnUnknown = sms.Hold }

func handedOver(t *testing.T, m sms.Message, outcomes ...sms.Outcome) sms.Message {
	t.Helper()
	rules := sms.DefaultRules()
	at := m.UpdatedAt
	for _, o := range outcomes {
		at = at.Add(time.Hour)
		claim := rules.NewClaim("fake", at)
		m2, err := claim.Apply(m)
		if err != nil {
			t.Fatal(err)
		}
		m, _ = rules.Record(m2, claim.Token, o, at)
	}
	return m
}

func took(m sms.Message, ids ...string) (log []reconcile.HandOver) {
	for _, id := range ids {
		log = append(log, reconcile.HandOver{MessageID: m.ID, ProviderMessageID: id, Number: m.Number, Text: m.Text})
	}
	return log
}

// The first hand-over has a receipt with the given verdict, or no receipt if the verdict
// is "".
func handedOverTwice(t *testing.T, receipt sms.Verdict) sms.Message {
	t.Helper()
	rules := sms.DefaultRules()
	m := handedOver(t, accepted(hold), sms.Taken("c0"))
	m, changed := rules.ApplyReceipt(m, sms.Receipt{Provider: "fake", ProviderMessageID: "c0", Number: number, Verdict: sms.VerdictVoid}, now.Add(2*time.Hour))
	if !changed {
		t.Fatal("the receipt did not change the message")
	}
	m = handedOver(t, m, sms.Taken("c1"))
	m.HandOvers[0].Receipt = receipt
	return m
}

func handedOverLate(t *testing.T, late time.Duration) sms.Message {
	t.Helper()
	m := handedOver(t, accepted(nil), sms.Taken("c1"))
	m, _ = sms.DefaultRules().ApplyReceipt(m, sms.Receipt{
		Provider: "fake", ProviderMessageID: "c1", Number: number, Verdict: sms.VerdictDelivered, At: m.ExpiresAt.Add(late),
	}, now.Add(25*time.Hour))
	return m
}

func voidFirst(m sms.Message) []reconcile.HandOver {
	log := took(m, "c0", "c1")
	log[0].Void = true
	return log
}

func TestFindings(t *testing.T) {
	taken, none := sms.Taken("c1"), sms.Unanswered()
	for _, tt := range []struct {
		name string
		m    sms.Message
		log  func(m sms.Message) []reconcile.HandOver
		want string // "" if there are no findings
	}{
		{"sent once", handedOver(t, accepted(nil), taken), func(m sms.Message) []reconcile.HandOver { return took(m, "c1") }, ""},
		{"sent once; the log lacks its message id", handedOver(t, accepted(nil), taken), func(m sms.Message) []reconcile.HandOver {
			return []reconcile.HandOver{{ProviderMessageID: "c1", Number: m.Number, Text: m.Text}}
		}, ""},
		{"sent twice, as its events record", handedOver(t, accepted(nil), none, taken), func(m sms.Message) []reconcile.HandOver { return took(m, "c0", "c1") }, ""},
		{"waiting", accepted(nil), func(sms.Message) []reconcile.HandOver { return nil }, ""},
		{"sent twice, but its events record one hand-over", handedOver(t, accepted(nil), taken), func(m sms.Message) []reconcile.HandOver { return took(m, "c0", "c1") }, "its events record only 1"},
		{"held, but handed over twice", handedOver(t, accepted(hold), none), func(m sms.Message) []reconcile.HandOver { return took(m, "c0", "c1") }, "no receipt said that the hand-over c0 was void"},
		{"held, and handed over again after a void receipt", handedOverTwice(t, sms.VerdictVoid), voidFirst, ""},
		{"held, but handed over again after a void receipt that named no message", handedOverTwice(t, ""), voidFirst, "no receipt said that the hand-over c0 was void"},
		{"held, but handed over again although it was not void", handedOverTwice(t, sms.VerdictVoid), func(m sms.Message) []reconcile.HandOver { return took(m, "c0", "c1") }, "no receipt said that the hand-over c0 was void"},
		{"held, but handed over again, and only the second hand-over was void", handedOverTwice(t, ""), func(m sms.Message) []reconcile.HandOver {
			log := took(m, "c0", "c1")
			log[1].Void = true
			return log
		}, "no receipt said that the hand-over c0 was void"},
		{"held, but handed over again, and there is no log", handedOverTwice(t, ""), func(sms.Message) []reconcile.HandOver { return nil }, "no receipt said that its hand-over 1 was void"},
		{"held, and handed over again after a void receipt, and there is no log", handedOverTwice(t, sms.VerdictVoid), func(sms.Message) []reconcile.HandOver { return nil }, ""},
		{"handed over twice; the first hand-over was void", handedOver(t, accepted(nil), none, taken), func(m sms.Message) []reconcile.HandOver {
			log := took(m, "c0", "c1")
			log[0].Void = true
			return log
		}, ""},
		{"sent, but never taken", handedOver(t, accepted(nil), taken), func(sms.Message) []reconcile.HandOver { return []reconcile.HandOver{} }, "the provider never took it"},
		{"expired, but taken", func() sms.Message {
			m, _ := sms.DefaultRules().GiveUp(accepted(nil), now.Add(25*time.Hour))
			return m
		}(), func(m sms.Message) []reconcile.HandOver { return took(m, "c1") }, "expired, but the provider took it"},
		{"taken after it had expired", handedOver(t, accepted(nil), taken), func(m sms.Message) []reconcile.HandOver {
			log := took(m, "c1")
			log[0].At = m.ExpiresAt.Add(time.Second)
			return log
		}, "but it expired at"},
		{"taken in its last moment", handedOver(t, accepted(nil), taken), func(m sms.Message) []reconcile.HandOver {
			log := took(m, "c1")
			log[0].At = m.ExpiresAt
			return log
		}, ""},
		{"a receipt says that it was handed over after it had expired, and there is no log", handedOverLate(t, 6*time.Second), func(sms.Message) []reconcile.HandOver { return nil }, "a receipt says that it was handed over at"},
		{"a receipt with the time of a clock that is fast, and there is no log", handedOverLate(t, 5*time.Second), func(sms.Message) []reconcile.HandOver { return nil }, ""},
		{"waiting, but never due", func() sms.Message {
			m := accepted(nil)
			m.Due = sms.Due{}
			return m
		}(), func(sms.Message) []reconcile.HandOver { return nil }, "it is never due"},
		{"waiting long after its expiry", func() sms.Message {
			m := accepted(func(d *sms.Draft) { d.ExpiresAt = now.Add(-2 * time.Hour) })
			return m
		}(), func(sms.Message) []reconcile.HandOver { return nil }, "it expired at"},
		{"taken, but never accepted", accepted(nil), func(sms.Message) []reconcile.HandOver {
			return []reconcile.HandOver{{ProviderMessageID: "c9", Number: "+12025550199", Text: "other"}}
		}, "matches no accepted message"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := reconcile.New(tt.log(tt.m), now)
			l.Add(tt.m)
			err := l.Report().Err()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("found %v, want nothing", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("found %v, want %q", err, tt.want)
			}
		})
	}
}

// The message is handed over more often than its record shows.
func TestAHeldMessageMayHaveForgottenVoidHandOvers(t *testing.T) {
	rules, at := sms.DefaultRules(), now
	m := accepted(hold)
	m.ExpiresAt = now.Add(sms.MaxSchedule)
	var ids []string
	for i := range sms.MaxVoids + 2 {
		id := fmt.Sprint("c", i)
		ids, at = append(ids, id), at.Add(time.Hour)
		claim := rules.NewClaim("fake", at)
		claimed, err := claim.Apply(m)
		if err != nil {
			t.Fatal(err)
		}
		m, _ = rules.Record(claimed, claim.Token, sms.Taken(id), at)
		m, _ = rules.ApplyReceipt(m, sms.Receipt{Provider: "fake", ProviderMessageID: id, Number: number, Verdict: sms.VerdictVoid}, at)
	}
	log := took(m, ids...)
	for i := range log {
		log[i].Void, log[i].At = true, now.Add(time.Duration(i)*time.Hour)
	}
	l := reconcile.New(log, at)
	l.Add(m)
	if err := l.Report().Err(); err != nil {
		t.Errorf("found %v, want nothing", err)
	}
}

func TestSum(t *testing.T) {
	l := reconcile.New(nil, now)
	l.Add(accepted(nil))
	l.Add(handedOver(t, accepted(nil), sms.Taken("c1")))
	l.Add(handedOver(t, accepted(hold), sms.Unanswered()))
	l.Add(handedOver(t, accepted(nil), sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.OptedOut})))
	l.Add(handedOver(t, accepted(nil), sms.Unanswered(), sms.Taken("c2")))
	l.Add(handedOverTwice(t, sms.VerdictVoid))
	lost := accepted(nil)
	lost.ID, lost.Due = "lost", sms.Due{}
	l.Add(lost)
	var printed strings.Builder
	l.Report().Print(&printed)
	want := `accepted 7 = final 1 + sent 3 + unknown 1 + on the way 2
  queued       2
  sent         3
  unknown      1
  failed       1
hand-overs 5, of which 1 are repetitions (by the records, without a provider's log)
findings: 1
  lost: queued, but it is never due
`
	if diff := cmp.Diff(want, printed.String()); diff != "" {
		t.Errorf("the printed report differs (-want +got):\n%s", diff)
	}
}

func TestTheLogCountsHandOversIfThereIsOne(t *testing.T) {
	m := handedOver(t, accepted(nil), sms.Unanswered(), sms.Taken("c1"))
	l := reconcile.New(took(m, "c1"), now) // the first hand-over never arrived
	l.Add(m)
	if got := l.Report(); got.HandOvers != 1 || got.Doubles != 0 || !got.Logged {
		t.Errorf("%d hand-overs, %d repetitions, from a log: %t; want 1, 0, true", got.HandOvers, got.Doubles, got.Logged)
	}
}
