package simulator

import (
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// pricePerPart is what a delivered part costs.
const pricePerPart dollars = 6_450_000

// line is the receipt of a hand-over that was taken, as SNS writes it into its
// delivery log: of a spent budget it tells little, and the time has no zone.
func line(e Entry, delay time.Duration) logLine {
	l := logLine{Status: "SUCCESS"}
	l.Notification.MessageID = e.ProviderMessageID
	l.Notification.Timestamp = e.At.UTC().Format("2006-01-02 15:04:05.000")
	l.Delivery.Destination = e.Number.String()
	if e.Fault == SpendLimit {
		l.Status = "FAILURE"
		l.Delivery.ProviderResponse = "No quota left for account"
		return l
	}
	parts := sms.Measure(e.Text).Parts
	l.Delivery.PhoneCarrier = "Simulated carrier"
	l.Delivery.MCC, l.Delivery.MNC = 1, 1 // the network that is set aside for tests
	l.Delivery.Parts = parts
	l.Delivery.Price = pricePerPart * dollars(parts)
	l.Delivery.Type = "Transactional"
	if e.Type == sms.Promotional {
		l.Delivery.Type = "Promotional"
	}
	l.Delivery.Dwell = delay.Milliseconds()
	if e.Fault == Unreachable {
		l.Status = "FAILURE"
		l.Delivery.ProviderResponse = "Phone is currently unreachable/unavailable"
		return l
	}
	l.Delivery.ProviderResponse = "Message has been accepted by phone carrier"
	l.Delivery.DwellUntilAck = max(1, delay.Milliseconds())
	return l
}

// logLine has the fields of one text in SNS's delivery log.
// Source: Amazon SNS Developer Guide, "Viewing Amazon CloudWatch metrics and
// logs for SMS deliveries".
type logLine struct {
	Notification struct {
		MessageID string `json:"messageId"`
		Timestamp string `json:"timestamp"`
	} `json:"notification"`
	Delivery struct {
		PhoneCarrier     string  `json:"phoneCarrier,omitempty"`
		MNC              int     `json:"mnc,omitempty"`
		MCC              int     `json:"mcc,omitempty"`
		Parts            int     `json:"numberOfMessageParts,omitempty"`
		Destination      string  `json:"destination"`
		Price            dollars `json:"priceInUSD,omitempty"`
		Type             string  `json:"smsType,omitempty"`
		ProviderResponse string  `json:"providerResponse"`
		Dwell            int64   `json:"dwellTimeMs,omitempty"`
		DwellUntilAck    int64   `json:"dwellTimeMsUntilDeviceAck,omitempty"`
	} `json:"delivery"`
	Status string `json:"status"`
}

// dollars is an amount that travels as a JSON number of dollars.
type dollars sms.NanoUSD

// MarshalJSON makes d a json.Marshaler.
func (d dollars) MarshalJSON() ([]byte, error) { return []byte(sms.NanoUSD(d).String()), nil }
