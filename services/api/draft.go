package api

import (
	"errors"
	"slices"
	"time"

	"github.com/smsqueue/smsqueue/shared/phone"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// The bounds of maxPriceUSD. SNS states prices with five decimals.
const (
	priceDecimals = 5
	maxPrice      = 100 // US dollars
)

// readDraft reads the fields of a message to send and checks what does not
// depend on the time or on the deployment. What is wrong it adds to f.
func readDraft(f *fields) sms.Draft {
	text := func(name string) string {
		value, ok := f.String(name)
		if ok && value == "" {
			f.Fail(name, "must not be empty; leave it out")
		}
		return value
	}
	f.Require("phoneNumber", "message")
	var d sms.Draft
	d.PhoneNumber, _ = f.String("phoneNumber")
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

	d = d.Fill()
	f.failAll(d.Check())
	return d
}

// readNumber sets d's number, and adds to f what is wrong with it in this
// deployment.
func (a *api) readNumber(f *fields, d *sms.Draft) {
	parsed, err := phone.Parse(d.PhoneNumber, a.DefaultRegion)
	if err != nil {
		reason := "is not a phone number"
		if known, ok := errors.AsType[*phone.Error](err); ok {
			reason = known.Reason
		}
		f.Fail("phoneNumber", reason)
		return
	}
	if a.Regions[0] != AllRegions && !slices.Contains(a.Regions, parsed.Region) {
		f.Fail("phoneNumber", "belongs to a region that this deployment does not send to")
		return
	}
	d.Number = parsed.Number
}

// checkHere adds to f what is wrong with d now and in this deployment, though
// it may have been right before or elsewhere.
func (a *api) checkHere(f *fields, d *sms.Draft, now time.Time) {
	a.readNumber(f, d)
	f.failAll(d.CheckTimes(now))
}

func (f *fields) failAll(invalid []sms.InvalidError) {
	for _, e := range invalid {
		f.Fail(e.Field, e.Reason)
	}
}
