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

// ProviderUnderTest is a provider, together with what its test knows about the
// service behind it.
type ProviderUnderTest struct {
	Provider sms.Provider
	// The provider takes messages to the number Good, and always refuses
	// messages to Refused.
	Good, Refused sms.Number
	// Lossy is a provider with the same service behind it, but the answer to
	// each hand-over to LossyNumber is lost after the message was taken.
	Lossy       sms.Provider
	LossyNumber sms.Number
	// Taken returns the messages that the service has taken so far, in any order. If
	// tests share the service, it may return messages of other tests too.
	Taken func(t *testing.T) []Taken
}

// Taken is a message as the service behind a provider received it.
type Taken struct {
	ProviderMessageID string
	Number            sms.Number
	Text              string
}

// TestProvider checks that the provider that open returns keeps the contract of
// sms.Provider. It calls open in every subtest.
func TestProvider(t *testing.T, open func(t *testing.T) ProviderUnderTest) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, c ProviderUnderTest)
	}{
		{"its name is fit for records and configuration", providerHasName},
		{"a message that is taken gets an id and arrives as it was written", providerTakes},
		{"the same message handed over twice is two messages", providerTakesTwice},
		{"a refused number is refused for good and nothing is taken", providerRefuses},
		{"after the deadline nothing is handed over", providerAfterDeadline},
		{"a lost answer is not a refusal, and the message was handed over once", providerLosesAnswer},
		{"64 hand-overs at once are taken once each, with ids of their own", providerCrowd},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

func providerHasName(t *testing.T, c ProviderUnderTest) {
	if name := c.Provider.Name(); !providerName.MatchString(string(name)) || name != c.Lossy.Name() {
		t.Errorf("the provider's name is %q", name)
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
		id, err := c.Provider.HandOver(t.Context(), handed(c.Good, text))
		if err != nil {
			t.Fatalf("HandOver of %q: %v", text, err)
		}
		want := []Taken{{ProviderMessageID: id, Number: c.Good, Text: text}}
		if diff := cmp.Diff(want, c.taken(t, text)); diff != "" || id == "" {
			t.Errorf("id %q; taken messages (-want +got):\n%s", id, diff)
		}
	}
}

func providerTakesTwice(t *testing.T, c ProviderUnderTest) {
	m := handed(c.Good, "twice "+sms.NewToken())
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
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

func providerRefuses(t *testing.T, c ProviderUnderTest) {
	m := handed(c.Refused, "refused "+sms.NewToken())
	id, err := c.Provider.HandOver(t.Context(), m)
	refused, ok := errors.AsType[*sms.ProviderError](err)
	if !ok {
		t.Fatalf("HandOver = %q, %v, want a *sms.ProviderError", id, err)
	}
	if refused.Refusal != sms.RefusedForGood || refused.Failure != sms.NumberRefused {
		t.Errorf("refused %s with the failure %q, want %s with %q",
			refused.Refusal, refused.Failure, sms.RefusedForGood, sms.NumberRefused)
	}
	if refused.Code == "" || refused.Detail == "" {
		t.Errorf("code %q and detail %q, want both filled in for operators", refused.Code, refused.Detail)
	}
	if strings.Contains(err.Error(), m.Number.String()[1:]) {
		t.Errorf("the error shows the whole number: %v", err)
	}
	if got := c.taken(t, m.Text); id != "" || len(got) > 0 {
		t.Errorf("got id %q and taken messages %v, want neither", id, got)
	}
}

func providerAfterDeadline(t *testing.T, c ProviderUnderTest) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	m := handed(c.Good, "late "+sms.NewToken())
	id, err := c.Provider.HandOver(ctx, m)
	if id != "" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("HandOver = %q, %v, want an error that is %v", id, err, context.DeadlineExceeded)
	}
	if got := c.taken(t, m.Text); len(got) > 0 {
		t.Errorf("the provider took %v, want nothing", got)
	}
}

func providerLosesAnswer(t *testing.T, c ProviderUnderTest) {
	m := handed(c.LossyNumber, "lost "+sms.NewToken())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	id, err := c.Lossy.HandOver(ctx, m)
	if _, refused := errors.AsType[*sms.ProviderError](err); err == nil || refused {
		t.Errorf("HandOver = %q, %v, want an error that is not a refusal", id, err)
	}
	if got := c.taken(t, m.Text); len(got) != 1 {
		t.Errorf("the provider took %v, want the message once", got)
	}
}

func providerCrowd(t *testing.T, c ProviderUnderTest) {
	const callers = 64
	mark := " of the crowd " + sms.NewToken()
	want := make([]Taken, callers)
	var group sync.WaitGroup
	for i := range want {
		m := handed(c.Good, sms.NewToken()+mark)
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
		t.Errorf("taken (-want +got):\n%s", diff)
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

// taken returns the messages that the service took and whose text contains
// mark.
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

// handed returns a message as a provider gets it in the first hand-over.
func handed(number sms.Number, text string) sms.Message {
	rules := sms.DefaultRules()
	now := time.Now()
	m := rules.Accept(sms.NewID(), sms.Draft{Owner: "owner", Client: "client", Request: sms.Request{Number: number, Text: text}}, now)
	m, err := rules.NewClaim("fake", now).Apply(m)
	if err != nil {
		panic("smstest: a fresh message cannot be claimed: " + err.Error())
	}
	return m
}
