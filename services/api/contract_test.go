package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

var contract = sync.OnceValues(func() (*openapi3.T, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(api.OpenAPI)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(loader.Context, openapi3.EnableExamplesValidation(), openapi3.EnableSchemaPatternValidation())
})

func openContract(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return doc
}

// strictContract returns the contract with stricter schemas. They forbid unknown fields,
// unknown values and ill-formed values. The published contract does not forbid them,
// because clients must accept what later versions of the contract add.
var strictContract = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		return nil, err
	}
	eachSchema(doc, func(_ string, s *openapi3.Schema) {
		if len(s.Properties) > 0 {
			s.AdditionalProperties.Has = new(bool)
		}
		if values := listedValues(s); values != nil {
			s.Enum = values
		}
		for name, property := range s.Properties {
			if pattern := answerPatterns[name]; pattern != "" && property.Ref == "" {
				property.Value.Pattern = pattern
			}
			if property.Value.Format == "date-time" {
				property.Value.Pattern = `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`
			}
		}
	})
	return doc, nil
})

// answerPatterns contains the patterns that fields of answers must match. The contract
// does not contain these patterns, because a generated client would check them and raise
// an error after the message was accepted.
var answerPatterns = map[string]string{
	"id": idForm, "resendOf": idForm, "phoneNumber": `^\+[1-9][0-9]{6,14}$`,
	"next": `^[A-Za-z0-9_-]+$`, "country": `^([A-Z]{2}|001)$`,
}

const idForm = `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`

func openStrictContract(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := strictContract()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return doc
}

// listedValues returns the values of an open enumeration. They are listed in its
// description. For any other schema, listedValues returns nil.
func listedValues(s *openapi3.Schema) []any {
	list, _, open := strings.Cut(strings.Join(strings.Fields(s.Description), " "), "More values may be added.")
	if !open {
		return nil
	}
	var values []any
	for _, quoted := range regexp.MustCompile("`[^`]+`").FindAllString(list, -1) {
		values = append(values, strings.Trim(quoted, "`"))
	}
	return values
}

func eachSchema(doc *openapi3.T, visit func(component string, s *openapi3.Schema)) {
	for name, component := range doc.Components.Schemas {
		var walk func(*openapi3.SchemaRef)
		walk = func(ref *openapi3.SchemaRef) {
			if ref == nil || ref.Ref != "" { // the outer loop visits the component that is referenced
				return
			}
			visit(name, ref.Value)
			walk(ref.Value.Items)
			for _, property := range ref.Value.Properties {
				walk(property)
			}
			for _, part := range ref.Value.AllOf {
				walk(part)
			}
		}
		walk(component)
	}
}

func TestContractIsValidOpenAPI(t *testing.T) { openContract(t) }

func TestContractKnowsEveryFailureCode(t *testing.T) {
	listed := listedValues(openContract(t).Components.Schemas["Failure"].Value.Properties["code"].Value)
	var codes []any
	for _, f := range sms.Failures {
		codes = append(codes, string(f.Code))
	}
	if !slices.Equal(listed, codes) {
		t.Errorf("Failure.code lists\n%v\nbut sms.Failures has\n%v", listed, codes)
	}
}

func TestContractKnowsEveryStatus(t *testing.T) {
	listed := openContract(t).Components.Schemas["MessageStatus"].Value.Enum
	var statuses []any
	for _, s := range sms.Statuses() {
		statuses = append(statuses, string(s))
	}
	if !slices.Equal(listed, statuses) {
		t.Errorf("the enum of MessageStatus is\n%v\nbut sms.Statuses returns\n%v", listed, statuses)
	}
}

func TestContractHoldsAnswersToWhatItDeclares(t *testing.T) {
	request := httptest.NewRequest(http.MethodGet, "/v1/sms/"+sms.NewID(), nil)
	id := []string{"request-1"}
	problem := http.Header{"Content-Type": {"application/problem+json"}, "X-Request-Id": id}
	const notFound = `{"type": "urn:smsqueue:problem:not-found", "title": "a", "status": 404, "detail": "b", "instance": "c"}`
	if breach := breachOf(openStrictContract(t), request, reply{http.StatusNotFound, problem, notFound}); breach != "" {
		t.Fatalf("a valid answer breaks the contract: %s", breach)
	}
	for _, tt := range []struct {
		name     string
		response reply
	}{
		{"an undeclared status", reply{http.StatusTeapot, problem, `{}`}},
		{"a body of another shape", reply{http.StatusNotFound, problem, `{"error": "not found"}`}},
		{"a body of another type", reply{http.StatusNotFound, http.Header{"Content-Type": {"text/plain"}, "X-Request-Id": id}, "not found"}},
		{"no request id", reply{http.StatusNotFound, http.Header{"Content-Type": problem["Content-Type"]}, notFound}},
		{"a missing header", reply{http.StatusServiceUnavailable, problem,
			`{"type": "urn:smsqueue:problem:unavailable", "title": "a", "status": 503, "detail": "b", "instance": "c"}`}},
		{"an unknown slug", reply{http.StatusNotFound, problem,
			`{"type": "urn:smsqueue:problem:gone", "title": "a", "status": 404, "detail": "b", "instance": "c"}`}},
		{"an unknown field", reply{http.StatusNotFound, problem,
			`{"type": "urn:smsqueue:problem:not-found", "title": "a", "status": 404, "detail": "b", "instance": "c", "cause": "d"}`}},
		{"a 304 with a body", reply{http.StatusNotModified, http.Header{"Etag": {`"9b74c9897bac770ffc029102a200c5de"`}, "X-Request-Id": id}, "{}"}},
		{"a 304 without an ETag", reply{http.StatusNotModified, http.Header{"X-Request-Id": id}, ""}},
	} {
		t.Run(tt.name+" breaks the contract", func(t *testing.T) {
			if breach := breachOf(openStrictContract(t), request, tt.response); breach == "" {
				t.Error("found no breach of the contract, want one")
			}
		})
	}
}

// A client that is generated from the contract must not break when answers get new fields.
func TestContractClosesRequestsAlone(t *testing.T) {
	requests := []string{"MessageRequest", "BatchMessageRequest", "BatchRequest"}
	eachSchema(openContract(t), func(component string, s *openapi3.Schema) {
		closed := s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has
		if len(s.Properties) > 0 && closed != slices.Contains(requests, component) {
			t.Errorf("%s forbids unknown fields: %v", component, closed)
		}
	})
}

func TestContractDeclaresTheRequestIDOfEveryAnswer(t *testing.T) {
	for path, item := range openContract(t).Paths.Map() {
		for method, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				if response.Value.Headers["X-Request-Id"] == nil {
					t.Errorf("%s %s %s declares no X-Request-Id", method, path, status)
				}
			}
		}
	}
}

// excused contains the declared answers that the service itself never gives. Each value
// names the component that gives the answer.
var excused = map[string]string{
	"POST /sms/preview 429":        throttle,
	"GET /sms/{id} 429":            throttle,
	"POST /sms/{id}/cancel 429":    throttle,
	"DELETE /sms/{id}/message 429": throttle,
	"GET /status 429":              throttle,
}

const throttle = "the gateway's throttle"

var produced sync.Map

// When all tests of the package have run, TestMain requires that each declared answer was
// seen, except the answers in the map excused.
func TestMain(m *testing.M) {
	code := m.Run()
	whole := true
	flag.Visit(func(f *flag.Flag) {
		whole = whole && !slices.Contains([]string{"test.run", "test.skip", "test.fuzz", "test.list", "test.bench"}, f.Name)
	})
	if doc, err := contract(); code == 0 && whole && err == nil {
		for _, name := range unseen(doc) {
			fmt.Fprintf(os.Stderr, "openapi.yaml declares an answer that no test produced, or one is excused and was produced: %s\n", name)
			code = 1
		}
	}
	os.Exit(code)
}

func unseen(doc *openapi3.T) []string {
	var names []string
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				name := method + " " + path + " " + status
				if _, seen := produced.Load(name); seen == (excused[name] != "") {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

func holdToContract(t testing.TB, r *http.Request, response reply) {
	t.Helper()
	doc := openStrictContract(t)
	if path, _ := operationPath(doc, r.URL.Path); path != "" {
		produced.Store(r.Method+" "+path+" "+strconv.Itoa(response.status), true)
	}
	if breach := breachOf(doc, r, response); breach != "" {
		t.Errorf("%s %s: %d: %s", r.Method, r.URL.Path, response.status, breach)
	}
}

// breachOf describes how a response breaks the contract. It returns "" if the response
// keeps the contract.
func breachOf(doc *openapi3.T, r *http.Request, response reply) string {
	path, item := operationPath(doc, r.URL.Path)
	var operation *openapi3.Operation
	if item != nil && slices.Contains(slices.Collect(maps.Keys(item.Operations())), r.Method) {
		operation = item.GetOperation(r.Method)
	}
	if response.header.Get("X-Request-Id") == "" {
		return "the X-Request-Id is missing"
	}
	if operation == nil {
		return breachOfProblem(doc, response)
	}
	if response.status == http.StatusNotModified {
		return breachOf304(operation, response)
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r,
			Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: operation},
		},
		Status:  response.status,
		Header:  response.header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	input.SetBodyBytes([]byte(response.body))
	if err := openapi3filter.ValidateResponse(r.Context(), input); err != nil {
		return err.Error()
	}
	return ""
}

func breachOfProblem(doc *openapi3.T, response reply) string {
	if !slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnauthorized}, response.status) {
		return "an unknown operation must not have this status"
	}
	if got := response.header.Get("Content-Type"); got != "application/problem+json" {
		return "the content type is " + got
	}
	var value any
	if err := json.Unmarshal([]byte(response.body), &value); err != nil {
		return err.Error()
	}
	if err := doc.Components.Schemas["Problem"].Value.VisitJSON(value); err != nil {
		return err.Error()
	}
	return ""
}

// breachOf304 replaces openapi3filter for the status 304, because openapi3filter accepts
// every 304.
func breachOf304(operation *openapi3.Operation, response reply) string {
	switch {
	case operation.Responses.Status(http.StatusNotModified) == nil:
		return "the status is not declared"
	case response.header.Get("Etag") == "":
		return "the ETag is missing"
	case response.body != "":
		return "it has a body"
	}
	return ""
}

func operationPath(doc *openapi3.T, requested string) (string, *openapi3.PathItem) {
	below, ok := strings.CutPrefix(requested, "/v1")
	if !ok {
		return "", nil
	}
	for path, item := range doc.Paths.Map() {
		const id = `[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}`
		if regexp.MustCompile("^" + strings.ReplaceAll(path, "{id}", id) + "$").MatchString(below) {
			return path, item
		}
	}
	return "", nil
}
