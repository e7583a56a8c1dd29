package sms

import (
	"cmp"
	"fmt"
	"time"
	"unicode/utf8"
)

// Order is an operator's command to pause or resume sending.
type Order struct {
	Word   string // OrderPause or OrderResume
	Detail string // the reason, for other operators: at most MaxOrderDetail characters
}

// These are the values of Order.Word. A pause lasts until an operator resumes sending, no
// matter what receipts say. Resuming closes the breaker, no matter what opened it.
const (
	OrderPause  = "pause"
	OrderResume = "resume"
)

// MaxOrderDetail is the maximum length of Order.Detail, in characters.
const MaxOrderDetail = 300

// Check returns an *InvalidError if o is not a valid order.
func (o Order) Check() error {
	switch {
	case o.Word != OrderPause && o.Word != OrderResume:
		return &InvalidError{Field: "operator", Reason: fmt.Sprintf("must be %s or %s", OrderPause, OrderResume)}
	case utf8.RuneCountInString(o.Detail) > MaxOrderDetail:
		return &InvalidError{Field: "detail", Reason: fmt.Sprintf("must have at most %d characters", MaxOrderDetail)}
	}
	return nil
}

// Obey returns b after the order o. If a pause is repeated, b keeps the time at which the
// first pause began.
func (b Breaker) Obey(o Order, now time.Time) (after Breaker, changed bool) {
	switch {
	case o.Word == OrderResume:
		return b.Close(now), b.Open
	case b.Open && b.Trouble == OperatorPause:
		after = b
		after.Detail = cmp.Or(o.Detail, b.Detail)
		return after, after.Detail != b.Detail
	}
	return b.Pause(o.Detail, now), true
}
