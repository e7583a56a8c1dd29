package deploy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// matches reports whether event matches pattern by EventBridge's rules. It knows only the
// operators that this repository uses, and fails the test for any other. Source: Amazon
// EventBridge User Guide, "Comparison operators for use in event patterns", where it says
// what pipes support.
func matches(t testing.TB, pattern, event map[string]any) bool {
	t.Helper()
	for name, want := range pattern {
		switch want := want.(type) {
		case map[string]any:
			if !matches(t, want, part(event[name])) {
				return false
			}
		case []any:
			if name == "$or" {
				if !slices.ContainsFunc(want, func(p any) bool { return matches(t, part(p), event) }) {
					return false
				}
				continue
			}
			value, there := event[name]
			if !slices.ContainsFunc(want, func(w any) bool { return matchesValue(t, w, value, there) }) {
				return false
			}
		default:
			t.Fatalf("the pattern's value %v for %s is neither a list nor an object", want, name)
		}
	}
	return true
}

// matchesValue reports whether a field's value matches one alternative of the pattern. If
// the event lacks the field, present is false.
func matchesValue(t testing.TB, want, value any, present bool) bool {
	t.Helper()
	operator, ok := want.(map[string]any)
	if !ok {
		return present && cmp.Equal(want, value)
	}
	if exists, ok := operator["exists"].(bool); ok && len(operator) == 1 {
		return exists == present
	}
	if others, ok := operator["anything-but"].([]any); ok && len(operator) == 1 {
		return present && !slices.Contains(others, value)
	}
	t.Fatalf("the pattern has the unknown operator %v", operator)
	return false
}

// part returns v if v is an object, and an empty object otherwise.
func part(v any) map[string]any {
	object, _ := v.(map[string]any)
	return object
}

var templateVariable = regexp.MustCompile(`"<\$\.([A-Za-z_.]+)>"`)

// fill returns what a pipe makes from its input template and one change. The template is
// JSON with quoted variables. If a variable has no value, the test fails.
func fill(t testing.TB, template string, change map[string]any) map[string]any {
	t.Helper()
	filled := templateVariable.ReplaceAllStringFunc(template, func(variable string) string {
		path := templateVariable.FindStringSubmatch(variable)[1]
		var value any = change
		for name := range strings.SplitSeq(path, ".") {
			value = part(value)[name]
		}
		text, ok := value.(string)
		if !ok {
			t.Errorf("%s of a change is %v, not a string", path, value)
		}
		quoted, _ := json.Marshal(text) // a string can always be encoded
		return string(quoted)
	})
	return object(t, filled)
}

// object reads a JSON object.
func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
	return v
}

func TestPatternsAreReadAsEventBridgeReadsThem(t *testing.T) {
	tests := []struct {
		name, pattern, event string
		want                 bool
	}{
		{"a listed value", `{"a": {"b": ["x", "y"]}}`, `{"a": {"b": "y"}, "c": 1}`, true},
		{"a value that is not listed", `{"a": {"b": ["x"]}}`, `{"a": {"b": "y"}}`, false},
		{"an absent value", `{"a": {"b": ["x"]}}`, `{"c": 1}`, false},
		{"one of two fields does not match", `{"a": ["x"], "b": ["y"]}`, `{"a": "x", "b": "x"}`, false},
		{"anything but", `{"a": [{"anything-but": ["x"]}]}`, `{"a": "y"}`, true},
		{"anything but, of an excepted value", `{"a": [{"anything-but": ["x"]}]}`, `{"a": "x"}`, false},
		{"anything but of an absent value", `{"a": {"b": [{"anything-but": ["x"]}]}}`, `{}`, false},
		{"a field that must exist, and does", `{"a": [{"exists": true}]}`, `{"a": ""}`, true},
		{"a field that must exist, and does not", `{"a": {"b": [{"exists": true}]}}`, `{"a": {}}`, false},
		{"a field that must not exist, and does not", `{"a": {"b": [{"exists": false}]}}`, `{}`, true},
		{"one of several patterns", `{"$or": [{"a": ["x"]}, {"b": ["x"]}]}`, `{"b": "x"}`, true},
		{"none of several patterns", `{"$or": [{"a": ["x"]}, {"b": ["x"]}]}`, `{"a": "y", "b": "y"}`, false},
		{"one of several patterns, while another field does not match", `{"c": ["x"], "$or": [{"a": ["x"]}, {"b": ["x"]}]}`, `{"b": "x"}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := matches(t, object(t, tt.pattern), object(t, tt.event)); got != tt.want {
				t.Errorf("%s matches %s: %t, want %t", tt.pattern, tt.event, got, tt.want)
			}
		})
	}
}

// pipe holds the parts of Terraform's plan that decide which changes become events, and
// what the events contain.
type pipe struct {
	patterns           []map[string]any
	template           string
	source, detailType string
}

// readPipe reads the pipe from a state.
func readPipe(t *testing.T, state stateModule) pipe {
	t.Helper()
	var all []pipe
	for _, r := range state.all("aws_pipes_pipe") {
		var values struct {
			Source []struct {
				Criteria []struct {
					Filter []struct{ Pattern string } `json:"filter"`
				} `json:"filter_criteria"`
			} `json:"source_parameters"`
			Target []struct {
				Template string `json:"input_template"`
				Bus      []struct {
					Source     string `json:"source"`
					DetailType string `json:"detail_type"`
				} `json:"eventbridge_event_bus_parameters"`
			} `json:"target_parameters"`
		}
		r.read(t, &values)
		p := pipe{
			template: values.Target[0].Template,
			source:   values.Target[0].Bus[0].Source, detailType: values.Target[0].Bus[0].DetailType,
		}
		for _, f := range values.Source[0].Criteria[0].Filter {
			p.patterns = append(p.patterns, object(t, f.Pattern))
		}
		all = append(all, p)
	}
	if len(all) != 1 {
		t.Fatalf("there are %d pipes, want one", len(all))
	}
	return all[0]
}

// passes returns how many of the pipe's patterns match change. The pipe passes a change
// that matches at least one.
func (p pipe) passes(t testing.TB, change map[string]any) int {
	t.Helper()
	n := 0
	for _, pattern := range p.patterns {
		if matches(t, pattern, change) {
			n++
		}
	}
	return n
}

// event returns the event that a rule on the bus gets for change. On AWS, EventBridge
// adds an id, an account, a time and a Region.
func (p pipe) event(t testing.TB, change map[string]any) map[string]any {
	t.Helper()
	return map[string]any{"source": p.source, "detail-type": p.detailType, "detail": fill(t, p.template, change)}
}

// String returns the pattern as JSON, for failure messages.
func (p pipe) String() string { return fmt.Sprintf("%v", p.patterns) }
