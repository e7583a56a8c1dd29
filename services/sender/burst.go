package sender

import (
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

const (
	// burstNumbers is how many numbers in a row a provider may refuse for good
	// until that is taken for its trouble with the account.
	burstNumbers = 10
	// burstLasts is how long what else comes back is of the same burst. By
	// then every sender knows the breaker, and only probes go out.
	burstLasts = 2 * sms.BreakerAge
)

// burst notices that a provider refuses numbers because it takes none at all, as
// SNS does in a Region or an account without SMS: each of its answers says that
// this one number is not valid. A sender process has one, which any number of
// deliveries may use at once. Once a number was taken it notices nothing more:
// then refusals are about numbers, and whoever sends to many bad ones must not
// stop everybody else.
type burst struct {
	mu      sync.Mutex
	taken   bool                // some number, ever
	refused map[sms.Number]bool // at most burstNumbers
	began   time.Time           // when they had become so many; zero: they have not
}

// judge is what the outcome o of a hand-over to number means at now. The first
// burstNumbers numbers of a burst cannot be told from bad ones and stay refused
// for good; those after them, like any probe of an open breaker, are not: the
// account is in trouble.
func (b *burst) judge(number sms.Number, o sms.Outcome, probe bool, now time.Time) sms.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case o.ProviderMessageID != "":
		b.taken = true
		return o
	case o.Refused == nil || o.Refused.Refusal != sms.RefusedForGood || o.Refused.Failure != sms.NumberRefused:
		return o
	case probe || (!b.taken && b.goesOn(number, now)):
		trouble := *o.Refused
		trouble.Refusal, trouble.Failure, trouble.Trouble = sms.AccountWide, "", sms.Authorization
		trouble.Detail = "no number is accepted, perhaps there is no SMS in this Region or account: " + o.Refused.Detail
		return sms.Refused(&trouble)
	}
	return o
}

// goesOn counts a number that was refused, and reports whether those before it
// were enough.
func (b *burst) goesOn(number sms.Number, now time.Time) bool {
	if !b.began.IsZero() && now.Sub(b.began) >= burstLasts {
		clear(b.refused)
		b.began = time.Time{}
	}
	if len(b.refused) < burstNumbers {
		if b.refused == nil {
			b.refused = make(map[sms.Number]bool, burstNumbers)
		}
		b.refused[number] = true
		return false
	}
	if b.refused[number] {
		return false // it is one of those that may be bad
	}
	if b.began.IsZero() {
		b.began = now
	}
	return true
}
