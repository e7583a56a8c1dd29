package simulator

import (
	"fmt"
	"slices"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Number is a phone number that produces a fault.
type Number struct {
	Number  sms.Number
	Name    string
	Happens string // a description of what happens to messages to the number
}

// These are the names of the Numbers, and of the faults in the log.
const (
	Refused       = "refused"
	OptedOut      = "opted-out"
	Unreachable   = "unreachable"
	Throttled     = "throttled"
	NoAnswer      = "no-answer"
	SpendLimit    = "spend-limit"
	EarlyReceipt  = "early-receipt"
	DoubleReceipt = "double-receipt"
	RateExceeded  = "rate-exceeded"
	Sandboxed     = "sandboxed"
)

// Throttles says how many times the simulator refuses a message to the number Throttled
// for now. The next hand-over of the message is taken.
const Throttles = 2

// Prefix is a country's counterpart of the prefix +120255501. Append the last two digits of an element of
// Numbers to get a number of that country that produces the same fault.
type Prefix struct{ Country, Digits string }

// Prefixes lists the prefixes. Nobody has a number with one of these prefixes, because the regulators of
// these countries reserve such numbers for fiction.
var Prefixes = []Prefix{
	{"US", "+120255501"},
	{"AU", "+612555001"},
	{"CA", "+141655501"},
	{"DE", "+4930231251"},
	{"FR", "+336399801"},
	{"GB", "+4477009001"},
	{"IE", "+3532091001"},
}

// Numbers lists the numbers that produce faults in the United States. Prefixes has the
// other countries.
var Numbers = []Number{
	{"+12025550101", Refused, "the provider refuses the number for good"},
	{"+12025550102", OptedOut, "the provider refuses it for good: the recipient has opted out"},
	{"+12025550103", Unreachable, "taken, then a receipt says that the phone could not be reached"},
	{"+12025550104", Throttled, fmt.Sprintf("the first %d hand-overs of a message are refused for now, the next is delivered", Throttles)},
	{"+12025550105", NoAnswer, "the first hand-over of a message is taken and gets no answer; its receipt follows"},
	{"+12025550106", SpendLimit, "the first hand-over of a message is taken, then a receipt says that the account's budget is spent: nothing was delivered. For some seconds nothing is sent to anybody. Then the message is handed over again and delivered"},
	{"+12025550107", EarlyReceipt, "delivered, and the receipt comes before the answer"},
	{"+12025550108", DoubleReceipt, "delivered, and the receipt comes twice"},
	{"+12025550109", RateExceeded, "the first hand-over of a message is taken, then a receipt says that the rate was exceeded: the message waits, and its next hand-over is delivered"},
	{"+12025550110", Sandboxed, "taken, then a receipt says that the account is in the sandbox and the number not verified"},
}

// includes reports whether number is n itself, or the number of another country that
// produces the same fault.
func (n Number) includes(number sms.Number) bool {
	ending := n.Number[len(n.Number)-2:]
	return slices.ContainsFunc(Prefixes, func(p Prefix) bool { return string(number) == p.Digits+string(ending) })
}

// fault returns what happens at the nth hand-over of a message to this number. For the
// first hand-over, nth is 1. The result "" means that the message is delivered.
func fault(number sms.Number, nth int) string {
	for _, n := range Numbers {
		if !n.includes(number) {
			continue
		}
		switch n.Name {
		case NoAnswer, SpendLimit, RateExceeded:
			if nth > 1 {
				return ""
			}
		case Throttled:
			if nth > Throttles {
				return ""
			}
		}
		return n.Name
	}
	if _, err := sms.ParseNumber(number.String()); err != nil {
		return Refused
	}
	return ""
}

// refusal returns the refusal that the given fault produces. It returns nil if the
// provider takes the message. The codes and words of the refusal are those of SNS, so
// that tests can let clients of SNS use the simulator.
func refusal(fault string) *sms.ProviderError {
	switch fault {
	case Refused:
		return &sms.ProviderError{
			Refusal: sms.RefusedForGood, Failure: sms.NumberRefused, PerhapsAccount: true,
			Code: "InvalidParameter", Detail: "Invalid parameter: PhoneNumber is not valid to publish to",
		}
	case OptedOut:
		return &sms.ProviderError{
			Refusal: sms.RefusedForGood, Failure: sms.OptedOut,
			Code: "OptedOut", Detail: "Phone number is opted out",
		}
	case Throttled:
		return &sms.ProviderError{Refusal: sms.RefusedForNow, Code: "Throttled", Detail: "Rate exceeded"}
	}
	return nil
}
