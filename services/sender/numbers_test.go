package sender_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// badNumber is the answer of SNS to a bad number. SNS gives the same answer to every
// number if the account is not allowed to send SMS.
var badNumber = sms.ProviderError{
	Refusal: sms.RefusedForGood, Code: "InvalidParameter", Failure: sms.NumberRefused, Detail: "is not valid to publish to", PerhapsAccount: true,
}

func toNumber(n int) func(*sms.Draft) {
	return func(d *sms.Draft) { d.Number = sms.Number(fmt.Sprintf("+1202555%04d", n)) }
}

func ofOwner(owner string, change func(*sms.Draft)) func(*sms.Draft) {
	return func(d *sms.Draft) {
		change(d)
		d.Owner = owner
	}
}

func (b *bench) refuseNumbers(t *testing.T, owner string, first, end int) (messages []sms.Message) {
	t.Helper()
	b.provider.answer = refuses(badNumber)
	for n := first; n < end; n++ {
		m := b.accept(t, ofOwner(owner, toNumber(n)))
		b.deliver(t, m)
		messages = append(messages, m)
	}
	return messages
}

func (b *bench) take(t *testing.T, n int) {
	t.Helper()
	b.provider.answer = takes
	m := b.accept(t, toNumber(n))
	b.deliver(t, m)
	if got := b.get(t, m).Status; got != sms.Sent {
		t.Fatalf("the message is %s, want sent", got)
	}
}

func (b *bench) breaker(t *testing.T) sms.Breaker {
	t.Helper()
	breaker, err := b.store.LoadBreaker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return breaker
}

func (b *bench) isOpen(t *testing.T, want bool) {
	t.Helper()
	if breaker := b.breaker(t); breaker.Open != want || (want && breaker.Trouble != sms.Authorization) {
		t.Errorf("the breaker is %+v, want open: %v", breaker, want)
	}
}

func (b *bench) severalOwners() *bench {
	b.rules.SeveralOwners = true
	return b.restart()
}

func (b *bench) restart() *bench {
	b.Sender = b.newSender(b.store)
	return b
}

func TestAProviderThatRefusesEveryNumberIsTroubleWithTheAccount(t *testing.T) {
	b := open(t)
	b.refuseNumbers(t, "owner", 0, 9)
	b.isOpen(t, false)
	b.refuseNumbers(t, "owner", 9, 10)
	b.isOpen(t, true)
	waiting := b.refuseNumbers(t, "owner", 10, 11)[0]
	b.expect(t, waiting, sms.Queued, 0, 10)

	// The provider refuses the probe in the same way as the other messages, so the probe
	// proves nothing about the account.
	b.now = b.now.Add(time.Minute)
	b.deliver(t, waiting)
	b.expect(t, waiting, sms.Failed, 1, 11)
	b.isOpen(t, true)

	b.provider.answer = takes
	b.now = b.now.Add(15 * time.Minute)
	last := b.accept(t, toNumber(30))
	b.deliver(t, last)
	b.expect(t, last, sms.Sent, 1, 12)
	b.isOpen(t, false)
	for _, m := range b.refuseNumbers(t, "owner", 40, 60) {
		b.expect(t, m, sms.Failed, 1, 32)
	}
	b.isOpen(t, false)
}

func TestRefusedNumbersFailTheirMessagesAlone(t *testing.T) {
	for _, tc := range []struct {
		name string
		play func(*testing.T, *bench)
	}{
		{"if a number was taken before", func(t *testing.T, b *bench) {
			b.take(t, 100)
			b.refuseNumbers(t, "owner", 0, 40)
		}},
		{"if a number was taken between them", func(t *testing.T, b *bench) {
			b.refuseNumbers(t, "owner", 0, 9)
			b.take(t, 100)
			b.refuseNumbers(t, "owner", 9, 40)
		}},
		{"if another process took a number", func(t *testing.T, b *bench) {
			b.take(t, 100)
			b.restart().refuseNumbers(t, "owner", 0, 40)
		}},
		{"if it is always the same number", func(t *testing.T, b *bench) {
			for range 20 {
				b.refuseNumbers(t, "owner", 3, 4)
			}
		}},
		{"if one refusal is for another reason", func(t *testing.T, b *bench) {
			b.refuseNumbers(t, "owner", 0, 9)
			b.provider.answer = refuses(sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.OptedOut})
			b.deliver(t, b.accept(t, toNumber(10)))
		}},
		{"if the refusals are spread over more than five minutes", func(t *testing.T, b *bench) {
			for n := range 40 {
				b.refuseNumbers(t, "owner", n, n+1)
				b.now = b.now.Add(34 * time.Second)
			}
		}},
		{"if all belong to one of several owners", func(t *testing.T, b *bench) {
			b.severalOwners()
			b.refuseNumbers(t, "owner", 0, 100)
			b.restart().refuseNumbers(t, "owner", 100, 200)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := open(t)
			tc.play(t, b)
			b.isOpen(t, false)
		})
	}
}

func TestRefusedNumbersOfTwoOwnersOpenTheBreaker(t *testing.T) {
	for _, tc := range []struct {
		name string
		play func(*testing.T, *bench)
	}{
		{"ten numbers of each owner", func(t *testing.T, b *bench) {
			b.refuseNumbers(t, "one", 0, 10)
			b.refuseNumbers(t, "other", 10, 20)
		}},
		{"of both owners in turn, each in a new process", func(t *testing.T, b *bench) {
			for n := range 10 {
				b.restart().refuseNumbers(t, fmt.Sprint("owner ", n%2), n, n+1)
			}
		}},
		{"even if a number was taken long before", func(t *testing.T, b *bench) {
			b.take(t, 100)
			b.now = b.now.Add(6 * time.Minute)
			b.refuseNumbers(t, "one", 0, 5)
			b.refuseNumbers(t, "other", 5, 10)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := open(t).severalOwners()
			tc.play(t, b)
			b.isOpen(t, true)
		})
	}
}

type countedBreakers struct {
	sender.Store
	loads, saves int
}

func (c *countedBreakers) LoadBreaker(ctx context.Context) (sms.Breaker, error) {
	c.loads++
	return c.Store.LoadBreaker(ctx)
}

func (c *countedBreakers) SaveBreaker(ctx context.Context, b sms.Breaker) error {
	c.saves++
	return c.Store.SaveBreaker(ctx, b)
}

func TestWhatTheNotesAboutNumbersCost(t *testing.T) {
	for _, tc := range []struct {
		name   string
		owners bool
		answer func(context.Context, sms.Message) (string, error)
		loads  int // the maximum number of loads beyond one every 5 seconds
		saves  int
	}{
		{"one write a minute for numbers that are taken", false, takes, 10, 10},
		{"ten writes in 5 minutes for the bad numbers of one of several owners", true, refuses(badNumber), 20, 20},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := open(t)
			b.rules.SeveralOwners = tc.owners
			counted := &countedBreakers{Store: b.store}
			b.Sender = b.newSender(counted)
			b.provider.answer = tc.answer
			for n := range 600 { // 10 minutes
				b.deliver(t, b.accept(t, toNumber(n)))
				b.now = b.now.Add(time.Second)
			}
			// A save also tells the sender the state of the breaker, so the sender need not
			// load the breaker soon.
			if counted.saves != tc.saves || counted.loads > 120+tc.loads {
				t.Errorf("the breaker was loaded %d times and saved %d times, want at most %d and %d", counted.loads, counted.saves, 120+tc.loads, tc.saves)
			}
		})
	}
}

// openFor opens the breaker, and moves the clock to the time of the next probe.
func (b *bench) openFor(t *testing.T, trouble sms.Trouble) {
	t.Helper()
	opened, _ := b.rules.ReportTrouble(b.breaker(t), trouble, "", time.Time{}, b.now)
	if err := b.store.SaveBreaker(t.Context(), opened); err != nil {
		t.Fatal(err)
	}
	b.now = opened.ProbeAt
	b.restart()
}

func TestAProbeThatItsClientSpoiledIsGivenBack(t *testing.T) {
	for _, refusal := range []sms.ProviderError{
		badNumber,
		{Refusal: sms.RefusedForGood, Failure: sms.OptedOut},
		{Refusal: sms.RefusedForGood, Failure: sms.ContentRefused},
		{Refusal: sms.RefusedForGood, Failure: sms.SenderNotAllowed},
		{Refusal: sms.RefusedForGood, Failure: sms.PriceExceeded},
	} {
		for _, trouble := range []sms.Trouble{sms.Authorization, sms.SpendLimit} {
			t.Run(fmt.Sprintf("%s, %s", trouble, refusal.Failure), func(t *testing.T) {
				b := open(t).severalOwners()
				b.take(t, 100)
				b.openFor(t, trouble)
				b.provider.answer = refuses(refusal)
				spoiled, again := b.accept(t, ofOwner("bad", toNumber(0))), b.accept(t, ofOwner("bad", toNumber(1)))
				b.deliver(t, spoiled)
				b.expect(t, spoiled, sms.Failed, 1, 2)
				b.deliver(t, again) // the owner of this message is last in line
				b.expect(t, again, sms.Queued, 0, 2)

				b.provider.answer = takes
				good := b.accept(t, toNumber(100)) // the provider has taken a message to this number before
				b.deliver(t, good)
				b.expect(t, good, sms.Sent, 1, 3)
				if after := b.breaker(t); after.Open != (trouble == sms.SpendLimit) {
					t.Errorf("the breaker is %+v, want open only for the spend limit", after)
				}
			})
		}
	}
}

func TestAThousandBadNumbersDoNotStarveProbes(t *testing.T) {
	b := open(t).severalOwners()
	b.openFor(t, sms.Authorization)
	opened := b.now
	b.provider.answer = func(ctx context.Context, m sms.Message) (string, error) {
		if m.Owner == "bad" {
			return "", &badNumber
		}
		return takes(ctx, m)
	}
	good := b.accept(t, toNumber(0))
	for n := range 1000 { // each second, a new process gets a message of the bad owner
		b.restart().deliver(t, b.accept(t, ofOwner("bad", toNumber(n))))
		b.now = b.now.Add(time.Second)
		if n%60 == 59 {
			b.deliver(t, good) // the relay would enqueue this message once a minute
		}
		if !b.breaker(t).Open {
			break
		}
	}
	b.isOpen(t, false)
	b.expect(t, good, sms.Sent, 1, len(b.provider.given))
	if waited := b.now.Sub(opened); waited > 90*time.Second || len(b.provider.given) > 3 {
		t.Errorf("the breaker closed only after %v and %d hand-overs", waited, len(b.provider.given))
	}
}

func TestTheOnlyOwnerWithTrafficProbesInTheEnd(t *testing.T) {
	for _, several := range []bool{false, true} {
		t.Run(fmt.Sprint("several owners: ", several), func(t *testing.T) {
			b := open(t)
			b.rules.SeveralOwners = several
			b.openFor(t, sms.Authorization)
			opened := b.now
			b.provider.answer = refuses(badNumber)
			for n := range 600 { // 10 minutes
				b.deliver(t, b.accept(t, toNumber(n)))
				b.now = b.now.Add(time.Second)
			}
			if given := len(b.provider.given); given < 2 || given > 3 {
				t.Errorf("there were %d probes in 10 minutes, want 2 or 3, because each fails a message", given)
			}
			b.provider.answer = takes
			for n := 600; b.breaker(t).Open && b.now.Sub(opened) < time.Hour; n++ {
				b.deliver(t, b.accept(t, toNumber(n)))
				b.now = b.now.Add(time.Second)
			}
			b.isOpen(t, false)
		})
	}
}

func TestAProbeThatIsNotHandedOverIsGivenBack(t *testing.T) {
	for _, tc := range []struct {
		name  string
		store func(*bench) sender.Store
		want  error
	}{
		{"because the message was claimed too late", func(b *bench) sender.Store {
			return slowStore{b.store, func() { b.now = b.now.Add(b.rules.Lease) }}
		}, nil},
		{"because the message could not be claimed", func(b *bench) sender.Store {
			return brokenStore{Store: b.store, claim: sms.ErrUnavailable}
		}, sms.ErrUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := open(t)
			b.openFor(t, sms.Authorization)
			m := b.accept(t, nil)
			if err := b.newSender(tc.store(b)).Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: m.Parts}); !errors.Is(err, tc.want) {
				t.Fatalf("Deliver = %v, want %v", err, tc.want)
			}
			b.expect(t, m, sms.Queued, 0, 0)
			if after := b.breaker(t); after.Probes != 0 || after.ProbeAt.After(b.now) || len(after.LastInLine) > 0 {
				t.Errorf("the breaker is %+v, want a probe to be due", after)
			}
		})
	}
}

func TestAnOrderForgetsRefusedNumbers(t *testing.T) {
	b := open(t)
	b.refuseNumbers(t, "owner", 0, 9)
	for _, word := range []string{sms.OrderPause, sms.OrderResume} {
		if _, err := change.Operate(t.Context(), b.store, sms.Order{Word: word}, b.now); err != nil {
			t.Fatal(err)
		}
	}
	b.restart().refuseNumbers(t, "owner", 9, 18)
	b.isOpen(t, false)
}
