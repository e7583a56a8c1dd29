// Package phone parses phone numbers as people write them. It uses the numbering plans of
// Google's libphonenumber. Loading the plans takes several milliseconds at program start,
// so only packages that face clients import this package.
package phone

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// International is the Country of numbers that belong to no country, such as those of
// satellite phones. libphonenumber uses this code.
const International = "001"

// Rules are a deployment's choices about the numbers that it accepts.
type Rules struct {
	// DefaultCountry is the country of numbers that are written without a plus sign.
	// The function ValidCountry must return true for this code. If the field is empty, such numbers are
	// refused.
	DefaultCountry string
	// Strict refuses doubtful numbers.
	Strict bool
	// Fiction accepts the numbers that regulators reserve for films and books. No phone
	// has such a number, so set Fiction only if the provider is simulated.
	Fiction bool
}

// Parsed is a number and what the numbering plans say about it.
type Parsed struct {
	Number  sms.Number // in canonical form
	Country string     // ISO 3166-1 alpha-2, or International
	Type    Type       // Unknown if the number is doubtful
	// Doubtful says that no range of the numbering plans contains the number, although
	// mobile numbers in its country can have this length. The number may be in a new range,
	// or it may be mistyped.
	Doubtful bool
}

// Error says why messages cannot be sent to a number. It never contains the number.
type Error struct {
	// Reason tells the client what is wrong. It continues a sentence that begins with the
	// name of the field, for example "is too short for country code +55".
	Reason string
}

func (e *Error) Error() string { return "the phone number " + e.Reason }

// These reasons have no parameters.
var (
	errNoDefault  = &Error{"must begin with a plus sign and the country code, because no default country is configured"}
	errNoCountry  = &Error{"begins with a country code that does not exist"}
	errNotANumber = &Error{"is not a phone number"}
)

// Parse parses a phone number. The comment of Dialed describes the accepted forms. A
// number with a plus sign is international. A number without a plus sign is read as a
// national number of the default country.
//
// The numbering plans are built into this program and may be a year old. So Parse refuses
// only what can never be a number, and marks numbers in unknown ranges as doubtful. Every
// error is an *Error.
func (r Rules) Parse(raw string) (Parsed, error) {
	dialed, err := Dialed(raw)
	if err != nil {
		return Parsed{}, err
	}
	country := r.DefaultCountry
	if strings.HasPrefix(dialed, "+") {
		// With a default country, the library would retry an invalid country code without
		// its plus sign.
		country = ""
	} else if !ValidCountry(country) {
		return Parsed{}, errNoDefault
	}
	n, err := phonenumbers.Parse(dialed, country)
	if err != nil {
		return Parsed{}, reasonOfParser(err)
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	number := sms.Number(e164).Canonical()
	if string(number) != e164 {
		if n, err = phonenumbers.Parse(string(number), ""); err != nil {
			return Parsed{}, reasonOfParser(err)
		}
	}
	if _, err := sms.ParseNumber(string(number)); err != nil {
		return Parsed{}, reasonOfPlan(n, errNotANumber)
	}
	return r.check(n, number)
}

// check looks up the number n in the plans. The parameter `number` is n in canonical form.
func (r Rules) check(n *phonenumbers.PhoneNumber, number sms.Number) (Parsed, error) {
	if f, ok := fictional(number); ok && r.Fiction {
		return Parsed{Number: number, Country: f.country, Type: f.kind}, nil
	}
	unassigned := &Error{fmt.Sprintf("is in a range that is not assigned in country code +%d", n.GetCountryCode())}
	switch {
	case withdrawn.MatchString(string(number)):
		return Parsed{}, unassigned
	case phonenumbers.IsValidNumber(n):
		return Parsed{Number: number, Country: phonenumbers.GetRegionCodeForNumber(n), Type: typeOf(n)}, nil
	case !possible(n):
		return Parsed{}, reasonOfPlan(n, unassigned)
	case r.Strict:
		return Parsed{}, unassigned
	}
	return Parsed{Number: number, Country: probableCountry(n), Doubtful: true}, nil
}

// ValidCountry reports whether code is a country or territory with a numbering plan.
// Codes are those of ISO 3166-1 alpha-2 in capitals, and AC (Ascension), TA (Tristan da
// Cunha) and XK (Kosovo).
func ValidCountry(code string) bool { return phonenumbers.GetSupportedRegions()[code] }

func reasonOfParser(err error) *Error {
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return errNoCountry
	case errors.Is(err, phonenumbers.ErrNotANumber), // raw has only digits, so this means that it has fewer than three
		errors.Is(err, phonenumbers.ErrTooShortNSN),
		errors.Is(err, phonenumbers.ErrTooShortAfterIDD):
		return &Error{"is too short"}
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return &Error{"is too long"}
	default:
		return errNotANumber
	}
}

// reasonOfPlan returns what is wrong with the length of n in the numbering plan of its
// country. If nothing is wrong with the length, it returns the given fallback.
func reasonOfPlan(n *phonenumbers.PhoneNumber, fallback *Error) *Error {
	country := fmt.Sprintf("country code +%d", n.GetCountryCode())
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.TOO_SHORT:
		return &Error{"is too short for " + country}
	case phonenumbers.TOO_LONG:
		return &Error{"is too long for " + country}
	case phonenumbers.INVALID_LENGTH:
		return &Error{"has the wrong number of digits for " + country}
	case phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return &Error{"lacks the area code of " + country}
	default:
		return fallback
	}
}
