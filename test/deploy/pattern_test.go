package deploy

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/smsqueue/smsqueue/tools/engines"
)

// All tests of a run share AWS's own matcher of events, and TestMain closes it.
var ruler struct {
	once    sync.Once
	matcher *engines.Matcher
	err     error
}

// Reports whether an event matches a pattern, according to AWS's own matcher. If the
// pattern is invalid, the test fails.
func matches(t testing.TB, pattern, event map[string]any) bool {
	t.Helper()
	ruler.once.Do(func() {
		// The matcher outlives this test.
		ctx := context.WithoutCancel(t.Context())
		repo, err := engines.FindRepository(ctx)
		if err != nil {
			ruler.err = err
			return
		}
		ruler.matcher, ruler.err = engines.OpenMatcher(ctx, repo)
	})
	if engines.Unavailable(ruler.err) {
		skipOrFail(t, ruler.err.Error())
	}
	if ruler.err != nil {
		t.Fatal(ruler.err)
	}
	got, err := ruler.matcher.Matches(pattern, event)
	if err != nil {
		t.Fatalf("%v: %v", pattern, err)
	}
	return got
}

func objectOrEmpty(v any) map[string]any {
	object, _ := v.(map[string]any)
	return object
}

var templateVariable = regexp.MustCompile(`<\$\.([A-Za-z_.]+)>`)

// Returns the JSON object that a pipe makes from its input template and one change. AWS
// does not document whether quotes in the values are escaped, so the values must not
// contain characters that JSON escapes. Source: Amazon EventBridge User Guide, "Amazon
// EventBridge Pipes input transformation".
func fill(t testing.TB, template string, change map[string]any) map[string]any {
	t.Helper()
	return object(t, templateVariable.ReplaceAllStringFunc(template, func(variable string) string {
		path := templateVariable.FindStringSubmatch(variable)[1]
		var value any = change
		for name := range strings.SplitSeq(path, ".") {
			value = objectOrEmpty(value)[name]
		}
		text, ok := value.(string)
		if !ok {
			t.Errorf("%s of a change is %v, not a string", path, value)
		}
		return text
	}))
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
	return v
}

func TestPatternsAreReadAsEventBridgeReadsThem(t *testing.T) {
	t.Parallel()
	needTerraform(t) // a test of patterns needs terraform as well as the matcher
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
		{"what has to be there", `{"a": [{"exists": true}]}`, `{"a": ""}`, true},
		{"what has to be there and is not", `{"a": {"b": [{"exists": true}]}}`, `{"a": {}}`, false},
		{"what has to be absent", `{"a": {"b": [{"exists": false}]}}`, `{}`, true},
		{"what has to be absent, below an object that is not there", `{"a": {"b": {"c": [{"exists": false}]}}, "d": ["x"]}`, `{"d": "x"}`, true},
		{"what has to be absent and is there", `{"a": {"b": [{"exists": false}]}}`, `{"a": {"b": ""}}`, false},
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
	t.Run("a wrong pattern is an error", func(t *testing.T) {
		if _, err := ruler.matcher.Matches(object(t, `{"a": [{"unknown": 1}]}`), object(t, `{"a": 1}`)); err == nil {
			t.Error("the matcher accepts an unknown operator")
		}
	})
}

// pipe holds those parts of the plan that choose the changes and make the events.
type pipe struct {
	patterns           []map[string]any
	template           string
	source, detailType string
}

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

// The pipe passes a change that matches at least one of its patterns.
func (p pipe) countMatches(t testing.TB, change map[string]any) int {
	t.Helper()
	n := 0
	for _, pattern := range p.patterns {
		if matches(t, pattern, change) {
			n++
		}
	}
	return n
}

// On AWS, EventBridge adds an id, an account, a time and a Region.
func (p pipe) event(t testing.TB, change map[string]any) map[string]any {
	t.Helper()
	return map[string]any{"source": p.source, "detail-type": p.detailType, "detail": fill(t, p.template, change)}
}
