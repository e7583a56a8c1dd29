package api

import (
	"cmp"
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
	if d.NumberAsWritten, written = f.String("phoneNumber"); written {
		if _, err := phone.Dialed(d.NumberAsWritten); err != nil {
			f.Fail("phoneNumber", wrongNumber(err).Reason)
		}
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

// checkHere sets d.Number and makes all checks that depend on the time, the deployment or
// the client's limits. A draft that fails here may have been valid at another time or in
// another deployment.
func (a *api) checkHere(d *sms.Draft, l Limits, now time.Time) []sms.InvalidError {
	var invalid []sms.InvalidError
	parsed, wrong := a.readNumber(*d)
	if wrong == nil {
		d.Number = parsed.Number
		wrong = cmp.Or(checkCountry(l, parsed), a.checkType(parsed))
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
