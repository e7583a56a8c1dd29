package phone

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxWritten is the maximum length of a number as clients write it, in characters. This is enough for 15
// digits with a separator and an invisible character beside each digit.
const MaxWritten = 64

var (
	errEmpty    = &Error{"is empty"}
	errTooLong  = &Error{fmt.Sprintf("is longer than %d characters", MaxWritten)}
	errNoDigits = &Error{"has no digits"}
	errUTF8     = &Error{"is not UTF-8"}
	errPlus     = &Error{"has a plus sign that is not at the beginning: write one number"}
	errLine     = &Error{"has a line break in the middle: write one number"}
	errSlash    = &Error{"has a slash that is not after an area code: write one number"}
	errURI      = &Error{"has parameters after the number of a tel: address: leave them out"}
)

// form is the end of the error message about a wrong character.
const form = "; a number may have digits, spaces, hyphens, dots, slashes, parentheses, and one plus sign at the beginning, but no letters and no extension"

// These are the limits for slashes. A slash separates an area code from the rest, as in
// 0171/1234567. It must not separate two numbers, or two endings of a number.
const (
	mostBeforeSlash = 7 // digits
	leastAfterSlash = 5 // digits
)

// Dialed returns the digits of a written number in ASCII, with a plus sign before them if
// the number begins with one. It ignores what people and programs write between digits:
// white space, hyphens and dashes, dots, slashes after an area code, parentheses, and
// invisible characters, such as those that mark the direction of text. It reads the
// digits of all scripts. It also ignores the prefix tel: of a number. It refuses any
// other character, and names this character in the error. Every error is an *Error.
//
// Dialed is stricter than the library, which also reads letters, extensions, and numbers
// within other text.
func Dialed(raw string) (string, error) {
	if !utf8.ValidString(raw) {
		return "", errUTF8
	}
	if utf8.RuneCountInString(raw) > MaxWritten {
		return "", errTooLong
	}
	written := strings.TrimFunc(raw, ignored)
	if written == "" {
		return "", errEmpty
	}
	isURI := len(written) >= 4 && strings.EqualFold(written[:4], "tel:")
	if isURI {
		written = written[4:]
	}
	var dialed strings.Builder
	slash := -1 // the number of digits before the last slash; -1 if there is no slash
	for _, c := range written {
		digit, isDigit := digitOf(c)
		switch {
		case isDigit:
			dialed.WriteByte(digit)
		case strings.ContainsRune("+＋﹢", c):
			if dialed.Len() > 0 {
				return "", errPlus
			}
			dialed.WriteByte('+')
		case c == '/' || c == '／':
			slash = countDigits(dialed.String())
			if slash > mostBeforeSlash {
				return "", errSlash
			}
		case strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", c):
			return "", errLine
		case c == ';' && isURI:
			return "", errURI
		case !ignored(c) && !separates(c):
			return "", &Error{"has the character " + name(c) + form}
		}
	}
	digits := countDigits(dialed.String())
	switch {
	case digits == 0:
		return "", errNoDigits
	case slash >= 0 && digits-slash < leastAfterSlash:
		return "", errSlash
	}
	return dialed.String(), nil
}

func countDigits(dialed string) int { return len(strings.TrimPrefix(dialed, "+")) }

// ignored reports whether c is white space or an invisible character.
func ignored(c rune) bool { return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) }

// separates reports whether c is a visible character that people write between digits.
func separates(c rune) bool {
	const dots, parentheses, minuses = ".．·", "()[]（）", "\u2212\u30fc\u2043"
	return unicode.Is(unicode.Pd, c) || strings.ContainsRune(dots+parentheses+minuses, c)
}

// digitOf returns the ASCII digit with the same value as c. It returns false if c is not
// a decimal digit of any script. In Unicode, the ten digits of a script always stand
// together, in the order of their values.
func digitOf(c rune) (byte, bool) {
	if !unicode.IsDigit(c) {
		return 0, false
	}
	for _, r := range unicode.Nd.R16 {
		if rune(r.Lo) <= c && c <= rune(r.Hi) {
			return '0' + byte((c-rune(r.Lo))%10), true //nolint:gosec // below 10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if first, last := int64(r.Lo), int64(r.Hi); first <= int64(c) && int64(c) <= last {
			return '0' + byte((int64(c)-first)%10), true //nolint:gosec // below 10
		}
	}
	return 0, false
}

// name returns c and its code point, or the code point alone if c is invisible.
func name(c rune) string {
	if unicode.IsPrint(c) {
		return fmt.Sprintf("%q (%U)", string(c), c)
	}
	return fmt.Sprintf("%U", c)
}
