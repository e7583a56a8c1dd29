package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

var errBroken = errors.New("connection reset by peer")

func TestFailedEnqueueIsStillAccepted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		sendAt string
		due    time.Time
	}{
		{"and due at once", "", morning},
		{"and due at its time", "2030-05-04T09:01:00Z", morning.Add(time.Minute)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			d.queue.fail = func(context.Context) error { return errBroken }
			body := goodBody
			if tt.sendAt != "" {
				body = strings.Replace(goodBody, "{", `{"sendAt": "`+tt.sendAt+`", `, 1)
			}
			got, _ := d.accepted(t, body)
			m, err := d.store.Store.Get(t.Context(), got.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sms.Due{Kind: sms.DueSend, At: tt.due}, m.Due); diff != "" {
				t.Errorf("due (-want +got):\n%s", diff)
			}
			if lines := d.log.lines(t, "message not enqueued"); len(lines) != 1 || lines[0]["message_id"] != got.ID {
				t.Errorf("log is %v", lines)
			}
		})
	}
	t.Run("and rescued later, if the record cannot be marked as due", func(t *testing.T) {
		d := deploy(t)
		d.queue.fail = func(context.Context) error { return errBroken }
		d.store.before = func(_ context.Context, call string, _ sms.Message) error {
			if call == "update" {
				return sms.ErrUnavailable
			}
			return nil
		}
		got, _ := d.accepted(t, goodBody)
		m, err := d.store.Store.Get(t.Context(), got.ID)
		if err != nil {
			t.Fatal(err)
		}
		if want := (sms.Due{Kind: sms.DueRescue, At: morning.Add(2 * time.Minute)}); m.Due != want {
			t.Errorf("the message is due %+v, want %+v", m.Due, want)
		}
	})
}

func TestStoreFailures(t *testing.T) {
	wrote := func(_ context.Context, call string, _ sms.Message, err error) error {
		if call == "create" && err == nil {
			return errBroken
		}
		return err
	}
	refused := func(err error) func(context.Context, string, sms.Message) error {
		return func(context.Context, string, sms.Message) error { return fmt.Errorf("calling: %w", err) }
	}
	for _, tt := range []struct {
		name    string
		arrange func(*deployment)
		method  string
		slug    string
	}{
		{"a write that was not carried out is unavailable", func(d *deployment) { d.store.before = refused(sms.ErrUnavailable) }, "POST", "unavailable"},
		{"a write that failed for another reason has an unknown outcome", func(d *deployment) { d.store.before = refused(errBroken) }, "POST", "outcome-unknown"},
		{"a write whose answer was lost has an unknown outcome", func(d *deployment) { d.store.after = wrote }, "POST", "outcome-unknown"},
		{"a read that was not carried out is unavailable", func(d *deployment) { d.store.before = refused(sms.ErrUnavailable) }, "GET", "unavailable"},
		{"a read that failed for another reason is unavailable", func(d *deployment) { d.store.before = refused(errBroken) }, "GET", "unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := deploy(t)
			tt.arrange(d)
			var response reply
			if tt.method == http.MethodPost {
				response = d.post(t, goodBody, key("k"))
			} else {
				response = d.do(t, http.MethodGet, "/v1/sms/"+sms.NewID(), "")
			}
			p := mustBe(t, response, http.StatusServiceUnavailable, tt.slug)
			if response.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if tt.slug == "outcome-unknown" && !strings.Contains(p.Detail, "Idempotency-Key") {
				t.Errorf("detail is %q", p.Detail)
			}
			if lines := d.log.lines(t, "request failed"); len(lines) != 1 || lines[0]["error"] == nil {
				t.Errorf("the cause is not in the log: %v", lines)
			}
		})
	}
	t.Run("repeating the request after an unknown outcome returns the message", func(t *testing.T) {
		d := deploy(t)
		d.store.after = wrote
		mustBe(t, d.post(t, goodBody, key("k")), http.StatusServiceUnavailable, "outcome-unknown")
		if n := len(d.queue.sent()); n != 0 {
			t.Errorf("%d envelopes", n)
		}
		d.store.after = nil
		_, header := d.accepted(t, goodBody, key("k"))
		if header.Get("Idempotent-Replayed") != "true" {
			t.Error("the answer is not marked as replayed")
		}
	})
}

func TestNoAnswerTakesTenSeconds(t *testing.T) {
	const longest = 9 * time.Second // the sum of the deadlines of one request
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	almost := func(ctx context.Context) error {
		deadline, ok := ctx.Deadline()
		if !ok {
			return errors.New("a call without a deadline")
		}
		time.Sleep(time.Until(deadline) - time.Millisecond) // on a virtual clock
		return nil
	}
	type taking struct {
		name  string
		store func(call int, name string) func(context.Context) error
	}
	hanging := taking{"on a hanging store", func(int, string) func(context.Context) error { return hang }}
	slow := taking{"on a slow store and a hanging queue", func(_ int, name string) func(context.Context) error {
		if name == "update" { // this update follows a failed enqueue
			return hang
		}
		return almost
	}}
	mixed := taking{"on a store that hangs in some calls", func(call int, _ string) func(context.Context) error {
		if call%3 == 0 {
			return hang
		}
		return almost
	}}
	var hundred []string
	for i := range 100 {
		hundred = append(hundred, batched("Hi", strconv.Itoa(i%90)))
	}
	repeated := func(body string) func(*testing.T, *deployment) {
		return func(t *testing.T, d *deployment) { d.accepted(t, body, key("k")) }
	}
	for _, tt := range []struct {
		name, method, path string
		state              sms.Status
		body               string
		before             func(*testing.T, *deployment)
		edits              []edit
		hanging, slow      int // the expected statuses
		wait               time.Duration
	}{
		{"a look-up", "GET", "/v1/sms/{id}", sms.Queued, "", nil, nil, 503, 200, 0},
		{"a look-up that waits", "GET", "/v1/sms/{id}?wait=10", sms.Queued, "", nil, nil, 503, 200, 10 * time.Second},
		{"a list", "GET", "/v1/sms", sms.Queued, "", nil, nil, 503, 200, 0},
		{"the status", "GET", "/v1/status", sms.Queued, "", nil, nil, 503, 503, 0},
		{"a preview", "POST", "/v1/sms/preview", "", goodBody, nil, nil, 503, 200, 0},
		{"a submission", "POST", "/v1/sms", "", goodBody, nil, nil, 503, 202, 0},
		{"a submission with a key", "POST", "/v1/sms", "", goodBody, nil, []edit{key("k")}, 503, 202, 0},
		{"a replay", "POST", "/v1/sms", "", goodBody, repeated(goodBody), []edit{key("k")}, 503, 202, 0},
		{"a refused request that may be a replay", "POST", "/v1/sms", "", strings.Replace(goodBody, "+55", "+49", 1), nil, []edit{key("k")}, 503, 422, 0},
		{"a batch", "POST", "/v1/sms/batch", "", `{"messages": [` + strings.Join(hundred, ",") + `]}`, nil, nil, 200, 200, 0},
		{"a resend", "POST", "/v1/sms/{id}/resend", sms.Failed, "", nil, nil, 503, 202, 0},
		{"a resend with a key", "POST", "/v1/sms/{id}/resend", sms.Failed, "", nil, []edit{key("k")}, 503, 202, 0},
		{"a resend that is refused and may be a replay", "POST", "/v1/sms/{id}/resend", sms.Queued, "", nil, []edit{key("k")}, 503, 409, 0},
		{"a cancel", "POST", "/v1/sms/{id}/cancel", sms.Queued, "", nil, nil, 503, 503, 0},
		{"a deletion of the text", "DELETE", "/v1/sms/{id}/message", sms.Sent, "", nil, nil, 503, 503, 0},
	} {
		for _, how := range []taking{hanging, slow, mixed} {
			t.Run(tt.name+" "+how.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := deploy(t)
					d.options.MaxWait = tt.wait
					d.options.Limits = api.Limits{PartsPerDay: 1000, MessagesPerRecipientHour: 1000}
					d.restart(t)
					target := tt.path
					if tt.state != "" {
						target = strings.Replace(target, "{id}", d.inState(t, tt.state).ID, 1)
					}
					if tt.before != nil {
						tt.before(t, d)
					}
					d.queue.fail = hang
					var calls atomic.Int64
					d.store.before = func(ctx context.Context, name string, _ sms.Message) error {
						return how.store(int(calls.Add(1)), name)(ctx)
					}
					begin := time.Now()
					response := d.do(t, tt.method, target, tt.body, tt.edits...)
					if took := time.Since(begin); took > longest+tt.wait {
						t.Errorf("the answer took %v, want %v at most", took, longest+tt.wait)
					}
					want := map[string]int{hanging.name: tt.hanging, slow.name: tt.slow}[how.name]
					if want != 0 && response.status != want {
						t.Errorf("status %d, want %d: %s", response.status, want, response.body)
					}
				})
			})
		}
	}
}

func TestClientThatLeaves(t *testing.T) {
	t.Run("before the write leaves nothing", func(t *testing.T) {
		d := deploy(t)
		ctx, cancel := context.WithCancel(api.WithCaller(t.Context(), alice))
		cancel()
		d.post(t, goodBody, func(r *http.Request) *http.Request { return r.WithContext(ctx) })
		d.mustBeUntouched(t)
	})
	t.Run("during the write does not keep the message from being accepted and enqueued", func(t *testing.T) {
		d := deploy(t)
		ctx, cancel := context.WithCancel(api.WithCaller(t.Context(), alice))
		d.store.before = func(context.Context, string, sms.Message) error { cancel(); return nil }
		d.accepted(t, goodBody, func(r *http.Request) *http.Request { return r.WithContext(ctx) })
		if n := len(d.queue.sent()); n != 1 {
			t.Errorf("%d envelopes", n)
		}
	})
}

func TestPanicIsAnInternalError(t *testing.T) {
	d := deploy(t)
	d.store.before = func(context.Context, string, sms.Message) error { panic("no transition") }
	for _, response := range []reply{d.post(t, goodBody), d.do(t, http.MethodGet, "/v1/sms/"+sms.NewID(), "")} {
		p := mustBe(t, response, http.StatusInternalServerError, "internal")
		if strings.Contains(p.Detail, "transition") {
			t.Errorf("the answer shows the cause: %q", p.Detail)
		}
	}
	if lines := d.log.lines(t, "handler panicked"); len(lines) != 2 || lines[0]["stack"] == "" {
		t.Errorf("log is %v", lines)
	}
}

func unknownLength(r *http.Request) *http.Request {
	r.ContentLength = -1
	return r
}

func brokenBody(r *http.Request) *http.Request {
	r.Body = io.NopCloser(io.MultiReader(r.Body, failingReader{}))
	return r
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzSubmit(f *testing.F) {
	for _, seed := range []string{
		goodBody, "", "{}", "[]", "null", `{"phoneNumber": null}`, goodBody + goodBody, "{\"a\":\"\xff\"}", `{"message": "\ud800"}`,
		`{"phoneNumber": "+12065550100", "message": "😀 €[]", "sendAt": "2030-05-04T12:00:00+14:00", "expiresAt": "2030-05-05T00:00:00Z"}`,
		`{"phoneNumber": "11999999999", "message": "\u0000", "reference": "\n", "maxPriceUSD": 1e-5, "onUnknown": "hold", "type": "promotional"}`,
		`{"phoneNumber": "+5511999999999", "message": "a", "sendAt": "9999-12-31T23:59:59Z", "expiresAt": "0000-01-01T00:00:00Z"}`,
		`{"phoneNumber": "+5511999999999", "message": "a", "maxPriceUSD": 1e999999999, "senderId": "abc", "entityId": "1", "templateId": "2"}`,
	} {
		f.Add(seed, "key")
	}
	d := deploy(f)
	f.Fuzz(func(t *testing.T, body, k string) {
		r := httptest.NewRequest(http.MethodPost, "/v1/sms", strings.NewReader(body))
		r.Header["Content-Type"], r.Header["Idempotency-Key"] = []string{"application/json"}, []string{k}
		r = by(alice)(r)
		response := perform(t, d.handler, r)
		if response.status >= http.StatusInternalServerError {
			t.Errorf("status %d: %s", response.status, response.body)
		}
	})
}
