package sms

import (
	"errors"
	"log/slog"
	"strings"
)

// Number is a phone number in E.164 form: a plus sign and 7 to 15 ASCII digits. The first digit is not 0.
//
// String returns the whole number, for providers and stores. Redacted returns a form for
// people and logs. LogValue redacts a Number that slog gets directly, as a pointer or in
// a group. It does not redact a Number inside another struct, a slice or a map, because
// slog prints these with encoding/json or fmt. So log a number directly, and never a
// value that contains one.
type Number string

// These are the bounds of a Number, in digits. The upper bound is E.164's. E.164 has no
// lower bound, but the shortest mobile numbers have 7 digits (South Africa and some
// islands). A shorter number is a short code, which has no meaning outside its country.
const (
	minDigits = 7
	maxDigits = 15
)

// ErrNotE164 says that ParseNumber got something other than an E.164 number. It does not
// repeat the input, which may be private.
var ErrNotE164 = errors.New("not an E.164 number: a plus sign and 7 to 15 digits")

// ParseNumber parses a number in E.164 form. It checks only the form. Package phone reads
// the forms that people write, and checks whether a number can exist.
func ParseNumber(s string) (Number, error) {
	digits, ok := strings.CutPrefix(s, "+")
	if !ok || len(digits) < minDigits || len(digits) > maxDigits || digits[0] == '0' {
		return "", ErrNotE164
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return "", ErrNotE164
		}
	}
	return Number(s), nil
}

// Canonical returns the form of n that records, limits and receipts use, so that two
// forms of one mobile number are one recipient. Messages are handed over to this form.
//
//   - Argentina: a mobile number has a 9 after +54 in E.164, and providers want E.164.
//     People often leave the 9 out, as in +54 11 2345 6789. Landlines, which get no
//     messages, are written in the same way, so every number with an area code gets the 9.
//   - Mexico: until 2019, a mobile number had a 1 after +52. That form no longer exists.
func (n Number) Canonical() Number {
	const argentina, mexico, areaAndSubscriber = "+54", "+521", 10
	s := string(n)
	if digits, ok := strings.CutPrefix(s, argentina); ok && len(digits) == areaAndSubscriber && strings.IndexByte("123", digits[0]) >= 0 { // area codes begin with 1, 2 or 3
		return Number(argentina + "9" + digits)
	}
	if digits, ok := strings.CutPrefix(s, mexico); ok && len(digits) == areaAndSubscriber {
		return Number("+52" + digits)
	}
	return n
}

// String returns the whole number, which is private and must not be logged.
func (n Number) String() string { return string(n) }

// Redacted returns n with most of its digits replaced by stars: "+55*********99". This is
// enough to tell the numbers of a conversation apart, but too little to identify anyone.
// If fewer than six digits would be hidden, the last two digits are hidden too. Anything
// but an E.164 number becomes "***".
func (n Number) Redacted() string {
	const head, tail, hidden = 3, 2, 6
	s := string(n)
	if s == "" {
		return ""
	}
	if _, err := ParseNumber(s); err != nil {
		return "***"
	}
	if len(s) < head+hidden+tail {
		return s[:head] + strings.Repeat("*", len(s)-head)
	}
	return s[:head] + strings.Repeat("*", len(s)-head-tail) + s[len(s)-tail:]
}

// LogValue returns the redacted number for slog.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.Redacted()) }
