package phone_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/phone"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestParseReads(t *testing.T) {
	brazil := phone.Parsed{Number: "+5511999999999", Country: "BR", Type: phone.Mobile}
	london := phone.Parsed{Number: "+442079460958", Country: "GB", Type: phone.FixedLine}
	america := phone.Parsed{Number: "+12025550100", Country: "US", Type: phone.FixedLineOrMobile}
	germany := phone.Parsed{Number: "+491711234567", Country: "DE", Type: phone.Mobile}
	argentina := phone.Parsed{Number: "+5491123456789", Country: "AR", Type: phone.Mobile}
	mexico := phone.Parsed{Number: "+525512345678", Country: "MX", Type: phone.FixedLineOrMobile}
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
		{"a country that shares its code with another", "+1 416 555 0100", "", phone.Parsed{Number: "+14165550100", Country: "CA", Type: phone.FixedLineOrMobile}},
		{"an island that shares its code with a country", "+44 1534 712345", "", phone.Parsed{Number: "+441534712345", Country: "JE", Type: phone.FixedLine}},
		{"a leading zero that belongs to the number", "06 1234 5678", "IT", phone.Parsed{Number: "+390612345678", Country: "IT", Type: phone.FixedLine}},
		{"a satellite phone", "+882 16 1234567", "", phone.Parsed{Number: "+882161234567", Country: phone.International, Type: phone.VoIP}},
		{"a premium-rate number", "+49 900 1 234567", "", phone.Parsed{Number: "+499001234567", Country: "DE", Type: phone.PremiumRate}},
		{"a shared-cost number", "+49 180 1234567", "", phone.Parsed{Number: "+491801234567", Country: "DE", Type: phone.SharedCost}},

		{"a number with direction marks around it", "\u202a+55 11 99999-9999\u202c", "", brazil},
		{"a number with invisible characters in it", "\u200e+55\u200b11\u00ad99999\u20609999\ufeff", "", brazil},
		{"spaces that do not break", "+55\u00a011\u202f99999\u20079999", "", brazil},
		{"tabs", "\t+55\t11 99999 9999", "", brazil},
		{"a line end after it", "+5511999999999\r\n", "", brazil},
		{"full-width digits", "＋５５１１９９９９９９９９９", "", brazil},
		{"full-width separators", "＋55（11）99999－9999", "", brazil},
		{"Arabic digits", "+٥٥١١٩٩٩٩٩٩٩٩٩", "", brazil},
		{"Persian digits", "+۵۵۱۱۹۹۹۹۹۹۹۹۹", "", brazil},
		{"Bengali digits", "+৫৫১১৯৯৯৯৯৯৯৯৯", "", brazil},
		{"dashes of all lengths", "+55–11—99999‑9999\u2212", "", brazil},
		{"a slash after the area code", "0171/1234567", "DE", germany},
		{"two slashes", "+49/171/1234567", "", germany},
		{"a tel address", "tel:+55-11-99999-9999", "", brazil},
		{"a tel address in capitals", " TEL:+5511999999999", "", brazil},

		{"Argentina with a 9", "+54 9 11 2345-6789", "", argentina},
		{"Argentina without a 9", "+54 11 2345-6789", "", argentina},
		{"Argentina as Argentinians write it", "011 15 2345-6789", "AR", argentina},
		{"Argentina without a 15", "011 2345-6789", "AR", argentina},
		{"Argentina's toll-free numbers have no 9", "+54 800 333 4444", "", phone.Parsed{Number: "+548003334444", Country: "AR", Type: phone.TollFree}},
		{"Mexico", "+52 55 1234 5678", "", mexico},
		{"Mexico before 2019", "+52 1 55 1234 5678", "", mexico},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := phone.Rules{DefaultCountry: tt.country}.Parse(tt.raw)
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
		noDefault = "must begin with a plus sign"
		noCountry = "begins with a country code that does not exist"
	)
	for _, tt := range []struct{ name, raw, country, reason string }{
		{"nothing", "", "BR", "is empty"},
		{"spaces alone", "   ", "BR", "is empty"},
		{"punctuation alone", "(-)", "BR", "has no digits"},
		{"a plus sign alone", "+", "BR", "has no digits"},
		{"a national number without a default country", "11 99999-9999", "", noDefault},
		{"a national number with a default country that does not exist", "11 99999-9999", "ZZ", noDefault},
		{"a number over 64 characters", strings.Repeat("1 ", 33), "BR", "is longer than 64 characters"},

		{"a vanity number", "1-800-FLOWERS", "US", `has the character "F" (U+0046); a number may have digits`},
		{"an extension in words", "+1 202 555 0100 ext. 5", "", `has the character "e" (U+0065)`},
		{"an extension by x", "+1 202 555 0100x5", "", `has the character "x" (U+0078)`},
		{"an extension by RFC 3966", "tel:+12025550100;ext=5", "", "has parameters after the number of a tel: address"},
		{"two numbers", "+12025550100/+12025550101", "", "has a slash that is not after an area code"},
		{"two numbers with a space between them", "+12025550100 +12025550101", "", "has a plus sign that is not at the beginning"},
		{"two numbers on two lines", "+12025550100\n2025550101", "", "has a line break in the middle"},
		{"two endings", "0171 12345/67", "DE", "has a slash that is not after an area code"},
		{"two endings of a long number", "0171 1234567/68", "DE", "has a slash that is not after an area code"},
		{"text around", "call +12025550100", "", `has the character "c" (U+0063)`},
		{"a letter that looks like a digit", "+1 2O2 555 0100", "", `has the character "O" (U+004F)`},
		{"a plus sign in the middle", "1202+5550100", "US", "has a plus sign that is not at the beginning"},
		{"two plus signs", "++12025550100", "", "has a plus sign that is not at the beginning"},
		{"a pause", "+12025550100,5", "", `has the character "," (U+002C)`},
		{"a star code", "*100#", "BR", `has the character "*" (U+002A)`},
		{"a control character", "+1202555\x070100", "", "has the character U+0007;"},
		{"bad UTF-8", "+1202555\xff0100", "", "is not UTF-8"},

		{"a country code that does not exist", "+999 123456789", "", noCountry},
		{"an international prefix after a plus sign", "+011 44 20 7946 0958", "US", noCountry},
		{"a country code alone", "+55", "", "is too short"},
		{"too few digits", "+55 11", "", "is too short for country code +55"},
		{"too many digits", "+1 202 555 0100 1", "", "is too long for country code +1"},
		{"more digits than any number may have", "+" + strings.Repeat("1", 39), "", "is too long"},
		{"a missing area code", "+1 555 0100", "", "lacks the area code of country code +1"},
		{"an emergency number", "911", "US", "is too short for country code +1"},
		{"a length that mobile numbers do not have", "+49 171 1234", "", "is in a range that is not assigned in country code +49"},
		{"an area code that begins with 1", "+1 102 555 0100", "", "is in a range that is not assigned in country code +1"},
		{"an exchange that begins with 0", "+1 202 055 0100", "", "is in a range that is not assigned in country code +1"},
		{"a trunk prefix that is not one", "+55 00 99999-9999", "", "is in a range that is not assigned in country code +55"},
		{"a number that was Kosovo's until 2016", "+377 49 123456", "", "is in a range that is not assigned in country code +377"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := phone.Rules{DefaultCountry: tt.country}
			got, err := rules.Parse(tt.raw)
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

// TestNumbersInNoRange checks numbers whose ranges are not in this program's numbering
// plans. Such a range may have been assigned after the plans were made.
func TestNumbersInNoRange(t *testing.T) {
	for _, tt := range []struct{ name, raw, country string }{
		{"Japan, 60", "+816012345678", "JP"},
		{"Kenya, 13x", "+254139123456", "KE"},
		{"Kenya, 14x", "+254145123456", "KE"},
		{"Mozambique, 88", "+258881234567", "MZ"},
		{"a new area code of North America", "+1 273 555 0100", "US"},
		{"an area code of Jamaica with a new exchange", "+1 876 200 0000", "JM"},
		{"Britain's numbers for fiction", "+44 7700 900123", "GB"},
		{"a mistyped number", "+55 11 00000-0000", "BR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := phone.Rules{}.Parse(tt.raw)
			if err != nil {
				t.Fatal(err)
			}
			if got.Country != tt.country || !got.Doubtful || got.Type != phone.Unknown {
				t.Errorf("Parse(%q) = %+v, want a doubtful number in %s without a type", tt.raw, got, tt.country)
			}
			if got, err := (phone.Rules{Strict: true}).Parse(tt.raw); err == nil {
				t.Errorf("a strict deployment accepts %q: %+v", tt.raw, got)
			}
		})
	}
}

// TestNumbersForFiction uses the strictest rules, and parses numbers of each range that a
// regulator reserves for fiction.
func TestNumbersForFiction(t *testing.T) {
	rules := phone.Rules{Strict: true, Fiction: true}
	for regulator, numbers := range map[string][]string{
		"NANPA, United States":       {"+12025550100", "+12025550199"},
		"NANPA, Canada":              {"+14165550100", "+14165550199"},
		"Ofcom, United Kingdom":      {"+447700900000", "+447700900999", "+441632960000", "+442079460999", "+441614960000"},
		"Arcep, France":              {"+33639980000", "+33639989999", "+33199000000", "+33261910000", "+33353010000", "+33465710000", "+33536490000"},
		"Bundesnetzagentur, Germany": {"+493023125000", "+496990009999", "+494066969000", "+492214710000", "+498999998999", "+4915228817386"},
		"ComReg, Ireland":            {"+353209100000", "+353209199999"},
		"PTS, Sweden":                {"+46701740605", "+46701740699"},
		"ACMA, Australia":            {"+61255500000", "+61370109999", "+61491570006", "+61491570156"},
	} {
		for _, number := range numbers {
			if got, err := rules.Parse(number); err != nil || got.Doubtful {
				t.Errorf("%s reserves %s, but Parse returns %+v, %v", regulator, number, got, err)
			}
		}
	}
	if got, err := (phone.Rules{Strict: true}).Parse("+447700900123"); err == nil {
		t.Errorf("with a real provider, a strict deployment accepts a number for fiction: %+v", got)
	}
}

func TestTypesThatADeploymentAccepts(t *testing.T) {
	for _, tt := range []struct {
		name     string
		kind     phone.Type
		accepted []phone.Type
		want     bool
	}{
		{"premium-rate, by default", phone.PremiumRate, phone.DefaultTypes(), false},
		{"shared-cost, by default", phone.SharedCost, phone.DefaultTypes(), true},
		{"landlines, by default", phone.FixedLine, phone.DefaultTypes(), true},
		{"landlines, if only mobile numbers are accepted", phone.FixedLine, []phone.Type{phone.Mobile}, false},
		{"North America, if only mobile numbers are accepted", phone.FixedLineOrMobile, []phone.Type{phone.Mobile}, true},
		{"North America, if only toll-free numbers are accepted", phone.FixedLineOrMobile, []phone.Type{phone.TollFree}, false},
		{"doubtful numbers, if only mobile numbers are accepted", phone.Unknown, []phone.Type{phone.Mobile}, true},
	} {
		if got := tt.kind.AcceptedBy(tt.accepted); got != tt.want {
			t.Errorf("%s: accepted is %t, want %t", tt.name, got, tt.want)
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
		"+12025550100;ext=5", "+", "00", "+882161234567", "+54 9 11 2345 6789", "0 15 1234 5678",
		"+54 11 2345 6789", "+52 1 55 1234 5678", "\u202a+٥٥١١٩٩٩٩٩٩٩٩٩\u202c", "tel:0171/1234567", "+816012345678", "+377 49 123456",
	} {
		for _, country := range []string{"", "BR", "US", "IT", "AR"} {
			f.Add(s, country)
		}
	}
	f.Fuzz(func(t *testing.T, raw, country string) {
		rules := phone.Rules{DefaultCountry: country}
		got, err := rules.Parse(raw)
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
		again, err := phone.Rules{}.Parse(got.Number.String())
		if err != nil || again != got {
			t.Errorf("Parse(%q, %q) = %+v; parsing this number again returns %+v, %v", raw, country, got, again, err)
		}
	})
}
