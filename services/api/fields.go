package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// fieldError is one element of the errors of a 422 problem. Detail continues a
// sentence that begins with the name of the field: "is missing".
type fieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Limits on the unknown fields that an error lists, and on the length of each
// name in characters. They keep an error from growing much larger than the
// document that caused it.
const (
	maxUnknown    = 20
	maxNameLength = 64
)

// fields reads the fields of one JSON object and collects their errors, the
// first one of each field. Read every field that is allowed, then call Unknown,
// then Errors.
//
// The methods named after a type return a value and whether it is valid. A
// missing field is not valid, but is not an error either.
type fields struct {
	names    []string // in the document's order, each once
	values   map[string]json.RawMessage
	repeated map[string]bool
	asked    map[string]bool
	object   bool
	errors   []fieldError
}

// newFields returns the fields of a valid JSON document. If the document is not
// an object, that is an error.
func newFields(document json.RawMessage) *fields {
	f := &fields{
		values:   map[string]json.RawMessage{},
		repeated: map[string]bool{},
		asked:    map[string]bool{},
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	if opening, _ := decoder.Token(); opening != json.Delim('{') {
		f.Fail("", "must be a JSON object")
		return f
	}
	f.object = true
	for decoder.More() {
		token, _ := decoder.Token()
		name, isString := token.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil || !isString {
			break // unreachable: the document is valid
		}
		if _, ok := f.values[name]; ok {
			f.repeated[name] = true
			continue
		}
		f.names = append(f.names, name)
		f.values[name] = value
	}
	return f
}

// Fail adds an error, unless the field already has one.
func (f *fields) Fail(name, detail string) {
	if !slices.ContainsFunc(f.errors, func(e fieldError) bool { return e.Field == name }) {
		f.errors = append(f.errors, fieldError{Field: name, Detail: detail})
	}
}

// Errors returns all errors found so far, or nil.
func (f *fields) Errors() []fieldError { return f.errors }

// Require adds an error for each name that is missing.
func (f *fields) Require(names ...string) {
	for _, name := range names {
		f.asked[name] = true
		if _, ok := f.values[name]; !ok && f.object {
			f.Fail(name, "is missing")
		}
	}
}

// Unknown adds an error for each field that was never read.
func (f *fields) Unknown() {
	unknown := 0
	for _, name := range f.names {
		if f.asked[name] {
			continue
		}
		unknown++
		if unknown <= maxUnknown {
			f.Fail(shorten(name), "is not a known field")
		}
	}
	if more := unknown - maxUnknown; more > 0 {
		f.Fail("", fmt.Sprintf("has %d more unknown fields", more))
	}
}

// String reads a string, which may be empty.
func (f *fields) String(name string) (string, bool) {
	raw, ok := f.raw(name)
	if !ok {
		return "", false
	}
	var value string
	if raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		f.Fail(name, "must be a string")
		return "", false
	}
	return value, true
}

// Choice reads a string that must be one of allowed.
func (f *fields) Choice(name string, allowed ...string) (string, bool) {
	value, ok := f.String(name)
	if !ok {
		return "", false
	}
	if !slices.Contains(allowed, value) {
		f.Fail(name, "must be one of "+strings.Join(allowed, ", "))
		return "", false
	}
	return value, true
}

// Objects reads an array of 1 to limit objects. Each has its own errors; an
// element that is not an object has just that error.
func (f *fields) Objects(name string, limit int) ([]*fields, bool) {
	raw, ok := f.raw(name)
	if !ok {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if opening, _ := decoder.Token(); opening != json.Delim('[') {
		f.Fail(name, "must be an array")
		return nil, false
	}
	var elements []json.RawMessage
	for decoder.More() && len(elements) <= limit { // one too many is enough to refuse
		var element json.RawMessage
		if err := decoder.Decode(&element); err != nil {
			break // unreachable: the document is valid
		}
		elements = append(elements, element)
	}
	if n := len(elements); n == 0 || n > limit {
		f.Fail(name, fmt.Sprintf("must have 1 to %d elements", limit))
		return nil, false
	}
	objects := make([]*fields, len(elements))
	for i, element := range elements {
		objects[i] = newFields(element)
	}
	return objects, true
}

// raw returns the value of a field that occurs once and is not null.
func (f *fields) raw(name string) (json.RawMessage, bool) {
	f.asked[name] = true
	raw, ok := f.values[name]
	switch {
	case !ok:
		return nil, false
	case f.repeated[name]:
		f.Fail(name, "is repeated")
		return nil, false
	case raw[0] == 'n':
		f.Fail(name, "must not be null; leave it out")
		return nil, false
	}
	return raw, true
}

func shorten(name string) string {
	if utf8.RuneCountInString(name) <= maxNameLength {
		return name
	}
	return string([]rune(name)[:maxNameLength]) + "…"
}
