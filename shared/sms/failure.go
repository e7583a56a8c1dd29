package sms

import (
	"strconv"
)

// FailureCode is the value of failure.code in the API.
type FailureCode string

// These are the failure codes. Failures explains each of them.
const (
	NumberRefused    FailureCode = "number-refused"
	ContentRefused   FailureCode = "content-refused"
	RequestRefused   FailureCode = "request-refused"
	SenderNotAllowed FailureCode = "sender-not-allowed"
	OptedOut         FailureCode = "opted-out"
	Unreachable      FailureCode = "unreachable"
	BlockedByHandset FailureCode = "blocked-by-handset"
	BlockedByCarrier FailureCode = "blocked-by-carrier"
	Spam             FailureCode = "spam"
	PriceExceeded    FailureCode = "price-exceeded"
	CarrierFault     FailureCode = "carrier-fault"
	Sandboxed        FailureCode = "sandboxed"
	Throttled        FailureCode = "throttled"
	NoAnswer         FailureCode = "no-answer"
	ExpiryPassed     FailureCode = "expiry-passed" //nolint:gosec // no password
	AccountExhausted FailureCode = "account-exhausted"
)

// Failures is the catalogue of failures. It says what each code means and what the client
// can do. If a failure is permanent, the same message will fail again.
var Failures = []Failure{
	{NumberRefused, "The provider does not accept this phone number.", true, "Check the number with the recipient before sending again."},
	{ContentRefused, "The provider does not accept this text.", true, "Change the text and send a new message."},
	{RequestRefused, "The provider does not accept this combination of fields.", true, "Check senderId, originationNumber, entityId and templateId for the destination's country."},
	{SenderNotAllowed, "The provider does not allow this senderId or originationNumber.", true, "Leave the field out, or ask the operator of this service to register the sender with the provider."},
	{OptedOut, "The recipient has opted out of messages from this account.", true, "Do not send again until the recipient opts in."},
	{Unreachable, "The phone could not be reached before the provider gave up.", false, "Resend the message later."},
	{BlockedByHandset, "The phone has blocked messages.", true, "Ask the recipient to unblock them, or reach them another way."},
	{BlockedByCarrier, "The phone's carrier has blocked this message or destination.", true, "Ask the operator of this service to contact the provider."},
	{Spam, "The phone's carrier classified the message as spam.", true, "Change the text or register the sender, then send a new message."},
	{PriceExceeded, "The message would cost more than maxPriceUSD.", true, "Raise maxPriceUSD or leave it out."},
	{CarrierFault, "The carrier reported an internal error.", false, "Resend the message later."},
	{Sandboxed, "The provider keeps this account in a sandbox, from which it can send to verified numbers only.", true, "Ask the operator of this service to verify this number with the provider, or to get the account out of the sandbox. Then resend the message."},
	{Throttled, "The provider refused the message because it got too many at once, and its text was deleted before it could be sent again.", false, "Send a new message later."},
	{NoAnswer, "The message was handed over, but the provider did not answer. It may have been delivered.", false, "Resend it if receiving it twice is acceptable."},
	{ExpiryPassed, "The message expired before a provider took it.", false, "Resend it; the new message gets a new expiry."},
	{AccountExhausted, "The provider has stopped all messages of this account for now.", false, "Ask the operator of this service to resolve it, then resend the message."},
}

// Explain returns the catalogue's entry for code. For an unknown code, it returns the entry for CarrierFault.
func Explain(code FailureCode) *Failure {
	for _, f := range Failures {
		if f.Code == code {
			return &f
		}
	}
	return Explain(CarrierFault)
}

// NanoUSD is an amount in billionths of a US dollar.
type NanoUSD int64

const nanoPerUSD = 1_000_000_000

// String returns n in dollars, as a decimal number without trailing zeros.
func (n NanoUSD) String() string { return strconv.FormatFloat(float64(n)/nanoPerUSD, 'f', -1, 64) }
