package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// The tests in this file check that generators can make clients from the contract that
// compile and work. Each rule prevents a fault that occurred with an earlier contract.
// The tests in test/contract/client run the generators themselves.

// reserved matches the names that generators or programming languages already use.
var reserved = regexp.MustCompile(`(?i)^(new.*|.*(response|params|jsonbody|requestbody|withdefaults)|client|server|handler|config|configuration|` +
	`error|exception|event|status|time|date|datetime|encoding|type|key|map|list|set|object|string|number|any|enum|file|model|request|api)$`)

// owned contains the endings of names in generated code. For each operation, generators
// append these endings to the operation's id to name its parameters, its answers and so
// on.
var owned = []string{"Request", "Response", "Params", "OperationRequest", "Error", "Success"}

func TestNoNameCollidesWithGeneratedCode(t *testing.T) {
	doc := openContract(t)
	taken := make(map[string]string)
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, ending := range owned {
				taken[strings.ToLower(operation.OperationID+ending)] = operation.OperationID
			}
		}
	}
	for name := range doc.Components.Schemas {
		if reserved.MatchString(name) || doc.Components.Schemas["New"+name] != nil {
			t.Errorf("the schema %s has a name that generated code or a language already uses", name)
		}
		if operation := taken[strings.ToLower(name)]; operation != "" {
			t.Errorf("the schema %s has a name that generators derive from the operation %s", name, operation)
		}
	}
	for name := range doc.Components.Schemas {
		if doc.Components.Parameters[name] != nil || doc.Components.Responses[name] != nil {
			t.Errorf("the schema %s shares its name with a parameter or a response, and generators make a type of each", name)
		}
	}
	for name := range doc.Components.SecuritySchemes {
		if reserved.MatchString(name) {
			t.Errorf("the security scheme %s has a name that generated code already uses", name)
		}
	}
}

func TestReservedNames(t *testing.T) {
	for name, want := range map[string]bool{
		"NewMessage": true, "client": true, "Event": true, "Time": true, "SendResponse": true,
		"Message": false, "MessageRequest": false, "oauth2": false, "Problem": false, "TimeZone": false,
	} {
		if got := reserved.MatchString(name); got != want {
			t.Errorf("%s is reserved: %v, want %v", name, got, want)
		}
	}
}

// place is a schema of a body or a parameter, together with its position in the contract.
type place struct {
	where  string // for example "sendMessage 202 events[] at"
	root   bool   // the schema is a component, so it has a name
	answer bool   // the schema belongs to an answer
	*openapi3.Schema
}

// places returns all schemas of the bodies and the parameters.
func places(t *testing.T) []place {
	t.Helper()
	doc := openContract(t)
	var found []place
	var walk func(where string, ref *openapi3.SchemaRef, answer bool)
	walk = func(where string, ref *openapi3.SchemaRef, answer bool) {
		if ref == nil {
			return
		}
		if len(where) > 400 {
			t.Fatalf("the schemas contain themselves: %s", where)
		}
		found = append(found, place{where, ref.Ref != "", answer, ref.Value})
		walk(where+"[]", ref.Value.Items, answer)
		for name, property := range ref.Value.Properties {
			walk(where+" "+name, property, answer)
		}
		for _, parts := range []openapi3.SchemaRefs{ref.Value.AllOf, ref.Value.OneOf, ref.Value.AnyOf} {
			for _, part := range parts {
				walk(where+" part", part, answer)
			}
		}
	}
	content := func(where string, media openapi3.Content, answer bool) {
		for _, m := range media {
			walk(where, m.Schema, answer)
		}
	}
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, p := range operation.Parameters {
				walk(operation.OperationID+" "+p.Value.Name, p.Value.Schema, false)
			}
			if operation.RequestBody != nil {
				content(operation.OperationID, operation.RequestBody.Value.Content, false)
			}
			for status, response := range operation.Responses.Map() {
				content(operation.OperationID+" "+status, response.Value.Content, true)
			}
		}
	}
	return found
}

// shapeRules contains a sentence for each rule, and a function that reports whether a
// schema breaks the rule.
var shapeRules = map[string]func(p place) bool{
	// Clients in Python, Ruby and PHP check the pattern of a time after they have
	// converted the time. So they raise an error although the message was accepted, and
	// the caller sends the message again.
	"a time must not have a pattern":   func(p place) bool { return p.Format == "date-time" && p.Pattern != "" },
	"an answer must not have patterns": func(p place) bool { return p.answer && p.Pattern != "" },
	// openapi-typescript makes a field with a default required in requests.
	"nothing may have a default": func(p place) bool { return p.Default != nil },
	// Each generator invents a different name for a schema that has no name.
	"an object must be a component":          func(p place) bool { return len(p.Properties) > 0 && !p.root },
	"an enumeration must be a component":     func(p place) bool { return len(p.Enum) > 0 && !p.root },
	"a time must not be a component":         func(p place) bool { return p.Format == "date-time" && p.root },
	"schemas must not be composed of others": func(p place) bool { return len(p.AllOf)+len(p.OneOf)+len(p.AnyOf) > 0 },
}

func TestSchemasSuitGenerators(t *testing.T) {
	found := places(t)
	if len(found) < 100 {
		t.Fatalf("only %d schemas were found, want more", len(found))
	}
	for _, p := range found {
		for rule, broken := range shapeRules {
			if broken(p) {
				t.Errorf("%s: %s", p.where, rule)
			}
		}
	}
}

func TestShapeRulesFindFaults(t *testing.T) {
	one := openapi3.SchemaRefs{openapi3.NewSchemaRef("", openapi3.NewStringSchema())}
	for rule, p := range map[string]place{
		"a time must not have a pattern":         {Schema: &openapi3.Schema{Format: "date-time", Pattern: "Z$"}},
		"an answer must not have patterns":       {answer: true, Schema: &openapi3.Schema{Pattern: "^a$"}},
		"nothing may have a default":             {Schema: &openapi3.Schema{Default: 50}},
		"an object must be a component":          {Schema: openapi3.NewObjectSchema().WithProperty("a", openapi3.NewStringSchema())},
		"an enumeration must be a component":     {Schema: openapi3.NewStringSchema().WithEnum("a")},
		"a time must not be a component":         {root: true, Schema: openapi3.NewDateTimeSchema()},
		"schemas must not be composed of others": {Schema: &openapi3.Schema{AllOf: one}},
	} {
		if !shapeRules[rule](p) {
			t.Errorf("%s: the rule does not find this fault", rule)
		}
	}
}

// Generated clients use the addresses in the contract without changing them.
func TestAddressesAreAbsolute(t *testing.T) {
	doc := openContract(t)
	var addresses []string
	for _, server := range doc.Servers {
		addresses = append(addresses, server.URL)
	}
	for _, scheme := range doc.Components.SecuritySchemes {
		addresses = append(addresses, scheme.Value.Flows.ClientCredentials.TokenURL)
	}
	if len(addresses) < 2 {
		t.Fatalf("the contract has the addresses %q, want a server and a token endpoint", addresses)
	}
	for _, address := range addresses {
		if u, err := url.Parse(address); err != nil || u.Scheme == "" || u.Host == "" {
			t.Errorf("the address %q is not absolute", address)
		}
	}
}

// TestWholeExamplesAreAccepted posts the bodies that generators and Swagger UI compose
// from the examples of single fields. Readers try these bodies out, so each body must be valid on the current
// date.
func TestWholeExamplesAreAccepted(t *testing.T) {
	schemas := openContract(t).Components.Schemas
	for _, name := range []string{"MessageRequest", "BatchMessageRequest"} {
		schema := schemas[name].Value
		for composer, body := range map[string]any{
			"with the example of the object":                  schema.Example,
			"with the fields that have examples":              composed(schema, false),
			"with the fields that have examples, enums added": composed(schema, true),
		} {
			t.Run(name+" "+composer, func(t *testing.T) {
				path, document := "/v1/sms", body
				if name == "BatchMessageRequest" {
					path, document = "/v1/sms/batch", map[string]any{"messages": []any{body}}
				}
				text, err := json.Marshal(document)
				if err != nil {
					t.Fatal(err)
				}
				d := deploy(t)
				d.clock.Advance(time.Since(d.clock.Now()))
				response := d.do(t, http.MethodPost, path, string(text))
				status := response.status
				if path == "/v1/sms/batch" && status == http.StatusOK {
					status = decode[batchResults](t, response).Results[0].Status
				}
				if status != http.StatusAccepted {
					t.Errorf("%s was answered with %d: %s", text, status, response.body)
				}
			})
		}
	}
}

// composed makes an object from the examples of a schema's fields. If the parameter
// `enums` is true, a field without an example gets the first value of its enumeration.
func composed(schema *openapi3.Schema, enums bool) map[string]any {
	body := make(map[string]any)
	for name, property := range schema.Properties {
		switch {
		case property.Value.Example != nil:
			body[name] = property.Value.Example
		case enums && len(property.Value.Enum) > 0:
			body[name] = property.Value.Enum[0]
		case slices.Contains(schema.Required, name):
			body[name] = "string"
		}
	}
	return body
}
