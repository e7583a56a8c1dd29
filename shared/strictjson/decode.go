// Package strictjson decodes a JSON object from outside, and reports everything
// that is wrong with its fields.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// SyntaxError says that a text is not exactly one JSON document in UTF-8. Detail
// continues a sentence that begins with the text, for example "is empty" for "the body is
// empty".
type SyntaxError struct{ Detail string }

func (e *SyntaxError) Error() string { return "the JSON document " + e.Detail }

// Decode decodes a text that must be one JSON object. It is stricter than encoding/json,
// which accepts invalid UTF-8, lone surrogates, repeated names, names in another case
// and, with a Decoder, a second document. It ignores a byte order mark at the beginning,
// as RFC 8259 allows. The time that Decode takes is linear in the length of the text. The
// text must not change while its Fields are used, because the Fields point into the text.
// encoding/json limits nesting to 10,000 levels.
//
// The error is a *SyntaxError. If the document is valid but not an object, Decode returns
// Fields with one error, for the field "".
func Decode(text []byte) (*Fields, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if len(bytes.Trim(text, " \t\r\n")) == 0 {
		return nil, &SyntaxError{"is empty"}
	}
	if !utf8.Valid(text) {
		return nil, &SyntaxError{"is not valid UTF-8"}
	}
	if !json.Valid(text) {
		var document json.RawMessage // accepts any value, so an error can only be about the syntax
		err := json.Unmarshal(text, &document)
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, &SyntaxError{fmt.Sprintf("is not one JSON document: byte %d: %v", syntax.Offset, err)}
		}
		return nil, &SyntaxError{"is not one JSON document"}
	}
	if loneSurrogate(text) {
		return nil, &SyntaxError{`contains half a surrogate pair, as in "\ud800"`}
	}
	return newFields(bytes.Trim(text, " \t\r\n")), nil
}

// loneSurrogate reports whether document has a \u escape that is only half of a surrogate
// pair. This is not Unicode, and encoding/json would silently replace it with U+FFFD.
// document must be valid JSON, in which only strings have backslashes.
func loneSurrogate(document []byte) bool {
	for {
		i := bytes.IndexByte(document, '\\')
		if i < 0 {
			return false
		}
		document = document[i:]
		unit, ok := unicodeEscape(document)
		switch {
		case !ok: // a short escape such as \n
			document = document[2:]
		case unit < 0xd800 || unit > 0xdfff:
			document = document[6:]
		default:
			low, ok := unicodeEscape(document[6:])
			if unit > 0xdbff || !ok || low < 0xdc00 || low > 0xdfff {
				return true
			}
			document = document[12:]
		}
	}
}

func unicodeEscape(s []byte) (unit uint64, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return unit, err == nil
}
