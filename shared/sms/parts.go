package sms

import "unicode/utf16"

// Encoding is how a text travels: as 7-bit characters of the GSM alphabet or, if
// that lacks one of its characters, as UTF-16.
type Encoding string

// The two encodings.
const (
	GSM7 Encoding = "GSM-7"
	UCS2 Encoding = "UCS-2"
)

// MaxTextLength is the length of the longest text that is accepted, in UTF-16
// units. Providers take 1,600 "characters" without saying which kind. A text never
// has more code points than UTF-16 units, so it fits either way.
const MaxTextLength = 1600

// These are the units that fit into the only part of a message, and into each of
// several parts. With several, 6 of the 140 bytes of each part go to the header that
// joins them (3GPP TS 23.040). GSM-7 counts in septets, UCS-2 in UTF-16 units.
const (
	septetsAlone  = 160
	septetsJoined = 153
	unitsAlone    = 70
	unitsJoined   = 67
)

// Measurement is the size of a text. Parts is an estimate: a provider that splits
// at word boundaries may need one more.
type Measurement struct {
	Encoding Encoding
	Parts    int
	Units    int       // septets in GSM-7, UTF-16 units in UCS-2, without joining headers
	Forcing  []Forcing // in order of first appearance; nil in GSM-7
}

// Forcing is a character that the GSM alphabet lacks. It forces the whole text into
// UCS-2.
type Forcing struct {
	Char  rune
	Count int // how often it occurs
	// Replacement is GSM-7 text that can replace Char, if Replaceable is true. It
	// is empty for a character that nobody would miss, like a zero width space.
	Replacement string
	Replaceable bool
}

// Measure returns the encoding and the size of text. It never splits an escape pair
// or a surrogate pair, so there may be more parts than the units alone need.
//
// An empty text has one part and no units. A byte that is not UTF-8 counts as
// U+FFFD, which is what encoding/json would send.
func Measure(text string) Measurement {
	if forcing := forcing(text); forcing != nil {
		units, parts := split(text, utf16.RuneLen, unitsAlone, unitsJoined)
		return Measurement{Encoding: UCS2, Parts: parts, Units: units, Forcing: forcing}
	}
	units, parts := split(text, septets, septetsAlone, septetsJoined)
	return Measurement{Encoding: GSM7, Parts: parts, Units: units}
}

// TextLength returns the length of text in UTF-16 units: two for an emoji, one for
// nearly everything else. MaxTextLength bounds it.
func TextLength(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// split fills parts with whole characters, whose widths width returns.
func split(text string, width func(rune) int, alone, joined int) (units, parts int) {
	parts = 1
	used := 0
	for _, r := range text {
		w := width(r)
		units += w
		if used+w > joined {
			parts++
			used = 0
		}
		used += w
	}
	if units <= alone {
		return units, 1
	}
	return units, parts
}

// forcing returns the characters of text that GSM-7 lacks, or nil.
func forcing(text string) []Forcing {
	var found []Forcing
	at := map[rune]int{} // index in found
	for _, r := range text {
		if septets(r) > 0 {
			continue
		}
		i, known := at[r]
		if !known {
			i = len(found)
			at[r] = i
			replacement, ok := standIn(r)
			found = append(found, Forcing{Char: r, Replacement: replacement, Replaceable: ok})
		}
		found[i].Count++
	}
	return found
}
