package sms

import (
	"cmp"
	"context"
	"fmt"
	"time"
	"unicode/utf8"
)

// Order is what an operator tells the breaker to do.
type Order struct {
	Word   string // OrderPause or OrderResume
	Detail string // why, for other operators: at most MaxOrderDetail characters
}

// The words of orders. A pause holds until it is resumed, whatever receipts
// say; resuming closes the breaker whatever it was open for.
const (
	OrderPause  = "pause"
	OrderResume = "resume"
)

// MaxOrderDetail bounds Order.Detail, in characters.
const MaxOrderDetail = 300

// Operate carries o out and returns the breaker as it is then. It is durable
// then, and senders know within BreakerAge. An order that was carried out before
// changes nothing, nor does one that is refused with an *InvalidError. After any
// other error it may have been carried out: it may be given again.
func Operate(ctx context.Context, store Breakers, o Order, now time.Time) (Breaker, error) {
	switch {
	case o.Word != OrderPause && o.Word != OrderResume:
		return Breaker{}, &InvalidError{Field: "operator", Reason: fmt.Sprintf("must be %s or %s", OrderPause, OrderResume)}
	case utf8.RuneCountInString(o.Detail) > MaxOrderDetail:
		return Breaker{}, &InvalidError{Field: "detail", Reason: fmt.Sprintf("must have at most %d characters", MaxOrderDetail)}
	}
	b, err := ChangeBreaker(ctx, store, func(b Breaker) (Breaker, bool) { return b.obey(o, now) })
	if err != nil {
		return Breaker{}, fmt.Errorf("carrying out the order to %s: %w", o.Word, err)
	}
	return b, nil
}

// obey is b after o. A pause that is repeated has lasted since its beginning.
func (b Breaker) obey(o Order, now time.Time) (after Breaker, changed bool) {
	switch {
	case o.Word == OrderResume:
		return b.Close(now), b.Open
	case b.Open && b.Trouble == Paused:
		after = b
		after.Detail = cmp.Or(o.Detail, b.Detail)
		return after, after.Detail != b.Detail
	}
	return b.Pause(o.Detail, now), true
}
