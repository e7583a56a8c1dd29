package smstest

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// ProviderUnderTest is a provider, together with what a test must know about the service
// that the provider calls.
type ProviderUnderTest struct {
	Provider sms.Provider
	// The provider takes a message if it is addressed to the number Good. It refuses a
	// message that is addressed to the number Refused.
	Good, Refused sms.Number
	// Lossy hands messages over to the same service. If a message is addressed to the
	// number LossyNumber, Lossy loses the answer after the message was taken.
	Lossy       sms.Provider
	LossyNumber sms.Number
	// Taken returns the messages that the service has taken, in any order. If tests share
	// the service, the result can include messages of other tests.
	Taken func(t *testing.T) []Taken
}

// Taken is a message in the form in which the service got it from a provider.
type Taken struct {
	ProviderMessageID string
	Number            sms.Number
	Text              string
}

// TestProvider checks that a provider keeps the contract of sms.Provider. Every subtest
// opens a new provider.
func TestProvider(t *testing.T, open func(t *testing.T) ProviderUnderTest) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, c ProviderUnderTest)
	}{
		{"its name may be used in records and configuration", providerHasName},
		{"a message that is taken gets an id and arrives unchanged", providerTakes},
		{"a message that is handed over twice is taken twice", providerTakesTwice},
		{"a refused number is refused for good, and no message is taken", providerRefuses},
		{"after the deadline nothing is handed over", providerAfterDeadline},
		{"a lost answer is not a refusal, and the message was handed over once", providerLosesAnswer},
		{"each of 64 concurrent hand-overs is taken once, with an id of its own", providerCrowd},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

func providerHasName(t *testing.T, c ProviderUnderTest) {
	if name := c.Provider.Name(); !providerName.MatchString(string(name)) || name != c.Lossy.Name() {
		t.Errorf("the provider's name is %q, want lower-case letters, digits and hyphens", name)
	}
}

var providerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

func providerTakes(t *testing.T, c ProviderUnderTest) {
	for _, text := range []string{
		"plain " + sms.NewToken(),
		"<tag attr=\"1\">&amp; {^}~[\\]| €£¥ + % = ; " + sms.NewToken(),
		"two\nlines \t" + sms.NewToken(),
		"日本語 кириллица 🙂👩‍👩‍👧 " + sms.NewToken(),
		strings.Repeat("0123456789", 150) + sms.NewToken(),
	} {
		id, err := c.Provider.HandOver(t.Context(), claimedMessage(c.Good, text))
		if err != nil {
			t.Fatalf("HandOver of %q: %v", text, err)
		}
		want := []Taken{{ProviderMessageID: id, Number: c.Good, Text: text}}
		if diff := cmp.Diff(want, c.taken(t, text)); diff != "" || id == "" {
			t.Errorf("the id is %q; the taken messages differ (-want +got):\n%s", id, diff)
		}
	}
}

func providerTakesTwice(t *testing.T, c ProviderUnderTest) {
	m := claimedMessage(c.Good, "twice "+sms.NewToken())
	var want []Taken
	for range 2 {
		id, err := c.Provider.HandOver(t.Context(), m)
		if err != nil {
			t.Fatalf("HandOver: %v", err)
		}
		want = append(want, Taken{ProviderMessageID: id, Number: m.Number, Text: m.Text})
	}
	if want[0].ProviderMessageID == want[1].ProviderMessageID {
		t.Errorf("both hand-overs got the id %q", want[0].ProviderMessageID)
	}
	if diff := cmp.Diff(want, c.taken(t, m.Text), inAnyOrder); diff != "" {
		t.Errorf("the taken messages differ (-want +got):\n%s", diff)
	}
}

func providerRefuses(t *testing.T, c ProviderUnderTest) {
	m := claimedMessage(c.Refused, "refused "+sms.NewToken())
	id, err := c.Provider.HandOver(t.Context(), m)
	refused, ok := errors.AsType[*sms.ProviderError](err)
	if !ok {
		t.Fatalf("HandOver = %q, %v, want a *sms.ProviderError", id, err)
	}
	if refused.Refusal != sms.RefusedForGood || refused.Failure != sms.NumberRefused {
		t.Errorf("refused %s with the failure %q, want refused %s with the failure %q",
			refused.Refusal, refused.Failure, sms.RefusedForGood, sms.NumberRefused)
	}
	if refused.Code == "" || refused.Detail == "" {
		t.Errorf("the code is %q and the detail %q, want both set for operators", refused.Code, refused.Detail)
	}
	if strings.Contains(err.Error(), m.Number.String()[1:]) {
		t.Errorf("the error shows the whole number: %v", err)
	}
	if got := c.taken(t, m.Text); id != "" || len(got) > 0 {
		t.Errorf("got the id %q and the taken messages %v, want neither", id, got)
	}
}

func providerAfterDeadline(t *testing.T, c ProviderUnderTest) {
	past := time.Now().Add(-time.Second)
	ended, cancel := context.WithDeadline(t.Context(), past)
	defer cancel()
	for name, ctx := range map[string]context.Context{"ended": ended, "stopped": Stopped{t.Context(), past}} {
		m := claimedMessage(c.Good, "late "+sms.NewToken())
		id, err := c.Provider.HandOver(ctx, m)
		if id != "" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: HandOver = %q, %v, want the error %v", name, id, err, context.DeadlineExceeded)
		}
		if got := c.taken(t, m.Text); len(got) > 0 {
			t.Errorf("%s: the provider took %v, want no message", name, got)
		}
	}
}

// Stopped is a context whose deadline, End, has passed although its timer has not fired
// yet. A process that stood still has such a context.
type Stopped struct {
	context.Context //nolint:containedctx // it is a context
	End             time.Time
}

// Deadline implements context.Context.
func (s Stopped) Deadline() (time.Time, bool) { return s.End, true }

func providerLosesAnswer(t *testing.T, c ProviderUnderTest) {
	m := claimedMessage(c.LossyNumber, "lost "+sms.NewToken())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	id, err := c.Lossy.HandOver(ctx, m)
	if _, refused := errors.AsType[*sms.ProviderError](err); err == nil || refused {
		t.Errorf("HandOver = %q, %v, want an error that is not a refusal", id, err)
	}
	if got := c.taken(t, m.Text); len(got) != 1 {
		t.Errorf("the provider took %v, want one message", got)
	}
}

func providerCrowd(t *testing.T, c ProviderUnderTest) {
	const callers = 64
	mark := " of the crowd " + sms.NewToken()
	want := make([]Taken, callers)
	var group sync.WaitGroup
	for i := range want {
		m := claimedMessage(c.Good, sms.NewToken()+mark)
		group.Go(func() {
			id, err := c.Provider.HandOver(t.Context(), m)
			if err != nil {
				t.Errorf("HandOver: %v", err)
			}
			want[i] = Taken{ProviderMessageID: id, Number: m.Number, Text: m.Text}
		})
	}
	group.Wait()
	if diff := cmp.Diff(want, c.taken(t, mark), inAnyOrder); diff != "" {
		t.Errorf("the taken messages differ (-want +got):\n%s", diff)
	}
	ids := make(map[string]bool)
	for _, taken := range want {
		ids[taken.ProviderMessageID] = true
	}
	if len(ids) != callers {
		t.Errorf("got %d different ids for %d messages", len(ids), callers)
	}
}

var inAnyOrder = cmpopts.SortSlices(func(a, b Taken) bool { return a.Text+a.ProviderMessageID < b.Text+b.ProviderMessageID })

func (c ProviderUnderTest) taken(t *testing.T, mark string) []Taken {
	t.Helper()
	var marked []Taken
	for _, one := range c.Taken(t) {
		if strings.Contains(one.Text, mark) {
			marked = append(marked, one)
		}
	}
	return marked
}

func claimedMessage(number sms.Number, text string) sms.Message {
	rules := sms.DefaultRules()
	now := time.Now()
	m := rules.Accept(sms.NewID(), sms.Draft{Owner: "owner", Client: "client", Request: sms.Request{Number: number, Text: text}}, now)
	m, err := rules.NewClaim("fake", now).Apply(m)
	if err != nil {
		panic("smstest: a new message cannot be claimed: " + err.Error())
	}
	return m
}
