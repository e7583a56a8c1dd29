package api

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// maxNumberLength bounds the JSON number that Decimal looks at, in bytes.
const maxNumberLength = 40

// Time reads an RFC 3339 time with any offset. It comes back in UTC, cut to the
// millisecond. A leap second is refused, because no such instant is known to
// package time.
func (f *fields) Time(name string) (time.Time, bool) {
	s, ok := f.String(name)
	if !ok {
		return time.Time{}, false
	}
	t, ok := parseTime(s)
	switch {
	case ok && t.Year() < 1970:
		// Many languages write a time that was never set as one of the year 1.
		f.Fail(name, "lies before 1970: leave it out where there is none")
		return time.Time{}, false
	case !ok:
		f.Fail(name, "must be a time as in RFC 3339, like 2006-01-02T15:04:05Z or 2006-01-02T12:04:05-03:00")
	}
	return t, ok
}

// parseTime reads what RFC 3339 allows. time.Parse alone would also take hours
// of one digit, a comma before the fraction, and an offset of 24 hours
// (go.dev/issue/54580).
func parseTime(s string) (time.Time, bool) {
	const date, seconds = len("2006-01-02T"), len("2006-01-02T15:04:05")
	s = strings.ToUpper(s) // "t" and "z" are allowed
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

// Decimal reads a JSON number over 0 and up to limit that has at most the given
// number of decimals. It comes back as the exact decimal, never rounded to a
// binary fraction, in its shortest form: 0.5 for 0.50 and for 5e-1.
func (f *fields) Decimal(name string, decimals int, limit int64) (string, bool) {
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
		f.Fail(name, fmt.Sprintf("must be over 0 and up to %d, with at most %d decimals", limit, decimals))
	}
	return value, ok
}

// parseDecimal takes a JSON number. Long ones and large exponents it refuses
// unseen: written out they could fill the memory.
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
