package sms

import (
	"errors"
	"log/slog"
	"strings"
)

// Number is a phone number in E.164 form: a plus sign, then 7 to 15 ASCII
// digits of which the first is not 0.
//
// Its own string is the whole number, for the wire and the store. For people
// and logs there is Redacted. LogValue redacts by itself what is given to slog
// directly, as a pointer, or in a group; it cannot reach a Number inside
// another struct, a slice or a map, because slog's handlers print those with
// encoding/json or fmt. So log numbers, not what contains them.
type Number string

// The bounds of a Number, in digits. The upper one is E.164's. E.164 has no
// lower one; 7 is the shortest that mobile numbers reach (South Africa and some
// islands), and what is shorter is a short code, which means nothing outside
// its country.
const (
	minDigits = 7
	maxDigits = 15
)

// ErrNotE164 is what ParseNumber answers to anything but an E.164 number. It
// does not repeat its input, which may be private.
var ErrNotE164 = errors.New("not an E.164 number: a plus sign and 7 to 15 digits")

// ParseNumber reads a number that is in E.164 form already. It checks the form
// alone, not whether such a number can exist; package phone does that, and
// reads what people write.
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

// String is the whole number. It is private: not for logs.
func (n Number) String() string { return string(n) }

// Redacted shows enough to tell two numbers of a conversation apart, and too
// little to identify anyone: the plus sign, two digits, stars, the last two
// digits. The last two fall away where fewer than six would stay hidden. What
// is not an E.164 number shows nothing at all.
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

// LogValue is what slog prints: the redacted number.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.Redacted()) }
