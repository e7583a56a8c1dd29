package deliverylog

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// These are the limits of what a receipt copies from a line.
const (
	maxDetail = 300 // bytes
	maxParts  = 255 // GSM 03.40 cannot number more parts
)

// Parse reads one line of the log. It ignores unknown fields, and most fields may be
// missing. An error is final: trying again later does not help. The error does not repeat
// the line, which contains a phone number.
func Parse(text []byte) (sms.Receipt, error) {
	rc, err := parse(text)
	if err != nil {
		return sms.Receipt{}, fmt.Errorf("reading a line of the delivery log: %w", err)
	}
	return rc, nil
}

func parse(text []byte) (rc sms.Receipt, err error) {
	var l line
	if json.Unmarshal(text, &l) != nil {
		return rc, errors.New("the line is not JSON of the expected form")
	}
	rc = sms.Receipt{Provider: Provider, ProviderMessageID: l.Notification.MessageID, Detail: sms.Shorten(l.Delivery.ProviderResponse, maxDetail), Parts: l.Delivery.Parts}
	if rc.Number, err = sms.ParseNumber(l.Delivery.Destination); err != nil {
		return rc, fmt.Errorf("its destination is %w", err)
	}
	if rc.At, err = parseTimestamp(l.Notification.Timestamp); err != nil {
		return rc, err
	}
	if rc.Price, err = parsePrice(l.Delivery.PriceInUSD); err != nil {
		return rc, err
	}
	if len(rc.ProviderMessageID) > sms.MaxProviderMessageID {
		return rc, errors.New("its message id is too long")
	}
	if rc.Parts < 0 || rc.Parts > maxParts {
		return rc, errors.New("its number of parts is not possible")
	}
	return l.verdict(rc)
}

// verdict adds to rc what l says about the delivery.
func (l line) verdict(rc sms.Receipt) (sms.Receipt, error) {
	c, known := causeOf(rc.Detail)
	switch status := strings.ToUpper(l.Status); {
	case status == success:
		rc.Verdict, rc.Evidence = sms.VerdictDelivered, evidenceOf(rc.Detail)
	case status != failure && (status != "" || !known):
		return rc, errors.New("its status is neither SUCCESS nor FAILURE")
	case c.failure != "":
		rc.Verdict, rc.Failure = sms.VerdictUndelivered, c.failure
	default:
		rc.Verdict, rc.Trouble = sms.VerdictVoid, c.trouble
	}
	return rc, nil
}

// parseTimestamp reads the time of a line. For "" it returns the zero time.
func parseTimestamp(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateTime, time.RFC3339} { // both accept fractions of a second
		at, err := time.Parse(layout, s)
		if at = at.UTC(); err == nil && at.Year() >= 1970 && at.Year() <= 9999 { // Format cannot write other years
			return at.Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, errors.New("its timestamp is not a time")
}

// parsePrice reads an amount in dollars exactly, and rounds it to billionths.
func parsePrice(n json.Number) (sms.NanoUSD, error) {
	if n == "" {
		return 0, nil
	}
	impossible := errors.New("its price is impossible")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	if len(mantissa) > 40 || len(exponent) > 3 { // a number like 1e1000000000 would fill the memory with zeros
		return 0, impossible
	}
	dollars, ok := new(big.Rat).SetString(n.String())
	if !ok || dollars.Sign() < 0 {
		return 0, impossible
	}
	billionths, err := strconv.ParseInt(strings.Replace(dollars.FloatString(9), ".", "", 1), 10, 64)
	if err != nil {
		return 0, impossible
	}
	return sms.NanoUSD(billionths), nil
}
