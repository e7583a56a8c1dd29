package sender_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

var badNumber = sms.ProviderError{
	Refusal: sms.RefusedForGood, Code: "InvalidParameter", Failure: sms.NumberRefused, Detail: "is not valid to publish to",
}

// to is a message to the nth of many numbers.
func to(n int) func(*sms.Draft) {
	return func(d *sms.Draft) {
		d.Number = sms.Number(fmt.Sprintf("+1202555%04d", n))
	}
}

// refuseNumbers delivers messages to the numbers from first until before end, one
// after another, to a provider that refuses them.
func (b *bench) refuseNumbers(t *testing.T, first, end int) (messages []sms.Message) {
	t.Helper()
	b.provider.answer = refuses(badNumber)
	for n := first; n < end; n++ {
		m := b.accept(t, to(n))
		b.deliver(t, m)
		messages = append(messages, m)
	}
	return messages
}

func (b *bench) breaker(t *testing.T) sms.Breaker {
	t.Helper()
	breaker, err := b.store.LoadBreaker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return breaker
}

func TestAProviderThatRefusesEveryNumberIsTroubleWithTheAccount(t *testing.T) {
	b := open(t)
	for _, m := range b.refuseNumbers(t, 0, 10) {
		b.expect(t, m, sms.Failed, 1, 10)
	}
	if breaker := b.breaker(t); breaker.Open {
		t.Fatalf("after ten the breaker is %+v", breaker)
	}
	eleventh := b.refuseNumbers(t, 10, 11)[0]
	b.expect(t, eleventh, sms.Queued, 0, 11)
	if breaker := b.breaker(t); !breaker.Open || breaker.Trouble != sms.Authorization {
		t.Fatalf("after eleven the breaker is %+v, want it open", breaker)
	}
	waiting := b.refuseNumbers(t, 11, 12)[0]
	b.expect(t, waiting, sms.Queued, 0, 11)

	// A probe that is refused so proves nothing, of its number neither, and in
	// a process of its own neither.
	for i, s := range []*sender.Sender{b.Sender, b.on(b.store)} {
		b.now = b.now.Add(15 * time.Minute)
		if err := s.Deliver(t.Context(), waiting.Ref()); err != nil {
			t.Fatal(err)
		}
		b.expect(t, waiting, sms.Queued, 0, 12+i)
	}

	b.provider.answer = takes
	b.now = b.now.Add(15 * time.Minute)
	b.deliver(t, waiting)
	b.expect(t, waiting, sms.Sent, 1, 14)
	if breaker := b.breaker(t); breaker.Open {
		t.Errorf("the breaker is %+v, want it closed", breaker)
	}
	for _, m := range b.refuseNumbers(t, 20, 30) {
		b.expect(t, m, sms.Failed, 1, 24)
	}
}

func TestRefusalsOfSomeNumbersFailTheirMessagesAlone(t *testing.T) {
	for _, tc := range []struct {
		name string
		last func(*testing.T, *bench) // after ten numbers were refused, the message that is refused next
	}{
		{"where one was taken between", func(t *testing.T, b *bench) {
			b.provider.answer = takes
			b.deliver(t, b.accept(t, to(100)))
			b.refuseNumbers(t, 10, 40)
		}},
		{"where it is the same number again", func(t *testing.T, b *bench) {
			for range 20 {
				b.refuseNumbers(t, 3, 4)
			}
		}},
		{"where the refusal is about something else", func(t *testing.T, b *bench) {
			b.provider.answer = refuses(sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.OptedOut})
			b.deliver(t, b.accept(t, to(10)))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := open(t)
			b.refuseNumbers(t, 0, 10)
			tc.last(t, b)
			if breaker := b.breaker(t); breaker.Open {
				t.Errorf("the breaker is %+v, want it closed", breaker)
			}
		})
	}
	t.Run("where a burst was over", func(t *testing.T) {
		b := open(t)
		b.refuseNumbers(t, 0, 11)
		if _, err := change.Operate(context.Background(), b.store, sms.Order{Word: sms.OrderResume}, b.now); err != nil {
			t.Fatal(err)
		}
		b.now = b.now.Add(2 * sms.BreakerAge)
		m := b.refuseNumbers(t, 30, 31)[0]
		b.expect(t, m, sms.Failed, 1, 12)
	})
}
