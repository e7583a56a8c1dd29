package strictjson

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// maxNumberLength is the maximum length, in bytes, of a JSON number that Decimal reads.
const maxNumberLength = 40

// Time reads an RFC 3339 time with any offset. It returns the time in UTC, truncated to
// milliseconds. It refuses leap seconds, which package time does not have.
func (f *Fields) Time(name string) (time.Time, bool) {
	s, ok := f.String(name)
	if !ok {
		return time.Time{}, false
	}
	t, ok := ParseTime(s)
	switch {
	case ok && t.Year() < 1970:
		// Many languages write an unset time as a date in the year 1.
		f.Fail(name, "is before 1970; leave it out to set no time")
		return time.Time{}, false
	case !ok:
		f.Fail(name, "must be an RFC 3339 time like 2006-01-02T15:04:05Z or 2006-01-02T12:04:05-03:00")
	}
	return t, ok
}

// ParseTime parses an RFC 3339 time. time.Parse would also accept hours with one digit, a
// comma before the fraction, and offsets of 24 hours (go.dev/issue/54580).
func ParseTime(s string) (time.Time, bool) {
	const date, seconds = len("2006-01-02T"), len("2006-01-02T15:04:05")
	s = strings.ToUpper(s) // RFC 3339 allows "t" and "z"
	if len(s) <= seconds || s[date+len("15")] != ':' || s[seconds] == ',' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, false
	}
	if !strings.HasSuffix(s, "Z") {
		offset := s[len(s)-len("07:00"):]
		if offset[:2] > "23" || offset[3:] > "59" {
			return time.Time{}, false
		}
	}
	return t.UTC().Truncate(time.Millisecond), true
}

// Int reads a whole number between lowest and highest. It refuses a number with a
// fraction or an exponent.
func (f *Fields) Int(name string, lowest, highest int) (int, bool) {
	raw, ok := f.raw(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < lowest || n > highest {
		f.Fail(name, fmt.Sprintf("must be a whole number from %d to %d", lowest, highest))
		return 0, false
	}
	return n, true
}

// Decimal reads a JSON number that is greater than 0 and at most limit. The parameter
// decimals is the maximum number of digits after the decimal point. Decimal returns the
// exact value in its shortest form, for example 0.5 for 0.50 and for 5e-1. It never
// rounds the value to a binary fraction.
func (f *Fields) Decimal(name string, decimals int, limit int64) (string, bool) {
	raw, ok := f.raw(name)
	if !ok {
		return "", false
	}
	if c := raw[0]; c != '-' && (c < '0' || c > '9') {
		f.Fail(name, "must be a number")
		return "", false
	}
	value, ok := parseDecimal(string(raw), decimals, limit)
	if !ok {
		f.Fail(name, fmt.Sprintf("must be greater than 0 and at most %d, with at most %d decimals", limit, decimals))
	}
	return value, ok
}

// parseDecimal parses a JSON number. It refuses long numbers and large exponents, and
// does not expand them, because expanding them could use up the memory.
func parseDecimal(number string, decimals int, limit int64) (string, bool) {
	if len(number) > maxNumberLength {
		return "", false
	}
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		exponent, err := strconv.Atoi(number[i+1:])
		if err != nil || exponent < -maxNumberLength || exponent > maxNumberLength {
			return "", false
		}
	}
	value, ok := new(big.Rat).SetString(number)
	if !ok || value.Sign() <= 0 || value.Cmp(big.NewRat(limit, 1)) > 0 {
		return "", false
	}
	if places, exact := value.FloatPrec(); !exact || places > decimals {
		return "", false
	}
	s := value.FloatString(decimals)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s, true
}
