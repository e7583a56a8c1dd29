package sms_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

const emoji = "😀" // two UTF-16 units

func TestMeasureCountsParts(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	zhe := func(n int) string { return strings.Repeat("ж", n) }
	for _, tt := range []struct {
		name, text   string
		encoding     sms.Encoding
		units, parts int
	}{
		{"an empty text is one part", "", sms.GSM7, 0, 1},
		{"one letter", "a", sms.GSM7, 1, 1},
		{"160 septets are one part", a(160), sms.GSM7, 160, 1},
		{"161 septets are two parts", a(161), sms.GSM7, 161, 2},
		{"two full joined parts", a(2 * 153), sms.GSM7, 306, 2},
		{"one septet more makes three parts", a(2*153 + 1), sms.GSM7, 307, 3},
		{"three full joined parts", a(3 * 153), sms.GSM7, 459, 3},
		{"one septet more makes four parts", a(3*153 + 1), sms.GSM7, 460, 4},
		{"the longest plain text", a(1600), sms.GSM7, 1600, 11},

		{"an escape pair counts two", "€", sms.GSM7, 2, 1},
		{"80 escape pairs are one part", strings.Repeat("€", 80), sms.GSM7, 160, 1},
		{"an escape pair ends a single part", a(158) + "€", sms.GSM7, 160, 1},
		{"an escape pair beyond the end of a single part", a(159) + "€", sms.GSM7, 161, 2},
		{"an escape pair fits at the end of a joined part", a(151) + "€" + a(153), sms.GSM7, 306, 2},
		{"an escape pair across the border moves to the next part", a(152) + "€" + a(152), sms.GSM7, 306, 3},
		{"the next part then has room for 151 septets more", a(152) + "€" + a(151), sms.GSM7, 305, 2},
		{"a text of escape pairs leaves a septet free in each part", strings.Repeat("^", 153), sms.GSM7, 306, 3},
		{"a single part has no border inside", a(152) + "€" + a(6), sms.GSM7, 160, 1},

		{"one character outside the alphabet", "ж", sms.UCS2, 1, 1},
		{"70 units are one part", zhe(70), sms.UCS2, 70, 1},
		{"71 units are two parts", zhe(71), sms.UCS2, 71, 2},
		{"two full joined parts of UCS-2", zhe(2 * 67), sms.UCS2, 134, 2},
		{"one unit more makes three parts", zhe(2*67 + 1), sms.UCS2, 135, 3},
		{"one character outside the alphabet widens all others", a(69) + "ж", sms.UCS2, 70, 1},
		{"one unit more makes two parts", a(70) + "ж", sms.UCS2, 71, 2},
		{"an escape pair is one unit in UCS-2", "ж" + strings.Repeat("€", 69), sms.UCS2, 70, 1},

		{"an emoji counts two", emoji, sms.UCS2, 2, 1},
		{"35 emoji are one part", strings.Repeat(emoji, 35), sms.UCS2, 70, 1},
		{"an emoji ends a single part", zhe(68) + emoji, sms.UCS2, 70, 1},
		{"an emoji beyond the end of a single part", zhe(69) + emoji, sms.UCS2, 71, 2},
		{"an emoji fits at the end of a joined part", zhe(65) + emoji + zhe(67), sms.UCS2, 134, 2},
		{"an emoji across the border moves to the next part", zhe(66) + emoji + zhe(66), sms.UCS2, 134, 3},
		{"the next part then has room for 65 units more", zhe(66) + emoji + zhe(65), sms.UCS2, 133, 2},
		{"a text of emoji leaves a unit free in each part", strings.Repeat(emoji, 67), sms.UCS2, 134, 3},
		{"a flag is two surrogate pairs", "🇧🇷", sms.UCS2, 4, 1},
		{"a bad byte is one U+FFFD", "a\xffb", sms.UCS2, 3, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := sms.Measure(tt.text)
			if got.Encoding != tt.encoding || got.Units != tt.units || got.Parts != tt.parts {
				t.Errorf("Measure = %s, %d units, %d parts; want %s, %d, %d",
					got.Encoding, got.Units, got.Parts, tt.encoding, tt.units, tt.parts)
			}
		})
	}
}

func TestMeasureKnowsTheGSMAlphabet(t *testing.T) {
	const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡" +
		"ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	const extension = "\f^{}\\[~]|€"
	if n := utf8.RuneCountInString(basic); n != 127 {
		t.Fatalf("the basic alphabet has %d characters, want 127", n)
	}
	gsm := 0
	for r := rune(0); r <= 0x1ffff; r++ { // every larger code point is treated like this last one
		if !utf8.ValidRune(r) {
			continue
		}
		got := sms.Measure(string(r))
		want := sms.Measurement{Encoding: sms.UCS2, Parts: 1, Units: 1}
		switch {
		case strings.ContainsRune(basic, r):
			want.Encoding = sms.GSM7
		case strings.ContainsRune(extension, r):
			want.Encoding, want.Units = sms.GSM7, 2
		case r > 0xffff:
			want.Units = 2
		}
		if got.Encoding == sms.GSM7 {
			gsm++
		} else if f := got.Forcing[0]; f.Replaceable && sms.Measure(f.Replacement).Encoding != sms.GSM7 {
			t.Errorf("the stand-in %q for %U is not in the alphabet", f.Replacement, r)
		} else if !f.Replaceable && f.Replacement != "" {
			t.Errorf("%U is not replaceable, but has the stand-in %q", r, f.Replacement)
		}
		if got.Encoding != want.Encoding || got.Parts != want.Parts || got.Units != want.Units {
			t.Errorf("the forcing characters of %U are %+v, want %+v", r, got, want)
		}
	}
	if gsm != 127+10 {
		t.Errorf("%d characters are in the alphabet, want 137", gsm)
	}
}

func TestMeasureNamesWhatForcesUCS2(t *testing.T) {
	type forcing = sms.Forcing
	for _, tt := range []struct {
		name, text string
		want       []forcing
	}{
		{"a GSM-7 text has none", "Señor Müller: 5 € à Évora", nil},
		{"an accented letter", "olá", []forcing{{Char: 'á', Count: 1, Replacement: "a", Replaceable: true}}},
		{"ç, but not Ç", "Ç ç", []forcing{{Char: 'ç', Count: 1, Replacement: "c", Replaceable: true}}},
		{"each character once, with its count, in order", "“ja” – “no”", []forcing{
			{Char: '“', Count: 2, Replacement: `"`, Replaceable: true},
			{Char: '”', Count: 2, Replacement: `"`, Replaceable: true},
			{Char: '–', Count: 1, Replacement: "-", Replaceable: true},
		}},
		{"positions count characters, not bytes or units", emoji + emoji + "é’", []forcing{
			{Char: '😀', Count: 2},
			{Char: '’', Count: 1, Replacement: "'", Replaceable: true},
		}},
		{"a stand-in of three characters", "wait…", []forcing{{Char: '…', Count: 1, Replacement: "...", Replaceable: true}}},
		{"a space that does not break", "5\u00a0kg", []forcing{{Char: '\u00a0', Count: 1, Replacement: " ", Replaceable: true}}},
		{"a tab", "a\tb", []forcing{{Char: '\t', Count: 1, Replacement: " ", Replaceable: true}}},
		{"a zero width space, which can be left out", "a\u200bb", []forcing{{Char: '\u200b', Count: 1, Replaceable: true}}},
		{"an accent that follows its letter, which can be left out", "e\u0301", []forcing{{Char: '\u0301', Count: 1, Replaceable: true}}},
		{"full-width ASCII", "Ａ", []forcing{{Char: 'Ａ', Count: 1, Replacement: "A", Replaceable: true}}},
		{"a Greek capital that looks Latin", "ΑΩ", []forcing{{Char: 'Α', Count: 1, Replacement: "A", Replaceable: true}}},
		{"a letter without a stand-in", "ж", []forcing{{Char: 'ж', Count: 1}}},
		{"a control character without a stand-in", "a\x00", []forcing{{Char: 0, Count: 1}}},
		{"bad bytes", "\xff\xfe", []forcing{{Char: '\ufffd', Count: 2}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, sms.Measure(tt.text).Forcing); diff != "" {
				t.Errorf("the forcing characters differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTextLengthCountsUTF16Units(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "€uro": 4, "жж": 2, emoji: 2, "a\xff": 2} {
		if got := sms.TextLength(text); got != want {
			t.Errorf("TextLength(%q) = %d, want %d", text, got, want)
		}
	}
}

func FuzzMeasure(f *testing.F) {
	for _, s := range []string{
		"", "a", "olá", "“wait…”", "\xff", "e\u0301", strings.Repeat("a", 161), strings.Repeat("a", 152) + "€",
		strings.Repeat("ж", 66) + emoji, strings.Repeat(emoji, 40), strings.Repeat("^", 90),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := sms.Measure(text)
		alone, joined := 160, 153
		if got.Encoding == sms.UCS2 {
			alone, joined = 70, 67
			if want := sms.TextLength(text); got.Units != want {
				t.Errorf("the text has %d units, want %d", got.Units, want)
			}
		}
		if (got.Encoding == sms.GSM7) != (got.Forcing == nil) {
			t.Errorf("the encoding is %s with %d forcing characters", got.Encoding, len(got.Forcing))
		}
		if (got.Units <= alone) != (got.Parts == 1) {
			t.Errorf("got %d units in %d parts", got.Units, got.Parts)
		}
		// Each part except the last is full, or has one unit free because a character of
		// two units did not fit.
		if room := got.Parts * joined; got.Parts > 1 && got.Units > room {
			t.Errorf("%d units do not fit into %d parts", got.Units, got.Parts)
		}
		if filled := (got.Parts - 1) * (joined - 1); got.Parts > 1 && got.Units <= filled {
			t.Errorf("%d units fit into fewer than %d parts", got.Units, got.Parts)
		}
		plain, replaceable := text, true
		for _, c := range got.Forcing {
			replaceable = replaceable && c.Replaceable
			plain = strings.ReplaceAll(plain, string(c.Char), c.Replacement)
		}
		if replaceable && sms.Measure(plain).Encoding != sms.GSM7 {
			t.Errorf("%q is not GSM-7, although all stand-ins were used", plain)
		}
	})
}
