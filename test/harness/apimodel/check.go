package apimodel

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// Kind is a kind of violation.
type Kind string

// The kinds of violations.
const (
	Required         Kind = "required"
	Type             Kind = "type"
	Length           Kind = "length" // the length of a string or a blob
	Size             Kind = "size"   // the number of entries of a list or a map
	Range            Kind = "range"
	Pattern          Kind = "pattern"
	Enum             Kind = "enum"
	UnknownMember    Kind = "unknown member"
	UnknownOperation Kind = "unknown operation"
	UnknownService   Kind = "unknown service"
	Policy           Kind = "policy"
	Unreadable       Kind = "unreadable"
)

// Violation is one way in which a request differs from its model.
type Violation struct {
	Operation string // such as "iam CreateRole"
	Member    string // the path of the wrong value, such as "Tags[0].Key"
	Kind      Kind
	Detail    string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s: %s: %s", v.Operation, v.Member, v.Kind, v.Detail)
}

type check struct {
	*service

	models    *Models
	operation string
	found     []Violation
}

func (c *check) violates(path string, kind Kind, detail string, args ...any) {
	c.found = append(c.found, Violation{c.operation, strings.TrimPrefix(path, "."), kind, fmt.Sprintf(detail, args...)})
}

func (c *check) value(path string, m *member, v any) {
	sh := c.Shapes[m.Shape]
	if sh.Document {
		return
	}
	fits := true
	switch sh.Type {
	case "structure":
		var values map[string]any
		if values, fits = v.(map[string]any); fits {
			c.structure(path, sh, values)
		}
	case "list":
		var values []any
		if values, fits = v.([]any); fits {
			c.within(path, Size, sh, float64(len(values)))
			for i, one := range values {
				c.value(fmt.Sprintf("%s[%d]", path, i), sh.Member, one)
			}
		}
	case "map":
		var values map[string]any
		if values, fits = v.(map[string]any); fits {
			c.within(path, Size, sh, float64(len(values)))
			for _, key := range slices.Sorted(maps.Keys(values)) {
				c.value(path+" key "+key, sh.Key, key)
				c.value(path+"."+key, sh.Value, values[key])
			}
		}
	case "string":
		var text string
		if text, fits = v.(string); fits {
			c.text(path, sh, text)
		}
	case "blob":
		var size int
		if size, fits = blobSize(v); fits {
			c.within(path, Length, sh, float64(size))
		}
	case "integer", "long", "float", "double":
		var number json.Number
		if number, fits = v.(json.Number); fits {
			n, err := number.Float64()
			fits = err == nil && (sh.Type == "float" || sh.Type == "double" || n == float64(int64(n)))
			c.within(path, Range, sh, n)
		}
	case "boolean":
		_, fits = v.(bool)
	case "timestamp":
		text, isText := v.(string)
		_, isNumber := v.(json.Number)
		fits = isNumber || isText && isTime(text)
	default:
		c.violates(path, Unreadable, "the model has the unknown type %q", sh.Type)
	}
	if !fits {
		c.violates(path, Type, "got %T %.80v, want %s", v, v, sh.Type)
	}
}

func (c *check) structure(path string, sh *shape, values map[string]any) {
	known := make(map[string]string)
	for inModel, m := range sh.Members {
		known[m.name(inModel)] = inModel
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if inModel, ok := known[name]; ok {
			c.value(path+"."+inModel, sh.Members[inModel], values[name])
		} else {
			c.violates(path+"."+name, UnknownMember, "the model has no such member")
		}
	}
	for _, inModel := range sh.Required {
		if _, ok := values[sh.Members[inModel].name(inModel)]; !ok {
			c.violates(path+"."+inModel, Required, "the member is missing")
		}
	}
}

func (c *check) text(path string, sh *shape, text string) {
	c.within(path, Length, sh, float64(utf8.RuneCountInString(text)))
	c.policy(path, text)
	if sh.Enum != nil && !slices.Contains(sh.Enum, text) {
		c.violates(path, Enum, "got %q, want one of %q", text, sh.Enum)
	}
	if sh.Pattern == "" {
		return
	}
	pattern, err := wholeText(sh.Pattern)
	if err != nil {
		c.violates(path, Unreadable, "%v", err)
		return
	}
	if fits, err := pattern.MatchString(text); err != nil {
		c.violates(path, Unreadable, "%v", err)
	} else if !fits {
		c.violates(path, Pattern, "%.200q does not match %s", text, sh.Pattern)
	}
}

func (c *check) within(path string, kind Kind, sh *shape, n float64) {
	if sh.Min != nil && n < *sh.Min {
		c.violates(path, kind, "got %v, want at least %v", n, *sh.Min)
	}
	if sh.Max != nil && n > *sh.Max {
		c.violates(path, kind, "got %v, want at most %v", n, *sh.Max)
	}
}

// isTime reports whether a text is a time in one of the forms that AWS's protocols use.
func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	if err != nil {
		_, err = http.ParseTime(text)
	}
	return err == nil
}

func blobSize(v any) (int, bool) {
	switch v := v.(type) {
	case []byte:
		return len(v), true
	case string:
		plain, err := base64.StdEncoding.DecodeString(v)
		return len(plain), err == nil
	}
	return 0, false
}

// aboveFFFF matches the part of a Java pattern that stands for all characters above U+FFFF.
var aboveFFFF = regexp.MustCompile(`(?i)\\uD800\\uDC00-\\uDBFF\\uDFFF`)

// wholeText compiles a pattern so that only a whole text can match it, as in AWS's
// services. The pattern is in Java's syntax. It can contain lookaheads, which package
// regexp does not support.
func wholeText(pattern string) (*regexp2.Regexp, error) {
	return regexp2.Compile(`\A(?:`+aboveFFFF.ReplaceAllString(pattern, "\U00010000-\U0010FFFF")+`)\z`, regexp2.RE2)
}
