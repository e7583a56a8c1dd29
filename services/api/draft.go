package api

import (
	"cmp"
	"errors"
	"regexp"
	"time"

	"github.com/smsqueue/smsqueue/shared/phone"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/strictjson"
)

// These constants limit the field maxPriceUSD of a message. Providers give prices with
// five decimals.
const (
	priceDecimals = 5
	maxPrice      = 100 // US dollars
)

// numberForm matches a phone number in any notation that the API accepts.
var numberForm = regexp.MustCompile(`^[-0-9 .()+]{1,40}$`)

// readDraft reads the fields of a message, and adds errors to f. It makes all checks that
// depend neither on the time nor on the deployment.
func readDraft(f *strictjson.Fields) sms.Draft {
	text := func(name string) string {
		value, ok := f.String(name)
		if ok && value == "" {
			f.Fail(name, "must not be empty; leave it out")
		}
		return value
	}
	f.Require("phoneNumber", "message")
	var d sms.Draft
	var written bool
	if d.NumberAsWritten, written = f.String("phoneNumber"); written && !numberForm.MatchString(d.NumberAsWritten) {
		f.Fail("phoneNumber", "must have 1 to 40 characters: digits, spaces, hyphens, dots, parentheses and plus signs")
	}
	d.Text, _ = f.String("message")
	d.Reference = text("reference")
	kind, _ := f.Choice("type", string(sms.Transactional), string(sms.Promotional))
	d.Type = sms.Type(kind)
	d.SenderID = text("senderId")
	d.OriginationNumber = text("originationNumber")
	d.SendAt, _ = f.Time("sendAt")
	d.ExpiresAt, _ = f.Time("expiresAt")
	d.MaxPriceUSD, _ = f.Decimal("maxPriceUSD", priceDecimals, maxPrice)
	onUnknown, _ := f.Choice("onUnknown", string(sms.Resend), string(sms.Hold))
	d.OnUnknown = sms.OnUnknown(onUnknown)
	d.EntityID = text("entityId")
	d.TemplateID = text("templateId")
	f.Unknown()

	d.Request = d.Fill()
	failAll(f, d.Check())
	return d
}

// readNumber parses the phone number of d. It returns an error if something is wrong with
// the number.
func (a *api) readNumber(d sms.Draft) (phone.Parsed, *sms.InvalidError) {
	parsed, err := phone.Parse(cmp.Or(d.NumberAsWritten, string(d.Number)), a.DefaultCountry)
	if err == nil {
		return parsed, nil
	}
	reason := "is not a phone number"
	if known, ok := errors.AsType[*phone.Error](err); ok {
		reason = known.Reason
	}
	return phone.Parsed{}, &sms.InvalidError{Field: "phoneNumber", Reason: reason}
}

// checkCountry returns an error unless l allows country.
func checkCountry(l Limits, country string) *sms.InvalidError {
	if allows(l.AllowedCountries, country) {
		return nil
	}
	return &sms.InvalidError{Field: "phoneNumber", Reason: "is in a country that this deployment does not send to"}
}

// checkHere sets d.Number and makes all checks that depend on the time, the deployment or
// the client's limits. A draft that fails here may have been valid at another time or in
// another deployment.
func (a *api) checkHere(d *sms.Draft, l Limits, now time.Time) []sms.InvalidError {
	var invalid []sms.InvalidError
	parsed, wrong := a.readNumber(*d)
	if wrong == nil {
		d.Number = parsed.Number
		wrong = checkCountry(l, parsed.Country)
	}
	if wrong != nil {
		invalid = append(invalid, *wrong)
	}
	return append(invalid, d.CheckTimes(now)...)
}

func failAll(f *strictjson.Fields, invalid []sms.InvalidError) {
	for _, e := range invalid {
		f.Fail(e.Field, e.Reason)
	}
}
