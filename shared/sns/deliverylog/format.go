package deliverylog

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Format returns rc as a line of the log. It is the inverse of Parse for every
// receipt that Parse returns. The log has no fields for the cause of a failure and for
// the evidence: Parse finds both in the words of rc.Detail.
func Format(rc sms.Receipt) []byte {
	l := line{Status: failure}
	l.Notification.MessageID = rc.ProviderMessageID
	if !rc.At.IsZero() {
		l.Notification.Timestamp = rc.At.UTC().Format(timestamp)
	}
	l.Delivery.Destination = string(rc.Number)
	l.Delivery.ProviderResponse = rc.Detail
	l.Delivery.PriceInUSD = dollars(rc.Price)
	l.Delivery.Parts = rc.Parts
	if rc.Verdict == sms.VerdictDelivered {
		l.Status = success
	}
	text, err := json.Marshal(l)
	if err != nil {
		panic("deliverylog: encoding a line: " + err.Error()) // strings and numbers can always be encoded
	}
	return text
}

// dollars returns n as an exact decimal number, or "" if n is 0.
func dollars(n sms.NanoUSD) json.Number {
	const perDollar = 1_000_000_000
	if n <= 0 {
		return ""
	}
	decimal := fmt.Sprintf("%d.%09d", n/perDollar, n%perDollar)
	return json.Number(strings.TrimSuffix(strings.TrimRight(decimal, "0"), "."))
}
