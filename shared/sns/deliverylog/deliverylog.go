// Package deliverylog reads and writes the lines of SNS's delivery log, which are
// SNS's receipts. It does not link SNS's SDK, so that the function that reads
// receipts stays small.
package deliverylog

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Provider is the provider name of SNS.
const Provider sms.ProviderName = "sns"

// Latest is the longest time from a hand-over until SNS writes the line about it. Source:
// Amazon SNS Developer Guide, "Viewing Amazon CloudWatch metrics and logs for SMS
// deliveries".
const Latest = 72 * time.Hour

// line has those fields of a log line from which a receipt is made. Source: as above. In
// a line about a failure, only the destination and the provider's response are certain to
// be present.
type line struct {
	Notification struct {
		MessageID string `json:"messageId,omitempty"`
		Timestamp string `json:"timestamp,omitempty"`
	} `json:"notification"`
	Delivery struct {
		Destination      string      `json:"destination"`
		ProviderResponse string      `json:"providerResponse,omitempty"`
		PriceInUSD       json.Number `json:"priceInUSD,omitempty"`
		Parts            int         `json:"numberOfMessageParts,omitempty"`
	} `json:"delivery"`
	Status string `json:"status,omitempty"`
}

// The values of a line's status.
const (
	success = "SUCCESS"
	failure = "FAILURE"
)

// timestamp is the form of a line's time. The time is in UTC, although the line does not name a time zone.
const timestamp = "2006-01-02 15:04:05.000"

// cause is what a provider's response says about a failure. It has either the trouble
// with the whole account, or the reason why this message failed. If it has neither, the
// provider refused the message for now.
type cause struct {
	words   string
	trouble sms.Trouble
	failure sms.FailureCode
}

// causes lists the causes of failures, each with the lower-case words by which a
// response names it; the first match is used. The guide lists neither the first four
// causes nor the form "+12025550142 is opted out". "Rate exceeded." is a throttle that
// Publish did not report: too much is sent from one number.
var causes = []cause{
	{words: "no quota left for account", trouble: sms.SpendLimit},
	{words: "requires additional review", trouble: sms.AccountReview},
	{words: "rate exceeded"},
	{words: "sandboxed account", failure: sms.Sandboxed},
	{words: "opted out", failure: sms.OptedOut},
	{words: "blocked as spam", failure: sms.Spam},
	{words: "destination is on a blocked list", failure: sms.BlockedByCarrier},
	{words: "phone is on a blocked list", failure: sms.BlockedByCarrier},
	{words: "carrier has blocked", failure: sms.BlockedByCarrier},
	{words: "phone has blocked sms", failure: sms.BlockedByHandset},
	{words: "invalid phone number", failure: sms.NumberRefused},
	{words: "message body is invalid", failure: sms.ContentRefused},
	{words: "phone carrier is currently unreachable", failure: sms.CarrierFault},
	{words: "phone is currently unreachable", failure: sms.Unreachable},
	{words: "exceed max price", failure: sms.PriceExceeded},
	{words: "unknown error", failure: sms.CarrierFault},
}

// causeOf returns the cause that a response names. If the response names no cause,
// causeOf returns a fault of the carrier, and the result `known` is false.
func causeOf(response string) (c cause, known bool) {
	response = strings.ToLower(response)
	for _, c := range causes {
		if strings.Contains(response, c.words) {
			return c, true
		}
	}
	return cause{failure: sms.CarrierFault}, false
}

// evidenceOf returns who confirmed a delivery, according to a provider's response. It
// returns the handset for "Message has been accepted by phone" and for "Delivered". It
// returns the carrier for a response that mentions the carrier, such as "Message has been
// accepted by phone carrier", and also for unknown words. The field
// dwellTimeMsUntilDeviceAck proves nothing: SNS also writes this field if the phone
// confirmed nothing, and even in failures.
func evidenceOf(response string) sms.Evidence {
	response = strings.ToLower(response)
	switch {
	case strings.Contains(response, "carrier"): // guard: the longer of two phrases
		return sms.ByCarrier
	case strings.Contains(response, "accepted by phone"), strings.Contains(response, "delivered"):
		return sms.ByHandset
	}
	return sms.ByCarrier
}
