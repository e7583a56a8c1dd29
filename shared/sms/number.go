package sms

import (
	"errors"
	"log/slog"
	"strings"
)

// Number is a phone number in E.164 form: a plus sign and 7 to 15 ASCII digits, of which
// the first is not 0.
//
// String returns the whole number, for providers and stores. Redacted returns a form for
// people and logs. LogValue redacts a Number that slog gets directly, as a pointer or in
// a group. It does not redact a Number inside another struct, a slice or a map, because
// slog prints these with encoding/json or fmt. So log a number directly, and never a
// value that contains one.
type Number string

// These are the bounds of a Number, in digits. The upper bound is E.164's. E.164 has no
// lower bound, but the shortest mobile numbers have 7 digits (South Africa and some
// islands). Anything shorter is a short code, which has no meaning outside its country.
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
