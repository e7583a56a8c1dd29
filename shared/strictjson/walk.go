package strictjson

import (
	"bytes"
	"encoding/json"
	"iter"
	"runtime"
)

// While a large document is decoded, other goroutines can run after every yieldEvery
// members. Without these breaks, a goroutine runs for up to 10 ms, and all other requests
// would wait for the decoding.
const yieldEvery = 256

// members yields the name and the value of each member of a valid JSON object or array. A
// name still has its quotes. The names of an array's members are nil. Nothing is copied.
func members(document []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		isObject := document[0] == '{'
		rest := trim(document[1:])
		for n := 1; rest[0] != '}' && rest[0] != ']'; n++ {
			if n%yieldEvery == 0 {
				runtime.Gosched()
			}
			var name []byte
			if isObject {
				name, rest = cut(rest)
				rest = trim(rest[1:]) // after the colon
			}
			var value []byte
			if value, rest = cut(rest); !yield(name, value) {
				return
			}
			if rest[0] == ',' {
				rest = trim(rest[1:])
			}
		}
	}
}

// cut returns the JSON value with which text begins, and the rest of text after that
// value and white space. text must be valid, and must not end with the value.
func cut(text []byte) (value, rest []byte) {
	end, depth := 0, 0
	for {
		switch text[end] {
		case '"':
			end += stringLength(text[end:])
		case '{', '[':
			depth++
			end++
		case '}', ']':
			depth--
			end++
		case ',', ':', ' ', '\t', '\r', '\n':
			end++
		default: // a number, true, false or null
			for !endsScalar(text[end]) {
				end++
			}
		}
		if depth == 0 {
			return text[:end], trim(text[end:])
		}
	}
}

// stringLength returns the length of the quoted string with which text begins.
func stringLength(text []byte) int {
	for at := 1; ; at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
}

func endsScalar(b byte) bool {
	switch b {
	case ',', ':', ']', '}', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

func trim(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\r' || text[0] == '\n') {
		text = text[1:]
	}
	return text
}

// unquote returns the text of a valid JSON string.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	_ = json.Unmarshal(quoted, &text) // it is valid
	return text
}
