package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// syntaxError says why a body is not exactly one JSON document in UTF-8, in
// words for the client. It is answered with 400. Errors in the fields of a
// document are fieldErrors, answered with 422.
type syntaxError struct{ Detail string }

func (e *syntaxError) Error() string { return "reading the body: " + e.Detail }

// decodeDocument decodes a body that must be one JSON object. It is stricter
// than encoding/json, which accepts invalid UTF-8, lone surrogates, repeated
// names, names in another case, and, with a Decoder, a second document. It runs
// in time linear in the length of the body. encoding/json limits nesting to
// 10,000 levels.
//
// Its error is a *syntaxError. A document that is not an object yields fields
// with one error, for the field "".
func decodeDocument(body []byte) (*fields, error) {
	if len(bytes.Trim(body, " \t\r\n")) == 0 {
		return nil, &syntaxError{"the body is empty"}
	}
	if !utf8.Valid(body) {
		return nil, &syntaxError{"the body is not valid UTF-8"}
	}
	var document json.RawMessage // accepts any value, so an error means bad syntax
	if err := json.Unmarshal(body, &document); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, &syntaxError{fmt.Sprintf("the body is not one JSON document: byte %d: %v", syntax.Offset, err)}
		}
		return nil, &syntaxError{"the body is not one JSON document"}
	}
	if loneSurrogate(body) {
		return nil, &syntaxError{`the body contains half a surrogate pair, as in "\ud800"`}
	}
	return newFields(document), nil
}

// loneSurrogate reports whether document has a \u escape that is only half of a
// surrogate pair. Such text is not Unicode, and encoding/json would silently
// replace it with U+FFFD. The document must be valid JSON, where a backslash
// occurs only in strings.
func loneSurrogate(document []byte) bool {
	for {
		i := bytes.IndexByte(document, '\\')
		if i < 0 {
			return false
		}
		document = document[i:]
		unit, ok := unicodeEscape(document)
		switch {
		case !ok: // a short escape, like \n
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

// unicodeEscape decodes the \u escape at the beginning of s, if there is one.
func unicodeEscape(s []byte) (unit uint64, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return unit, err == nil
}
