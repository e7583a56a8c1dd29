package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// Every example must be valid on the current date, because people try the examples out.
func TestRequestExamplesAreAccepted(t *testing.T) {
	posted := 0
	for path, item := range openContract(t).Paths.Map() {
		for method, operation := range item.Operations() {
			for name, example := range requestExamples(operation) {
				posted++
				t.Run(method+" "+path+" "+name, func(t *testing.T) {
					body, err := json.Marshal(example)
					if err != nil {
						t.Fatal(err)
					}
					d := deploy(t)
					d.clock.Advance(time.Since(d.clock.Now()))
					response := d.do(t, method, "/v1"+path, string(body))
					if response.status >= http.StatusMultipleChoices {
						t.Errorf("status %d: %s", response.status, response.body)
					}
					if path != "/sms/batch" {
						return
					}
					for i, r := range decode[batchResults](t, response).Results {
						if r.Status != http.StatusAccepted {
							t.Errorf("result %d is %+v", i, r)
						}
					}
				})
			}
		}
	}
	if posted < 4 {
		t.Errorf("only %d examples were found", posted)
	}
}

func requestExamples(operation *openapi3.Operation) map[string]any {
	examples := map[string]any{}
	if operation.RequestBody == nil {
		return examples
	}
	for _, media := range operation.RequestBody.Value.Content {
		if media.Example != nil {
			examples["the example"] = media.Example
		}
		for name, example := range media.Examples {
			examples[name] = example.Value.Value
		}
	}
	return examples
}

// The page /docs fills its forms with the examples of the contract. Examples of optional
// parameters would filter a reader's first list, and would give a reader's first message
// an idempotency key that was used before.
func TestOptionalParametersHaveNoExample(t *testing.T) {
	for path, item := range openContract(t).Paths.Map() {
		for method, operation := range item.Operations() {
			for _, p := range operation.Parameters {
				if !p.Value.Required && (p.Value.Example != nil || p.Value.Examples != nil || p.Value.Schema.Value.Example != nil) {
					t.Errorf("%s %s: %s has an example", method, path, p.Value.Name)
				}
			}
		}
	}
}
