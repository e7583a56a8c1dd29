package strictjson

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxNumberLength is the maximum length, in bytes, of a JSON number that Decimal reads.
const maxNumberLength = 40

// Time reads a time with any offset, as [ParseTime] does. It returns the time in UTC,
// truncated to milliseconds.
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

// timeForm matches an RFC 3339 time, and what the clients of some languages make of it:
// Python writes the offset without a colon, and Ruby a space before it or UTC.
var timeForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)(?:[Zz]| ?UTC| ?([+-](?:[01]\d|2[0-3])):?([0-5]\d))$`)

// ParseTime parses a time with an offset, in the form that RFC 3339 or timeForm describes.
// A leap second, which package time does not have, becomes the last millisecond before
// it. It can only be the last second of a month.
func ParseTime(s string) (time.Time, bool) {
	part := timeForm.FindStringSubmatch(s)
	if part == nil {
		return time.Time{}, false
	}
	offset := "Z"
	if part[3] != "" {
		offset = part[3] + ":" + part[4]
	}
	clock, leap := part[2], false
	if minute, fraction, found := strings.Cut(clock, ":60"); found && len(minute) == len("15:04") {
		clock, leap = minute+":59.999", len(fraction) == 0 || fraction[0] == '.'
	}
	t, err := time.Parse(time.RFC3339, part[1]+"T"+clock+offset)
	if err != nil {
		return time.Time{}, false
	}
	t = t.UTC().Truncate(time.Millisecond)
	if next := t.Add(time.Millisecond); leap && (next.Day() != 1 || next.Hour() != 0 || next.Minute() != 0) {
		return time.Time{}, false
	}
	return t, true
}

// Int reads a whole number that is within the given limits, both included. It refuses a
// number with a fraction or an exponent.
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

// Decimal reads a JSON number and rounds it to the given number of decimals. The result
// must be greater than 0, and must not exceed the given limit. Decimal rounds because
// programs compute numbers like 0.30000000000000004. Decimal returns the value in its
// shortest form, for example 0.5 for 0.50 and for 5e-1. It never rounds the value to a
// binary fraction.
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
		f.Fail(name, fmt.Sprintf("must be greater than 0 and at most %d, after rounding to %d decimals", limit, decimals))
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
	if !ok {
		return "", false
	}
	s := value.FloatString(decimals)
	if value.SetString(s); value.Sign() <= 0 || value.Cmp(big.NewRat(limit, 1)) > 0 {
		return "", false
	}
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s, true
}
