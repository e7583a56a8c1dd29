package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// FieldError says what is wrong with a field, or with the whole document if Field is
// empty. Detail continues a sentence that begins with the name of the field, for example
// "is missing".
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

func (e FieldError) Error() string { return strings.TrimSpace(e.Field + " " + e.Detail) }

// These are the maximum number of unknown fields that the errors list, and the maximum
// number of characters of each name. They keep the errors from growing much larger than
// the document.
const (
	maxUnknown    = 20
	maxNameLength = 64
)

// maxKept is the maximum number of fields that are kept of an object. No valid object has
// so many fields, so all further fields are only counted.
const maxKept = 64

// Fields reads the fields of one JSON object, and collects the first error of each field.
// Read every field that is allowed; then call Unknown and Errors.
//
// A method that is named after a type returns the value of a field, and reports whether
// this value is valid. The value of a missing field is not valid, but a missing field is
// not an error.
type Fields struct {
	document []byte            // nil if the document is not an object
	names    []string          // in the document's order, each name once
	fields   map[string]*field // by name
	more     int               // the number of fields that were not kept
	errors   []FieldError
}

type field struct {
	value    []byte // a part of the document
	repeated bool
	asked    bool // whether the field was read
}

// newFields returns the fields of a valid JSON document. It adds an error if the document
// is not an object.
func newFields(document []byte) *Fields {
	f := &Fields{}
	if document[0] != '{' {
		f.Fail("", "must be a JSON object")
		return f
	}
	f.document = document
	f.names, f.fields, f.more = fieldsOf(document, maxKept)
	return f
}

// fieldsOf returns at most the given number of fields of an object, with their names in
// the document's order. It also returns the number of members after these fields.
func fieldsOf(object []byte, limit int) (names []string, fields map[string]*field, more int) {
	fields = make(map[string]*field)
	for quoted, value := range members(object) {
		if len(names) == limit {
			more++
			continue
		}
		name := unquote(quoted)
		if first, ok := fields[name]; ok {
			first.repeated = true
			continue
		}
		names = append(names, name)
		fields[name] = &field{value: value}
	}
	return names, fields, more
}

// all yields every field, however many there are.
func (f *Fields) all() iter.Seq2[string, *field] {
	return func(yield func(string, *field) bool) {
		if !f.IsObject() {
			return
		}
		names, fields, _ := fieldsOf(f.document, math.MaxInt)
		for _, name := range names {
			if !yield(name, fields[name]) {
				return
			}
		}
	}
}

// Fail adds an error for the field, unless the field already has an error.
func (f *Fields) Fail(name, detail string) {
	if !slices.ContainsFunc(f.errors, func(e FieldError) bool { return e.Field == name }) {
		f.errors = append(f.errors, FieldError{Field: name, Detail: detail})
	}
}

// Errors returns all errors found so far, or nil.
func (f *Fields) Errors() []FieldError { return f.errors }

// IsObject reports whether the document is an object.
func (f *Fields) IsObject() bool { return f.document != nil }

// Require adds an error for each name that is missing.
func (f *Fields) Require(names ...string) {
	for _, name := range names {
		if f.fields[name] == nil && f.IsObject() {
			f.Fail(name, "is missing")
		}
	}
}

// Unknown adds an error for each field that was never read.
func (f *Fields) Unknown() {
	unknown := f.more
	listed := 0
	for _, name := range f.names {
		if f.fields[name].asked {
			continue
		}
		unknown++
		if listed < maxUnknown {
			listed++
			f.Fail(shorten(name), "is not a known field")
		}
	}
	if more := unknown - listed; more > 0 {
		f.Fail("", fmt.Sprintf("has %d more unknown fields", more))
	}
}

// Ignore makes a later call of Unknown accept the fields that have not been read.
func (f *Fields) Ignore() {
	f.more = 0
	for _, unread := range f.fields {
		unread.asked = true
	}
}

// String reads a string, which may be empty.
func (f *Fields) String(name string) (string, bool) {
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

// Strings reads an array of one or more strings, all different.
func (f *Fields) Strings(name string) ([]string, bool) {
	raw, ok := f.raw(name)
	if !ok {
		return nil, false
	}
	var elements []*string // null becomes nil
	if raw[0] != '[' || json.Unmarshal(raw, &elements) != nil || slices.Contains(elements, nil) {
		f.Fail(name, "must be an array of strings")
		return nil, false
	}
	if len(elements) == 0 {
		f.Fail(name, "must not be empty; leave it out")
		return nil, false
	}
	values := make([]string, len(elements))
	for i, element := range elements {
		if slices.Contains(values[:i], *element) {
			f.Fail(name, fmt.Sprintf("must not repeat %q", *element))
			return nil, false
		}
		values[i] = *element
	}
	return values, true
}

// Choice reads a string that must be one of the allowed strings.
func (f *Fields) Choice(name string, allowed ...string) (string, bool) {
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

// Each passes the value of every field to the function visit. All values must be objects. If visit does not
// read a field of an object, Each adds an error for this field. Each returns all errors of f and of the
// objects. Each error names its object by kind and name, for example: client "a".
func (f *Fields) Each(kind string, visit func(name string, object *Fields)) error {
	var errs []error
	for name, member := range f.all() {
		value, ok := f.check(name, member)
		if !ok {
			continue
		}
		object := newFields(value)
		visit(name, object)
		object.Unknown()
		for _, wrong := range object.errors {
			errs = append(errs, fmt.Errorf("%s %q: %w", kind, name, wrong))
		}
	}
	for _, wrong := range f.errors {
		errs = append(errs, wrong)
	}
	return errors.Join(errs...)
}

// Objects reads an array that has at least one object, and no more objects than limit.
// Each object collects its own errors. For an element that is not an object, the only
// error is that it is not an object.
func (f *Fields) Objects(name string, limit int) ([]*Fields, bool) {
	raw, ok := f.raw(name)
	if !ok {
		return nil, false
	}
	if raw[0] != '[' {
		f.Fail(name, "must be an array")
		return nil, false
	}
	var elements [][]byte
	for _, element := range members(raw) {
		elements = append(elements, element)
		if len(elements) > limit { // there is at least one object too many, so the array is refused
			break
		}
	}
	if n := len(elements); n == 0 || n > limit {
		f.Fail(name, fmt.Sprintf("must have 1 to %d elements", limit))
		return nil, false
	}
	objects := make([]*Fields, len(elements))
	for i, element := range elements {
		objects[i] = newFields(element)
	}
	return objects, true
}

// raw returns the value of a field. The field must occur only once, and its value must
// not be null.
func (f *Fields) raw(name string) ([]byte, bool) {
	found := f.fields[name]
	if found == nil {
		return nil, false
	}
	return f.check(name, found)
}

func (f *Fields) check(name string, found *field) ([]byte, bool) {
	found.asked = true
	switch {
	case found.repeated:
		f.Fail(name, "is repeated")
		return nil, false
	case found.value[0] == 'n':
		f.Fail(name, "must not be null; leave it out")
		return nil, false
	}
	return found.value, true
}

func shorten(name string) string {
	if utf8.RuneCountInString(name) <= maxNameLength {
		return name
	}
	return string([]rune(name)[:maxNameLength]) + "…"
}
