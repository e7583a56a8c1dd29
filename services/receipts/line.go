package receipts

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// ErrUnreadable says that something is not a line of SNS's delivery log. It will
// not become one by trying again.
var ErrUnreadable = errors.New("not a line of the delivery log")

// logLine is what a receipt takes from one text in SNS's delivery log.
// Source: Amazon SNS Developer Guide, "Viewing Amazon CloudWatch metrics and
// logs for SMS deliveries". Of budget and review failures only destination and
// providerResponse are sure to be there.
type logLine struct {
	Notification struct {
		MessageID string `json:"messageId"`
		Timestamp string `json:"timestamp"`
	} `json:"notification"`
	Delivery struct {
		Destination      string       `json:"destination"`
		ProviderResponse string       `json:"providerResponse"`
		PriceInUSD       json.Number  `json:"priceInUSD"`
		Parts            int          `json:"numberOfMessageParts"`
		DwellUntilAck    *json.Number `json:"dwellTimeMsUntilDeviceAck"`
	} `json:"delivery"`
	Status string `json:"status"`
}

// Bounds of what a receipt keeps of a line.
const (
	maxProviderMessageID = 100 // bytes; SNS's have 36
	maxDetail            = 300 // bytes
	maxParts             = 255 // GSM 03.40 cannot number more
)

// ParseLine reads one text of SNS's delivery log. Unknown fields are ignored and
// most may be missing; its error is ErrUnreadable and does not repeat the line,
// which holds a phone number.
func ParseLine(line []byte) (sms.Receipt, error) {
	var l logLine
	if err := json.Unmarshal(line, &l); err != nil {
		return sms.Receipt{}, fmt.Errorf("%w: it is not JSON of that form", ErrUnreadable)
	}
	number, err := sms.ParseNumber(l.Delivery.Destination)
	if err != nil {
		return sms.Receipt{}, fmt.Errorf("%w: its destination is %w", ErrUnreadable, err)
	}
	at, err := parseTimestamp(l.Notification.Timestamp)
	if err != nil {
		return sms.Receipt{}, err
	}
	price, err := parsePrice(l.Delivery.PriceInUSD)
	if err != nil {
		return sms.Receipt{}, err
	}
	if len(l.Notification.MessageID) > maxProviderMessageID {
		return sms.Receipt{}, fmt.Errorf("%w: its message id is too long", ErrUnreadable)
	}
	if l.Delivery.Parts < 0 || l.Delivery.Parts > maxParts {
		return sms.Receipt{}, fmt.Errorf("%w: its number of parts is impossible", ErrUnreadable)
	}
	rc := sms.Receipt{
		Provider: "sns", ProviderMessageID: l.Notification.MessageID, Number: number, At: at,
		Detail: shorten(l.Delivery.ProviderResponse), Price: price, Parts: l.Delivery.Parts,
	}
	return l.judge(rc)
}

// judge adds to rc what l says of the delivery.
func (l logLine) judge(rc sms.Receipt) (sms.Receipt, error) {
	failed, known := reason(l.Delivery.ProviderResponse)
	switch status := strings.ToUpper(l.Status); {
	case status == "SUCCESS":
		rc.Verdict, rc.Evidence = sms.VerdictDelivered, sms.ByCarrier
		if l.Delivery.DwellUntilAck != nil {
			rc.Evidence = sms.ByHandset
		}
	case status != "FAILURE" && (status != "" || !known):
		return sms.Receipt{}, fmt.Errorf("%w: its status is neither SUCCESS nor FAILURE", ErrUnreadable)
	case failed.trouble != "":
		rc.Verdict, rc.Trouble = sms.VerdictVoid, failed.trouble
	default:
		rc.Verdict, rc.Failure = sms.VerdictUndelivered, failed.failure
	}
	return rc, nil
}

// cause is what stands behind a provider's response: trouble of the whole
// account, or the failure of one message.
type cause struct {
	words   string
	trouble sms.Trouble
	failure sms.FailureCode
}

// causes are the provider responses by a part of their words, in lower case; the
// first that is found counts. The first two are not documented, nor is the long
// form of the third.
var causes = []cause{
	{words: "no quota left for account", trouble: sms.SpendLimit},
	{words: "requires additional review", trouble: sms.Review},
	{words: "opted out", failure: sms.OptedOut},
	{words: "blocked as spam", failure: sms.Spam},
	{words: "destination is on a blocked list", failure: sms.CarrierBlocked},
	{words: "phone is on a blocked list", failure: sms.CarrierBlocked},
	{words: "carrier has blocked", failure: sms.CarrierBlocked},
	{words: "phone has blocked sms", failure: sms.HandsetBlocked},
	{words: "invalid phone number", failure: sms.NumberRefused},
	{words: "message body is invalid", failure: sms.ContentRefused},
	{words: "phone carrier is currently unreachable", failure: sms.CarrierFault},
	{words: "phone is currently unreachable", failure: sms.Unreachable},
	{words: "exceed max price", failure: sms.PriceExceeded},
	{words: "unknown error", failure: sms.CarrierFault},
}

// reason finds the cause of a failure; what is not known is the provider's fault.
func reason(response string) (c cause, known bool) {
	response = strings.ToLower(response)
	for _, c := range causes {
		if strings.Contains(response, c.words) {
			return c, true
		}
	}
	return cause{failure: sms.CarrierFault}, false
}

// parseTimestamp reads the time of a line, which is UTC and names no zone; "" is
// the zero time.
func parseTimestamp(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateTime, time.RFC3339} { // fractions of a second need no word in a layout
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC().Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: its timestamp is no time", ErrUnreadable)
}

// parsePrice reads an amount in dollars without the error of a float; beyond
// billionths it rounds.
func parsePrice(n json.Number) (sms.NanoUSD, error) {
	if n == "" {
		return 0, nil
	}
	impossible := fmt.Errorf("%w: its price is impossible", ErrUnreadable)
	mantissa, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	if len(mantissa) > 40 || len(exponent) > 3 { // else it could fill the memory with zeros
		return 0, impossible
	}
	dollars, ok := new(big.Rat).SetString(n.String())
	if !ok || dollars.Sign() < 0 {
		return 0, impossible
	}
	nano := dollars.Mul(dollars, big.NewRat(1_000_000_000, 1))
	rounded := new(big.Int).Add(new(big.Int).Lsh(nano.Num(), 1), nano.Denom())
	rounded.Quo(rounded, new(big.Int).Lsh(nano.Denom(), 1))
	if !rounded.IsInt64() {
		return 0, impossible
	}
	return sms.NanoUSD(rounded.Int64()), nil
}

// shorten cuts s between two characters.
func shorten(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxDetail {
		return s
	}
	cut := maxDetail
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
