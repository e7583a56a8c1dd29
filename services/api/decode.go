package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// syntaxError says that a body is not exactly one JSON document in UTF-8, in
// words for the client: status 400. What is wrong with the fields of a document
// is a fieldError, status 422.
type syntaxError struct{ Detail string }

func (e *syntaxError) Error() string { return "reading the body: " + e.Detail }

// decodeDocument reads a body that must be one JSON document, an object. It is
// stricter than encoding/json, which lets pass bad UTF-8, lone surrogates,
// names that stand twice or in another case, and, read as a stream, a second
// document. It takes time linear in the length of the body, whatever that
// holds; nesting is bounded by encoding/json at 10,000 and costs no stack.
//
// The error is a *syntaxError. A document that is no object is an error of the
// fields, whose field is "".
func decodeDocument(body []byte) (*fields, error) {
	if len(bytes.Trim(body, " \t\r\n")) == 0 {
		return nil, &syntaxError{"the body is empty"}
	}
	if !utf8.Valid(body) {
		return nil, &syntaxError{"the body is not valid UTF-8"}
	}
	var document json.RawMessage // takes anything, so what fails is the syntax
	if err := json.Unmarshal(body, &document); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, &syntaxError{fmt.Sprintf("the body is not one JSON document: byte %d: %v", syntax.Offset, err)}
		}
		return nil, &syntaxError{"the body is not one JSON document"}
	}
	if loneSurrogate(body) {
		return nil, &syntaxError{`the body has half a surrogate pair, as in "\ud800"`}
	}
	return newFields(document), nil
}

// loneSurrogate looks for a \u escape that is half of a surrogate pair and
// lacks the other half. Such text is no Unicode; encoding/json would quietly
// put U+FFFD in its place. The document must be valid JSON, where a backslash
// stands in strings alone.
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

// unicodeEscape reads the \u escape that s may begin with.
func unicodeEscape(s []byte) (unit uint64, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return unit, err == nil
}
