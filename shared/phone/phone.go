// Package phone reads phone numbers as people write them, with the numbering
// plans of Google's libphonenumber. Loading these costs about 8 ms at the start
// of a program, so only what faces clients should import it.
package phone

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// maxInput bounds what Parse looks at, in bytes: 15 digits with a separator
// after each, and some to spare.
const maxInput = 40

// International is the Country of numbers that belong to no country, such as
// those of satellite phones.
const International = "001"

// Parsed is a number of a range that is in use, and where it belongs.
type Parsed struct {
	Number      sms.Number
	Country     string // ISO 3166-1 alpha-2, or International
	CallingCode int    // 55 for Brazil; several countries may share one
}

// Error says why something is not a number that a message can go to. It never
// repeats the number.
type Error struct {
	// Reason is for the client: what is wrong, to be read after the name of
	// the field, as in "is too short for country code +55".
	Reason string
}

func (e *Error) Error() string { return "the phone number " + e.Reason }

// The reasons that need nothing filled in.
var (
	errEmpty      = &Error{"is empty"}
	errTooLong    = &Error{fmt.Sprintf("is longer than %d bytes", maxInput)}
	errCharacters = &Error{"may hold only digits 0 to 9, spaces, hyphens, dots, parentheses, and one plus sign before them all; no letters and no extension"}
	errNoDigits   = &Error{"has no digits"}
	errNoDefault  = &Error{"must begin with a plus sign and the country code, because no default country is configured"}
	errNoCountry  = &Error{"begins with a country code that does not exist"}
	errNotANumber = &Error{"is not a phone number"}
)

// Parse reads raw, which may have spaces, hyphens, dots and parentheses in it.
// With a plus sign it is an international number. Without one it is dialled in
// defaultCountry (ISO 3166-1 alpha-2, as ValidCountry has it), and refused where
// that is empty.
//
// A number is taken only if its range is in use by the numbering plans that
// this program was built with; a length that fits is not enough, because most
// mistyped numbers have one. Every error is an *Error.
func Parse(raw, defaultCountry string) (Parsed, error) {
	dialled, err := strip(raw)
	if err != nil {
		return Parsed{}, err
	}
	if strings.HasPrefix(dialled, "+") {
		// Else the library would try a wrong country code again without its
		// plus sign.
		defaultCountry = ""
	} else if !ValidCountry(defaultCountry) {
		return Parsed{}, errNoDefault
	}

	n, err := phonenumbers.Parse(dialled, defaultCountry)
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
	return Parsed{
		Number:      number,
		Country:     phonenumbers.GetRegionCodeForNumber(n),
		CallingCode: int(n.GetCountryCode()),
	}, nil
}

// ValidCountry tells whether code is a country or territory with a numbering
// plan: ISO 3166-1 alpha-2 in capitals, and of the codes that ISO reserves AC
// (Ascension), TA (Tristan da Cunha) and XK (Kosovo).
func ValidCountry(code string) bool { return phonenumbers.GetSupportedRegions()[code] }

// strip leaves the digits, and the plus sign before them. The library would
// also read letters, extensions, other scripts' digits, and numbers in the
// midst of other text.
func strip(raw string) (string, error) {
	if strings.Trim(raw, " ") == "" {
		return "", errEmpty
	}
	if len(raw) > maxInput {
		return "", errTooLong
	}
	var dialled strings.Builder
	for _, c := range []byte(raw) {
		switch {
		case '0' <= c && c <= '9', c == '+' && dialled.Len() == 0:
			dialled.WriteByte(c)
		case strings.IndexByte(" -.()", c) < 0:
			return "", errCharacters
		}
	}
	if s := dialled.String(); s != "" && s != "+" {
		return s, nil
	}
	return "", errNoDigits
}

func reasonOfParser(err error) *Error {
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return errNoCountry
	case errors.Is(err, phonenumbers.ErrNotANumber), // of digits alone: fewer than three
		errors.Is(err, phonenumbers.ErrTooShortNSN),
		errors.Is(err, phonenumbers.ErrTooShortAfterIDD):
		return &Error{"is too short"}
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return &Error{"is too long"}
	default:
		return errNotANumber
	}
}

// reasonOfPlan tells what the numbering plan of its country says against n.
func reasonOfPlan(n *phonenumbers.PhoneNumber) *Error {
	country := fmt.Sprintf("country code +%d", n.GetCountryCode())
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.TOO_SHORT:
		return &Error{"is too short for " + country}
	case phonenumbers.TOO_LONG:
		return &Error{"is too long for " + country}
	case phonenumbers.INVALID_LENGTH:
		return &Error{"has a number of digits that does not exist in " + country}
	case phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return &Error{"lacks the area code of " + country}
	default:
		return &Error{"is in a range that is not in use in " + country}
	}
}
