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

// maxInput is the maximum length of Parse's input in bytes. It has room for 15 digits, a
// separator after each digit, and a few more characters.
const maxInput = 40

// International is the Country of numbers that belong to no country, such as those of
// satellite phones. libphonenumber uses this code.
const International = "001"

// Parsed is a number in an assigned range, and its country.
type Parsed struct {
	Number  sms.Number
	Country string // ISO 3166-1 alpha-2, or International
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
	errEmpty      = &Error{"is empty"}
	errTooLong    = &Error{fmt.Sprintf("is longer than %d bytes", maxInput)}
	errCharacters = &Error{"may contain only digits 0 to 9, spaces, hyphens, dots, parentheses, and one plus sign at the beginning; no letters and no extension"}
	errNoDigits   = &Error{"has no digits"}
	errNoDefault  = &Error{"must begin with a plus sign and the country code, because no default country is configured"}
	errNoCountry  = &Error{"begins with a country code that does not exist"}
	errNotANumber = &Error{"is not a phone number"}
)

// Parse parses raw, which may contain spaces, hyphens, dots and parentheses. A number
// with a plus sign is international. A number without a plus sign is read as a national
// number of defaultCountry, for which ValidCountry must be true. If defaultCountry is
// empty, such a number is refused.
//
// The number's range must be assigned in the numbering plans built into this program. A
// plausible length is not enough, because most mistyped numbers have a plausible length.
// Every error is an *Error.
func Parse(raw, defaultCountry string) (Parsed, error) {
	dialed, err := strip(raw)
	if err != nil {
		return Parsed{}, err
	}
	if strings.HasPrefix(dialed, "+") {
		// With a default country, the library would retry an invalid country code without
		// its plus sign.
		defaultCountry = ""
	} else if !ValidCountry(defaultCountry) {
		return Parsed{}, errNoDefault
	}

	n, err := phonenumbers.Parse(dialed, defaultCountry)
	if err != nil {
		return Parsed{}, reasonOfParser(err)
	}
	if !phonenumbers.IsValidNumber(n) {
		return Parsed{}, reasonOfPlan(n)
	}
	number, err := sms.ParseNumber(phonenumbers.Format(n, phonenumbers.E164))
	if err != nil {
		return Parsed{}, errNotANumber
	}
	return Parsed{Number: number, Country: phonenumbers.GetRegionCodeForNumber(n)}, nil
}

// ValidCountry reports whether code is a country or territory with a numbering plan.
// Codes are those of ISO 3166-1 alpha-2 in capitals, and AC (Ascension), TA (Tristan da
// Cunha) and XK (Kosovo).
func ValidCountry(code string) bool { return phonenumbers.GetSupportedRegions()[code] }

// strip returns the digits, and the leading plus sign if raw has one. It is stricter than
// the library, which also reads letters, extensions, digits of other scripts, and numbers
// within other text.
func strip(raw string) (string, error) {
	if strings.Trim(raw, " ") == "" {
		return "", errEmpty
	}
	if len(raw) > maxInput {
		return "", errTooLong
	}
	var dialed strings.Builder
	for _, c := range []byte(raw) {
		switch {
		case '0' <= c && c <= '9', c == '+' && dialed.Len() == 0:
			dialed.WriteByte(c)
		case strings.IndexByte(" -.()", c) < 0:
			return "", errCharacters
		}
	}
	if s := dialed.String(); s != "" && s != "+" {
		return s, nil
	}
	return "", errNoDigits
}

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

// reasonOfPlan returns why n is invalid in the numbering plan of its country.
func reasonOfPlan(n *phonenumbers.PhoneNumber) *Error {
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
		return &Error{"is in a range that is not assigned in " + country}
	}
}
