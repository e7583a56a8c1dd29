package sms

import "unicode/utf16"

// Encoding is how a text is encoded: as 7-bit characters of the GSM alphabet or, if this
// alphabet lacks one of the text's characters, as UTF-16.
type Encoding string

// These are the two encodings.
const (
	GSM7 Encoding = "GSM-7"
	UCS2 Encoding = "UCS-2"
)

// MaxTextLength is the maximum length of a text, in UTF-16 units. Providers take 1,600
// "characters" and do not say which kind. A text never has more code points than UTF-16
// units, so this limit is safe for both kinds.
const MaxTextLength = 1600

// These are the numbers of units that fit into a single part, and into each of several
// parts. If there are several parts, each part has 140 bytes, and the header that joins
// the parts takes 6 of these bytes (3GPP TS 23.040). The units are septets in GSM-7 and
// UTF-16 units in UCS-2.
const (
	septetsAlone  = 160
	septetsJoined = 153
	unitsAlone    = 70
	unitsJoined   = 67
)

// Measurement is the size of a text. Parts is an estimate, because a provider that splits
// at word boundaries may need one more part.
type Measurement struct {
	Encoding Encoding
	Parts    int
	Units    int       // septets in GSM-7, UTF-16 units in UCS-2; headers do not count
	Forcing  []Forcing // in order of first appearance; nil in GSM-7
}

// Forcing is a character that the GSM alphabet lacks. Because of it, the whole text is
// encoded in UCS-2.
type Forcing struct {
	Char  rune
	Count int // the number of times that Char occurs
	// Replacement is GSM-7 text that can replace Char if Replaceable is true. It is empty if nobody would
	// miss Char, for example a zero width space.
	Replacement string
	Replaceable bool
}

// Measure returns the encoding and size of text. It never splits an escape pair or a
// surrogate pair, so a text may need more parts than the number of its units suggests.
//
// An empty text has one part and no units. A byte that is not UTF-8 counts as U+FFFD,
// which encoding/json would send in its place.
func Measure(text string) Measurement {
	if forcing := findForcing(text); forcing != nil {
		units, parts := split(text, utf16.RuneLen, unitsAlone, unitsJoined)
		return Measurement{Encoding: UCS2, Parts: parts, Units: units, Forcing: forcing}
	}
	units, parts := split(text, septets, septetsAlone, septetsJoined)
	return Measurement{Encoding: GSM7, Parts: parts, Units: units}
}

// TextLength returns the length of text in UTF-16 units. An emoji has two units, and
// nearly every other character has one unit. MaxTextLength is the limit.
func TextLength(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// split returns the number of units in text, and the number of parts that hold the text
// if no character is split. The parameter `width` is a function that returns the number of
// units of a character. The parameter `alone` is the number of units that fit into a single
// part, and joined is the number of units that fit into each of several parts.
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

// findForcing returns the characters of text that GSM-7 lacks, or nil if GSM-7 has all of them.
func findForcing(text string) []Forcing {
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
