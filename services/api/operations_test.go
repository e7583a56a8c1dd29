package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

const goodBatch = `{"messages": [` + goodBody + `]}`

// operation is an operation in openapi.yaml, together with a valid request.
type operation struct {
	method, path, body string
	scope              string
}

var operations = []operation{
	{"POST", "/v1/sms", goodBody, api.ScopeSend},
	{"GET", "/v1/sms", "", api.ScopeRead},
	{"POST", "/v1/sms/batch", goodBatch, api.ScopeSend},
	{"POST", "/v1/sms/preview", goodBody, api.ScopeSend},
	{"GET", "/v1/sms/{id}", "", api.ScopeRead},
	{"POST", "/v1/sms/{id}/cancel", "", api.ScopeSend},
	{"POST", "/v1/sms/{id}/resend", "", api.ScopeSend},
	{"DELETE", "/v1/sms/{id}/message", "", api.ScopeSend},
	{"GET", "/v1/status", "", api.ScopeRead},
}

func TestOperationsAreThoseOfTheContract(t *testing.T) {
	listed := map[string]bool{}
	for _, o := range operations {
		listed[o.method+" "+strings.TrimPrefix(o.path, "/v1")] = true
	}
	takesBody := map[string]bool{}
	for _, o := range operations {
		takesBody[o.method+" "+strings.TrimPrefix(o.path, "/v1")] = o.body != ""
	}
	declared := 0
	for path, item := range openContract(t).Paths.Map() {
		for method, operation := range item.Operations() {
			declared++
			if (operation.RequestBody != nil) != takesBody[method+" "+path] {
				t.Errorf("%s %s: a body is declared and not tested, or tested and not declared", method, path)
			}
			if !listed[method+" "+path] {
				t.Errorf("%s %s is not tested", method, path)
			}
		}
	}
	if declared != len(operations) {
		t.Errorf("%d operations are declared, but %d are tested", declared, len(operations))
	}
}

func each(t *testing.T, test func(t *testing.T, d *deployment, o operation)) {
	t.Helper()
	for _, o := range operations {
		t.Run(o.method+" "+o.path, func(t *testing.T) { test(t, deploy(t), o) })
	}
}

func (o operation) pathFor(id string) string { return strings.Replace(o.path, "{id}", id, 1) }

func TestEveryOperationRequiresItsCallerAndScope(t *testing.T) {
	each(t, func(t *testing.T, d *deployment, o operation) {
		target := o.pathFor(sms.NewID())
		mustBe(t, d.do(t, o.method, target, o.body, nobody), http.StatusUnauthorized, "unauthorized")
		other := alice
		other.Scopes = []string{api.ScopeRead, "sms/other"}
		if o.scope == api.ScopeRead {
			other.Scopes[0] = api.ScopeSend
		}
		p := mustBe(t, d.do(t, o.method, target, o.body, by(other)), http.StatusForbidden, "insufficient-scope")
		if !strings.Contains(p.Detail, o.scope) {
			t.Errorf("detail %q does not name %s", p.Detail, o.scope)
		}
		d.mustBeUntouched(t)
	})
}

func TestEveryOperationRefusesAnUnknownQueryParameter(t *testing.T) {
	each(t, func(t *testing.T, d *deployment, o operation) {
		mustBe(t, d.do(t, o.method, o.pathFor(sms.NewID())+"?dryRun=1", o.body), http.StatusBadRequest, "malformed-request")
		d.mustBeUntouched(t)
	})
}

func TestNoOperationFindsOthersMessages(t *testing.T) {
	each(t, func(t *testing.T, d *deployment, o operation) {
		if !strings.Contains(o.path, "{id}") {
			return
		}
		theirs := d.options.Rules.Accept(sms.NewID(), draft("Hi"), morning)
		theirs.Owner = "bob"
		d.stored(t, theirs)
		var answers []string
		for _, id := range []string{theirs.ID, sms.NewID()} {
			response := d.do(t, o.method, o.pathFor(id), o.body, func(r *http.Request) *http.Request {
				return r.WithContext(api.WithRequestID(r.Context(), "request-1"))
			})
			mustBe(t, response, http.StatusNotFound, "not-found")
			answers = append(answers, response.body)
		}
		if answers[0] != answers[1] {
			t.Errorf("they differ:\n%s", answers)
		}
		d.mustBeUntouched(t)
	})
}

func TestEveryOperationLimitsItsBody(t *testing.T) {
	each(t, func(t *testing.T, d *deployment, o operation) {
		if o.body == "" {
			return
		}
		large := o.body + strings.Repeat(" ", 32<<10)
		if o.path == "/v1/sms/batch" {
			if r := d.do(t, o.method, o.path, large); r.status != http.StatusOK {
				t.Errorf("a batch of more than 32 KiB has status %d", r.status)
			}
			d = deploy(t)
			large = o.body + strings.Repeat(" ", 3<<20)
		}
		mustBe(t, d.do(t, o.method, o.path, large), http.StatusRequestEntityTooLarge, "body-too-large")
		mustBe(t, d.do(t, o.method, o.path, o.body, header("Content-Type", "text/plain")), http.StatusUnsupportedMediaType, "unsupported-media-type")
		mustBe(t, d.do(t, o.method, o.path, o.body+o.body), http.StatusBadRequest, "malformed-request")
		mustBe(t, d.do(t, o.method, o.path, `[]`), http.StatusUnprocessableEntity, "invalid-fields")
		mustBe(t, d.do(t, o.method, o.path, `{}`), http.StatusUnprocessableEntity, "invalid-fields")
		d.mustBeUntouched(t)
	})
}

func TestEveryOperationWithoutABodyRefusesOne(t *testing.T) {
	each(t, func(t *testing.T, d *deployment, o operation) {
		if o.body != "" {
			return
		}
		m := d.inState(t, sms.Canceled)
		for name, edits := range map[string][]edit{
			"":                               nil,
			" without a type":                {header("Content-Type")},
			" of unknown length":             {unknownLength},
			" that has not arrived":          {brokenBody},
			" that never arrives completely": {unknownLength, brokenBody},
		} {
			body := `{"message": "another"}`
			if name == " that never arrives completely" {
				body = " " // reading the body fails only after its first byte
			}
			p := mustBe(t, d.do(t, o.method, o.pathFor(m.ID), body, edits...), http.StatusBadRequest, "malformed-request")
			if want := "This operation takes no body."; p.Detail != want && body != " " {
				t.Errorf("with a body%s, the detail is %q, want %q", name, p.Detail, want)
			}
		}
		unreadable := func(r *http.Request) *http.Request {
			r.Body = io.NopCloser(failingReader{})
			return unknownLength(r)
		}
		if p := mustBe(t, d.do(t, o.method, o.pathFor(m.ID), "", unreadable), http.StatusBadRequest, "malformed-request"); p.Detail == "" {
			t.Error("a body that cannot be read has no detail")
		}
		d.mustBeUntouched(t)
		for _, edits := range [][]edit{nil, {header("Content-Type", "application/json")}, {unknownLength}} {
			if r := d.do(t, o.method, o.pathFor(m.ID), "", edits...); r.status >= 300 {
				t.Errorf("without a body: status %d: %s", r.status, r.body)
			}
		}
	})
}

func TestEveryAnswerHasTheRequestIDOfItsLog(t *testing.T) {
	each(t, func(t *testing.T, d *deployment, o operation) {
		for _, edits := range [][]edit{nil, {nobody}} {
			response := d.do(t, o.method, o.pathFor(sms.NewID()), o.body, edits...)
			lines := d.log.lines(t, "request")
			if got := response.header.Get("X-Request-Id"); got == "" || got != lines[len(lines)-1]["request_id"] {
				t.Errorf("X-Request-Id is %q, but the log has %v", got, lines[len(lines)-1])
			}
			if response.status >= 400 && decode[problem](t, response).Instance != response.header.Get("X-Request-Id") {
				t.Errorf("the instance is not the request's: %s", response.body)
			}
		}
	})
}

func TestEveryOperationSaysWhenTheStoreFails(t *testing.T) {
	each(t, func(t *testing.T, d *deployment, o operation) {
		d.options.Limits = api.Limits{PartsPerDay: 1}
		d.restart(t)
		d.store.before = func(context.Context, string, sms.Message) error { return fmt.Errorf("calling: %w", sms.ErrUnavailable) }
		response := d.do(t, o.method, o.pathFor(sms.NewID()), o.body)
		if o.path == "/v1/sms/batch" {
			results := decode[batchResults](t, response).Results
			if response.status != http.StatusOK || len(results) != 1 || results[0].Status != http.StatusServiceUnavailable {
				t.Errorf("status %d: %s", response.status, response.body)
			}
			return
		}
		mustBe(t, response, http.StatusServiceUnavailable, "unavailable")
		if response.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
}

func TestEveryOperationSurvivesAPanic(t *testing.T) {
	each(t, func(t *testing.T, d *deployment, o operation) {
		d.options.Limits = api.Limits{PartsPerDay: 1}
		d.restart(t)
		d.store.before = func(context.Context, string, sms.Message) error { panic("no transition") }
		response := d.do(t, o.method, o.pathFor(sms.NewID()), o.body)
		if o.path == "/v1/sms/batch" { // in a batch, a panic becomes a problem of one message
			if results := decode[batchResults](t, response).Results; len(results) != 1 || results[0].Status != http.StatusInternalServerError {
				t.Errorf("status %d: %s", response.status, response.body)
			}
			d.store.before = nil
			d.queue.fail = func(context.Context) error { panic("no transition") }
			response = d.do(t, o.method, o.path, o.body)
		}
		p := mustBe(t, response, http.StatusInternalServerError, "internal")
		if strings.Contains(p.Detail, "transition") {
			t.Errorf("the answer shows the cause: %q", p.Detail)
		}
	})
}
