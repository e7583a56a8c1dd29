package sms_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func open(t *testing.T, trouble sms.Trouble) sms.Breaker {
	t.Helper()
	b, changed := rules().ReportTrouble(sms.Breaker{}, trouble, "", time.Time{}, start)
	if !changed || !b.Open {
		t.Fatal("the breaker did not open")
	}
	return b
}

func TestBreakerOpensOnFreshTroubleOnly(t *testing.T) {
	closed := sms.Breaker{}.Close(start)
	for _, tc := range []struct {
		name string
		at   time.Time
		now  time.Time
		want bool
	}{
		{"trouble reported by a hand-over", time.Time{}, start.Add(time.Second), true},
		{"trouble in a receipt from after the last closing", start.Add(time.Minute), start.Add(2 * time.Minute), true},
		{"trouble in a receipt from before the last closing", start.Add(-time.Second), start.Add(time.Minute), false},
		{"trouble in a receipt that is more than 15 minutes old", start.Add(time.Minute), start.Add(17 * time.Minute), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if b, changed := rules().ReportTrouble(closed, sms.SpendLimit, "", tc.at, tc.now); changed != tc.want || b.Open != tc.want {
				t.Errorf("changed: %v, open: %v; want %v", changed, b.Open, tc.want)
			}
		})
	}
	if _, changed := rules().ReportTrouble(open(t, sms.AccountReview), sms.SpendLimit, "", time.Time{}, start); changed {
		t.Error("trouble changed a breaker that was already open")
	}
}

func TestBreakerIsClosedByWhatProvesTheTroubleOver(t *testing.T) {
	for _, tc := range []struct {
		trouble          sms.Trouble
		taken, delivered bool
		want             bool
	}{
		{sms.SpendLimit, true, false, false},
		{sms.SpendLimit, true, true, true},
		{sms.AccountReview, true, false, false},
		{sms.Authorization, true, false, true},
	} {
		b, ok := rules().Probe(open(t, tc.trouble), sms.Message{ID: "probe"}, start.Add(time.Hour))
		if !ok {
			t.Fatal("no probe was due")
		}
		if got := b.Proves("probe", start, tc.taken, tc.delivered); got != tc.want {
			t.Errorf("trouble %s, probe taken: %v, delivered: %v: Proves = %v, want %v", tc.trouble, tc.taken, tc.delivered, got, tc.want)
		}
		if b.Proves("another", start, true, true) {
			t.Errorf("%s: Proves is true for a message that was not a probe", tc.trouble)
		}
		if b.Proves("probe", start.Add(-time.Millisecond), true, true) {
			t.Errorf("%s: Proves is true for a hand-over from before the opening", tc.trouble)
		}
	}
	if (sms.Breaker{}).Pause("", start).Proves("probe", start, true, true) {
		t.Error("a delivery ended a pause")
	}
}

func TestBreakerCountsProbesWhoseReceiptsAreLate(t *testing.T) {
	b, now := open(t, sms.SpendLimit), start
	if _, ok := rules().Probe(b, sms.Message{ID: "early"}, now); ok {
		t.Error("a probe may begin at once")
	}
	for probes := 0; now.Before(start.Add(24 * time.Hour)); now = now.Add(time.Minute) {
		next, ok := rules().Probe(b, sms.Message{ID: "probe"}, now)
		if !ok {
			continue
		}
		if probes++; probes == 1 {
			next, _ = rules().Probe(b, sms.Message{ID: "first"}, now)
		}
		b = next
	}
	if b.Probes < 90 || !b.Proves("first", start, true, true) {
		t.Errorf("after a day and %d probes, the receipt of the first probe no longer proves that the trouble is over", b.Probes)
	}
	for range 1000 {
		now = b.ProbeAt
		b, _ = rules().Probe(b, sms.Message{ID: "probe"}, now)
	}
	if len(b.ProbeIDs) > 300 {
		t.Errorf("the breaker remembers %d probes, which is too many", len(b.ProbeIDs))
	}
}

func TestTheNextProbeThatABreakerDoesNotKnowOf(t *testing.T) {
	const seen = time.Hour // the delay before the breaker is read
	opened := func(ago time.Duration) sms.Breaker {
		b, _ := rules().ReportTrouble(sms.Breaker{}, sms.SpendLimit, "", time.Time{}, start.Add(seen-ago))
		return b
	}
	probed := func(b sms.Breaker) sms.Breaker {
		b, ok := rules().Probe(b, sms.Message{ID: "probe"}, start.Add(seen))
		if !ok {
			t.Fatal("no probe was due")
		}
		return b
	}
	unprobed, _ := probed(opened(time.Minute)).GiveBack(sms.Message{ID: "probe"}, false, start.Add(seen-time.Second))
	hasty := rules()
	hasty.FirstProbe = 2 * time.Second
	for _, tc := range []struct {
		name  string
		rules sms.Rules
		b     sms.Breaker
		want  time.Duration // the time from reading the breaker to the next probe
	}{
		{"closed: it is read again before a probe begins", rules(), sms.Breaker{}, sms.BreakerAge},
		{"closed: it may open at once, with a first probe soon after", hasty, sms.Breaker{}, time.Second},
		{"paused: it is read again before it closes and opens", rules(), sms.Breaker{}.Pause("", start), sms.BreakerAge},
		{"just opened: it is read again before its first probe", rules(), opened(0), sms.BreakerAge},
		{"open: its first probe begins at ProbeAt", rules(), opened(58 * time.Second), 2 * time.Second},
		{"open for long: its first probe may have begun", rules(), opened(2 * time.Minute), -time.Minute},
		{"after its first probe: another may begin at any moment", rules(), probed(opened(time.Minute)), -sms.Skew},
		{"its first probe was given back: the next is due", rules(), unprobed, -time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.rules.NextProbe(tc.b, start.Add(seen)).Sub(start.Add(seen)); got != tc.want {
				t.Errorf("the next probe begins %v after the breaker is read, want %v", got, tc.want)
			}
		})
	}
}

func TestOneNumberUnderReviewOpensTheBreakerOnceADay(t *testing.T) {
	review := sms.Receipt{Number: numbered(1), Verdict: sms.VerdictVoid, Trouble: sms.AccountReview}
	opened, _ := rules().ReportVoid(sms.Breaker{}, review, start)
	now := start.Add(time.Hour)
	closed := opened.Close(now)
	for _, tc := range []struct {
		name    string
		number  sms.Number
		trouble sms.Trouble
		after   time.Duration
		want    bool
	}{
		{"the same number", numbered(1), sms.AccountReview, time.Minute, false},
		{"another number", numbered(3), sms.AccountReview, time.Minute, true},
		{"the same number, for another trouble", numbered(1), sms.SpendLimit, time.Minute, true},
		{"the same number, a day later", numbered(1), sms.AccountReview, 25 * time.Hour, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rc := sms.Receipt{Number: tc.number, Verdict: sms.VerdictVoid, Trouble: tc.trouble, At: now.Add(tc.after)}
			if b, changed := rules().ReportVoid(closed, rc, rc.At); b.Open != tc.want || changed != tc.want {
				t.Errorf("open: %v, changed: %v, want both %v", b.Open, changed, tc.want)
			}
		})
	}
}

func TestAMessageWithManyVoidHandOversStaysSmallAndWaitsLonger(t *testing.T) {
	r, now := rules(), start
	m := r.Accept(sms.NewID(), sms.Draft{Owner: "o", Client: "c", Request: sms.Request{Number: numbered(1), Text: "x", ExpiresAt: now.Add(365 * 24 * time.Hour)}}, now)
	var wait time.Duration
	for n := range 100 {
		id := fmt.Sprint(n)
		c := r.NewClaim("fake", now)
		m, _ = c.Apply(m)
		m, _ = r.Record(m, c.Token, sms.Taken(id), now)
		m, _ = r.ApplyReceipt(m, sms.Receipt{Provider: "fake", ProviderMessageID: id, Number: m.Number, Verdict: sms.VerdictVoid, Trouble: sms.AccountReview}, now)
		if m.Status != sms.Queued || m.ProviderMessageID() != id {
			t.Fatalf("after %d hand-overs, the message is %s and its newest provider message id is %s", n+1, m.Status, m.ProviderMessageID())
		}
		wait = m.NotBefore.Sub(now)
		now = m.NotBefore
	}
	if len(m.HandOvers) > 20 || wait < 5*time.Minute {
		t.Errorf("the message has %d hand-overs and waits %v, want at most 20 and at least 5 minutes", len(m.HandOvers), wait)
	}
}
