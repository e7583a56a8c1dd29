package strictjson

import (
	"strconv"
	"testing"
	"time"
)

func TestFieldsTime(t *testing.T) {
	at := func(ms int) time.Time { return time.Date(2026, 1, 2, 3, 4, 5, ms*1e6, time.UTC) }
	for _, tt := range []struct {
		name, in string
		want     time.Time
	}{
		{"UTC", "2026-01-02T03:04:05Z", at(0)},
		{"milliseconds", "2026-01-02T03:04:05.678Z", at(678)},
		{"a tenth", "2026-01-02T03:04:05.6Z", at(600)},
		{"nanoseconds are cut", "2026-01-02T03:04:05.678999999Z", at(678)},
		{"any number of digits", "2026-01-02T03:04:05.67899999999999999999Z", at(678)},
		{"a negative offset", "2026-01-02T00:04:05-03:00", at(0)},
		{"a positive offset across midnight", "2026-01-02T08:34:05.001+05:30", at(1)},
		{"the largest offset", "2026-01-03T03:03:05+23:59", at(0)},
		{"an offset of zero", "2026-01-02T03:04:05+00:00", at(0)},
		{"an unknown offset", "2026-01-02T03:04:05-00:00", at(0)},
		{"small letters", "2026-01-02t03:04:05z", at(0)},
		{"a space in place of the T", "2026-01-02 03:04:05Z", at(0)},
		{"an offset without a colon", "2026-01-02T04:04:05.678000+0100", at(678)},
		{"an offset of zero without a colon", "2026-01-02T03:04:05+0000", at(0)},
		{"a space before the offset", "2026-01-01 22:34:05 -0430", at(0)},
		{"UTC in words", "2026-01-02 03:04:05 UTC", at(0)},
		{"a leap second", "2016-12-31T23:59:60Z", time.Date(2016, 12, 31, 23, 59, 59, 999e6, time.UTC)},
		{"a leap second with a fraction", "2015-06-30T23:59:60.123456Z", time.Date(2015, 6, 30, 23, 59, 59, 999e6, time.UTC)},
		{"a leap second with an offset", "2016-12-31T15:59:60-08:00", time.Date(2016, 12, 31, 23, 59, 59, 999e6, time.UTC)},
		{"a leap second on the next day", "2017-01-01T05:29:60+05:30", time.Date(2016, 12, 31, 23, 59, 59, 999e6, time.UTC)},
		{"a leap day", "2028-02-29T00:00:00Z", time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC)},
	} {
		t.Run("reads "+tt.name, func(t *testing.T) {
			f := decoded(t, `{"sendAt":"`+tt.in+`"}`)
			got, ok := f.Time("sendAt")
			if !ok || !got.Equal(tt.want) || got.Location() != time.UTC {
				t.Errorf("Time = %s, %t; want %s", got, ok, tt.want)
			}
			diffErrors(t, f)
		})
	}
	for _, tt := range []struct{ name, in string }{
		{"nothing", ""},
		{"words", "tomorrow"},
		{"a date alone", "2026-01-02"},
		{"no offset", "2026-01-02T03:04:05"},
		{"no seconds", "2026-01-02T03:04Z"},
		{"an hour of one digit", "2026-01-02T3:04:05Z"},
		{"an hour of one digit with a fraction", "2026-01-02T3:04:05.1Z"},
		{"a comma before the fraction", "2026-01-02T03:04:05,678Z"},
		{"a dot without a fraction", "2026-01-02T03:04:05.Z"},
		{"an offset of 24 hours", "2026-01-02T03:04:05+24:00"},
		{"an offset of 60 minutes", "2026-01-02T03:04:05+01:60"},
		{"an offset in hours", "2026-01-02T03:04:05+01"},
		{"an offset of 24 hours without a colon", "2026-01-02T03:04:05+2400"},
		{"an offset of three digits", "2026-01-02T03:04:05+100"},
		{"a plus sign that became a space", "2026-01-02T03:04:05 01:00"},
		{"two spaces before the offset", "2026-01-02 03:04:05  +0000"},
		{"Z after an offset", "2026-01-02T03:04:05+01:00Z"},
		{"the name of another zone", "2026-01-02T03:04:05 CET"},
		{"a line break after it", "2026-01-02T03:04:05Z\\n"},
		{"an offset with seconds", "2026-01-02T03:04:05+01:00:00"},
		{"hour 24", "2026-01-02T24:00:00Z"},
		{"a leap second within a month", "2016-12-30T23:59:60Z"},
		{"a leap second at noon", "2016-12-31T12:00:60Z"},
		{"a leap second of another offset's day", "2016-12-31T23:59:60-08:00"},
		{"a 62nd second", "2016-12-31T23:59:61Z"},
		{"a 60th minute", "2016-12-31T23:60:00Z"},
		{"a day that does not exist", "2026-02-29T00:00:00Z"},
		{"month 13", "2026-13-01T00:00:00Z"},
		{"a year of five digits", "12026-01-02T03:04:05Z"},
		{"a signed year", "-026-01-02T03:04:05Z"},
		{"a space after it", "2026-01-02T03:04:05Z "},
		{"digits that are not ASCII", "٢٠٢٦-01-02T03:04:05Z"},
	} {
		t.Run("refuses "+tt.name, func(t *testing.T) {
			f := decoded(t, `{"sendAt":"`+tt.in+`"}`)
			if got, ok := f.Time("sendAt"); ok || len(f.Errors()) != 1 {
				t.Errorf("Time = %s, %t, %v", got, ok, f.Errors())
			}
		})
	}
	t.Run("refuses a number", func(t *testing.T) {
		f := decoded(t, `{"sendAt":1767323045}`)
		f.Time("sendAt")
		diffErrors(t, f, FieldError{"sendAt", "must be a string"})
	})
}

func TestFieldsInt(t *testing.T) {
	for value, want := range map[string]int{`-1`: -1, `-0`: 0, `7`: 7, `100`: 100} {
		f := decoded(t, `{"a":`+value+`}`)
		if got, ok := f.Int("a", -1, 100); !ok || got != want {
			t.Errorf("%s: Int = %d, %t", value, got, ok)
		}
		diffErrors(t, f)
	}
	for _, value := range []string{`-2`, `101`, `1.5`, `1.0`, `1e1`, `1e30`, `99999999999999999999`, `"5"`, `true`, `[]`, `{}`} {
		f := decoded(t, `{"a":`+value+`}`)
		if got, ok := f.Int("a", -1, 100); ok {
			t.Errorf("%s: Int = %d", value, got)
		}
		diffErrors(t, f, FieldError{"a", "must be a whole number from -1 to 100"})
	}
}

func TestFieldsDecimal(t *testing.T) {
	for in, want := range map[string]string{
		"0.05": "0.05", "0.00645": "0.00645", "0.00001": "0.00001", "1": "1", "10": "10", "100": "100", "100.00000": "100",
		"0.50": "0.5", "1.0": "1", "0.500000000": "0.5", "5e-1": "0.5", "1e-05": "0.00001", "1E2": "100", "1.5e+1": "15",
		"0.1": "0.1", "99.99999": "99.99999",
		"0.30000000000000004": "0.3", "0.123456": "0.12346", "0.123454": "0.12345", "0.000005": "0.00001", "0.5000049999": "0.5",
		"99.999999": "100", "100.00000000000001": "100", "100.000004999": "100", "6.4500000000000002e-3": "0.00645",
	} {
		t.Run("reads "+in, func(t *testing.T) {
			f := decoded(t, `{"maxPriceUSD": `+in+` }`)
			if got, ok := f.Decimal("maxPriceUSD", 5, 100); got != want || !ok {
				t.Errorf("Decimal = %q, %t; want %q", got, ok, want)
			}
			diffErrors(t, f)
		})
	}
	const (
		bounds = "must be greater than 0 and at most 100, after rounding to 5 decimals"
		number = "must be a number"
	)
	for in, detail := range map[string]string{
		"0": bounds, "-0": bounds, "0.0": bounds, "0e5": bounds, "-1": bounds, "-0.05": bounds,
		"100.00001": bounds, "100.000005": bounds, "101": bounds, "1e3": bounds, "0.000001": bounds, "0.000004999": bounds, "1e-6": bounds,
		"1e999999999": bounds, "1e-999999999": bounds, "1e99999999999999999999": bounds, "0e999999999": bounds,
		"0.05000000000000000000000000000000000000000": bounds,
		`"0.05"`: number, `""`: number, "true": number, "[]": number, "{}": number,
		"null": "must not be null; leave it out",
	} {
		t.Run("refuses "+strconv.Quote(in), func(t *testing.T) {
			f := decoded(t, `{"maxPriceUSD":`+in+`}`)
			if got, ok := f.Decimal("maxPriceUSD", 5, 100); ok {
				t.Errorf("Decimal = %q", got)
			}
			diffErrors(t, f, FieldError{"maxPriceUSD", detail})
		})
	}
	t.Run("without decimals", func(t *testing.T) {
		if got, ok := decoded(t, `{"n":10.0}`).Decimal("n", 0, 10); got != "10" || !ok {
			t.Errorf("Decimal = %q, %t", got, ok)
		}
	})
}
