package phone_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/phone"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestParseReads(t *testing.T) {
	brazil := phone.Parsed{Number: "+5511999999999", Country: "BR"}
	london := phone.Parsed{Number: "+442079460958", Country: "GB"}
	america := phone.Parsed{Number: "+12025550100", Country: "US"}
	for _, tt := range []struct {
		name, raw, country string
		want               phone.Parsed
	}{
		{"E.164", "+5511999999999", "", brazil},
		{"E.164, with another default country", "+5511999999999", "US", brazil},
		{"separators", "+55 (11) 99999-9999", "", brazil},
		{"dots and spaces around", " +55.11.99999.9999 ", "", brazil},
		{"a plus sign in parentheses", "(+55) 11 99999-9999", "", brazil},
		{"a national number", "(11) 99999-9999", "BR", brazil},
		{"a national number with its trunk prefix", "011 99999-9999", "BR", brazil},
		{"the country code without a plus sign", "5511999999999", "BR", brazil},
		{"an international prefix of the default country", "00 55 11 99999 9999", "PT", brazil},
		{"another one", "011 55 11 99999 9999", "US", brazil},
		{"a trunk prefix in parentheses", "+44 (0)20 7946 0958", "", london},
		{"a national number in Britain", "020 7946 0958", "GB", london},
		{"a national number in America", "202-555-0100", "US", america},
		{"a country that shares its code with another", "+1 416 555 0100", "", phone.Parsed{Number: "+14165550100", Country: "CA"}},
		{"an island that shares its code with a country", "+44 1534 712345", "", phone.Parsed{Number: "+441534712345", Country: "JE"}},
		{"a leading zero that belongs to the number", "06 1234 5678", "IT", phone.Parsed{Number: "+390612345678", Country: "IT"}},
		{"a satellite phone", "+882 16 1234567", "", phone.Parsed{Number: "+882161234567", Country: phone.International}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := phone.Parse(tt.raw, tt.country)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse(%q, %q) (-want +got):\n%s", tt.raw, tt.country, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const (
		characters = "may contain only digits"
		noDefault  = "must begin with a plus sign"
		noCountry  = "begins with a country code that does not exist"
	)
	for _, tt := range []struct{ name, raw, country, reason string }{
		{"nothing", "", "BR", "is empty"},
		{"spaces alone", "   ", "BR", "is empty"},
		{"punctuation alone", "(-)", "BR", "has no digits"},
		{"a plus sign alone", "+", "BR", "has no digits"},
		{"a national number without a default country", "11 99999-9999", "", noDefault},
		{"a national number with a default country that does not exist", "11 99999-9999", "ZZ", noDefault},
		{"a number over 40 bytes", strings.Repeat("1 ", 21), "BR", "is longer than 40 bytes"},

		{"a vanity number", "1-800-FLOWERS", "US", characters},
		{"an extension in words", "+1 202 555 0100 ext. 5", "", characters},
		{"an extension by x", "+1 202 555 0100x5", "", characters},
		{"an extension by RFC 3966", "+12025550100;ext=5", "", characters},
		{"a tel URI", "tel:+12025550100", "", characters},
		{"two numbers", "+12025550100/+12025550101", "", characters},
		{"text around", "call +12025550100", "", characters},
		{"a plus sign in the middle", "1202+5550100", "US", characters},
		{"two plus signs", "++12025550100", "", characters},
		{"a full-width plus sign", "＋12025550100", "", characters},
		{"Arabic digits", "+١٢٠٢٥٥٥٠١٠٠", "", characters},
		{"full-width digits", "+１２０２５５５０１００", "", characters},
		{"a space that is not ASCII", "+1\u00a02025550100", "", characters},
		{"a tab", "+1\t2025550100", "", characters},
		{"a line end", "+12025550100\n", "", characters},
		{"a pause", "+12025550100,5", "", characters},
		{"a star code", "*100#", "BR", characters},
		{"bad UTF-8", "+1202555\xff0100", "", characters},

		{"a country code that does not exist", "+999 123456789", "", noCountry},
		{"an international prefix after a plus sign", "+011 44 20 7946 0958", "US", noCountry},
		{"a country code alone", "+55", "", "is too short"},
		{"too few digits", "+55 11", "", "is too short for country code +55"},
		{"too many digits", "+1 202 555 0100 1", "", "is too long for country code +1"},
		{"more digits than any number may have", "+" + strings.Repeat("1", 39), "", "is too long"},
		{"a missing area code", "+1 555 0100", "", "lacks the area code of country code +1"},
		{"an emergency number", "911", "US", "is too short for country code +1"},
		{"an unassigned range", "+55 11 00000-0000", "", "is in a range that is not assigned in country code +55"},
		{"a number for film and television in Britain", "+44 7700 900123", "", "is in a range that is not assigned in country code +44"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := phone.Parse(tt.raw, tt.country)
			reason, ok := errors.AsType[*phone.Error](err)
			if !ok {
				t.Fatalf("Parse(%q, %q) = %+v, %v; want a *phone.Error", tt.raw, tt.country, got, err)
			}
			if !strings.HasPrefix(reason.Reason, tt.reason) {
				t.Errorf("Parse(%q, %q): %q; want %q", tt.raw, tt.country, reason.Reason, tt.reason)
			}
			if got != (phone.Parsed{}) {
				t.Errorf("Parse(%q, %q) = %+v with an error, want a zero value", tt.raw, tt.country, got)
			}
		})
	}
}

// North America reserves these numbers for fiction in every area code: they are valid, but
// no phone has one.
func TestParseTakesNumbersForFiction(t *testing.T) {
	for i := range 100 {
		raw := fmt.Sprintf("+1202555%04d", 100+i)
		if _, err := phone.Parse(raw, ""); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestValidCountry(t *testing.T) {
	for code, want := range map[string]bool{
		"BR": true, "US": true, "GB": true, "GG": true, "XK": true, "AC": true,
		"": false, "br": false, "UK": false, "EU": false, "ZZ": false, "AQ": false, "BRA": false, "001": false, "B": false,
	} {
		if got := phone.ValidCountry(code); got != want {
			t.Errorf("ValidCountry(%q) = %t, want %t", code, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"+5511999999999", "(11) 99999-9999", "011 44 20 7946 0958", "+44 (0)20 7946 0958", "06 1234 5678", "1-800-FLOWERS",
		"+12025550100;ext=5", "+", "00", "+882161234567", "+54 9 11 1234 5678", "0 15 1234 5678",
	} {
		for _, country := range []string{"", "BR", "US", "IT", "AR"} {
			f.Add(s, country)
		}
	}
	f.Fuzz(func(t *testing.T, raw, country string) {
		got, err := phone.Parse(raw, country)
		if err != nil {
			reason, ok := errors.AsType[*phone.Error](err)
			if !ok || reason.Reason == "" {
				t.Errorf("Parse(%q, %q): %v is not a *phone.Error with a reason", raw, country, err)
			}
			return
		}
		if _, err := sms.ParseNumber(got.Number.String()); err != nil {
			t.Errorf("Parse(%q, %q) returns the invalid number %q: %v", raw, country, got.Number, err)
		}
		if !phone.ValidCountry(got.Country) && got.Country != phone.International {
			t.Errorf("Parse(%q, %q) returns the invalid country %q", raw, country, got.Country)
		}
		again, err := phone.Parse(got.Number.String(), "")
		if err != nil || again != got {
			t.Errorf("Parse(%q, %q) = %+v; parsing this number again returns %+v, %v", raw, country, got, again, err)
		}
	})
}
