package api_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestWait(t *testing.T) {
	type outcome struct {
		status int
		within time.Duration // the longest time that the answer is allowed to take
		after  time.Duration // the shortest time that the answer must take
	}
	cancel := func(d *deployment, t *testing.T, id string) {
		if r := d.do(t, http.MethodPost, "/v1/sms/"+id+"/cancel", ""); r.status != http.StatusOK {
			t.Errorf("status %d: %s", r.status, r.body)
		}
	}
	for _, tt := range []struct {
		name    string
		state   sms.Status
		query   string
		tag     string // "" means no tag; the word current is replaced by the content of the message's tag
		longest time.Duration
		change  func(d *deployment, t *testing.T, id string) // called after 3 s
		want    outcome
	}{
		{"ends when the message changes", sms.Queued, "?wait=20", "", 20 * time.Second, cancel, outcome{200, 4 * time.Second, 3 * time.Second}},
		{"ends when the message differs from If-None-Match", sms.Queued, "?wait=20", `"current"`, 20 * time.Second, cancel, outcome{200, 4 * time.Second, 3 * time.Second}},
		{"treats a star as the current tag", sms.Queued, "?wait=20", "*", 20 * time.Second, nil, outcome{304, 20 * time.Second, 20 * time.Second}},
		{"ends after its time with the unchanged message", sms.Queued, "?wait=7", "", 20 * time.Second, nil, outcome{200, 7 * time.Second, 7 * time.Second}},
		{"ends after its time with 304 if the client has the message", sms.Queued, "?wait=7", `"current"`, 20 * time.Second, nil, outcome{304, 7 * time.Second, 7 * time.Second}},
		{"lasts although a proxy made the tag weak", sms.Queued, "?wait=7", `W/"current"`, 20 * time.Second, nil, outcome{304, 7 * time.Second, 7 * time.Second}},
		{"lasts although a proxy changed the tag", sms.Queued, "?wait=7", `"current-gzip"`, 20 * time.Second, nil, outcome{304, 7 * time.Second, 7 * time.Second}},
		{"lasts although the list of tags has empty elements", sms.Queued, "?wait=7", `, "current",`, 20 * time.Second, nil, outcome{304, 7 * time.Second, 7 * time.Second}},
		{"does not happen if the client has another version", sms.Queued, "?wait=20", `"x"`, 20 * time.Second, nil, outcome{200, 0, 0}},
		{"does not happen for a final message", sms.Failed, "?wait=20", "", 20 * time.Second, nil, outcome{200, 0, 0}},
		{"does not happen for a final message that the client has", sms.Failed, "?wait=20", `"current"`, 20 * time.Second, nil, outcome{304, 0, 0}},
		{"does not happen if it is 0", sms.Queued, "?wait=0", "", 20 * time.Second, nil, outcome{200, 0, 0}},
		{"does not happen if the client does not ask for it", sms.Queued, "", "", 20 * time.Second, nil, outcome{200, 0, 0}},
		{"is limited by the deployment", sms.Queued, "?wait=20", "", 2 * time.Second, nil, outcome{200, 2 * time.Second, 2 * time.Second}},
		{"does not happen if the deployment does not allow it", sms.Queued, "?wait=20", "", 0, nil, outcome{200, 0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := deploy(t)
				d.options.MaxWait = tt.longest
				d.restart(t)
				m := d.inState(t, tt.state)
				path := "/v1/sms/" + m.ID
				var edits []edit
				if tt.tag != "" {
					inner := strings.Trim(d.do(t, http.MethodGet, path, "").header.Get("Etag"), `"`)
					tt.tag = strings.ReplaceAll(tt.tag, "current", inner)
					edits = append(edits, header("If-None-Match", tt.tag))
				}
				reads := d.store.count("get")
				var done sync.WaitGroup
				if tt.change != nil {
					done.Go(func() {
						time.Sleep(3 * time.Second) // on a virtual clock
						tt.change(d, t, m.ID)
					})
				}
				begin := time.Now()
				response := d.do(t, http.MethodGet, path+tt.query, "", edits...)
				took := time.Since(begin)
				done.Wait()
				if response.status != tt.want.status || took > tt.want.within || took < tt.want.after {
					t.Errorf("status %d after %v, want %+v", response.status, took, tt.want)
				}
				if tt.change != nil && decode[message](t, response).Status != "canceled" {
					t.Errorf("it is %s", response.body)
				}
				if n := d.store.count("get") - reads; n > 30 {
					t.Errorf("%d reads", n)
				}
			})
		})
	}
	t.Run("ends when the service ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := deploy(t)
			closing := make(chan struct{})
			d.options.MaxWait, d.options.Closing = 20*time.Second, closing
			d.restart(t)
			m := d.inState(t, sms.Queued)
			time.AfterFunc(time.Second, func() { close(closing) })
			begin := time.Now()
			r := d.do(t, http.MethodGet, "/v1/sms/"+m.ID+"?wait=20", "")
			if took := time.Since(begin); r.status != http.StatusOK || took != time.Second {
				t.Errorf("status %d after %v", r.status, took)
			}
		})
	})
	t.Run("ends when the client leaves, or the store fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := deploy(t)
			d.options.MaxWait = 20 * time.Second
			d.restart(t)
			m := d.inState(t, sms.Queued)
			ctx, cancel := context.WithTimeout(api.WithCaller(t.Context(), alice), time.Second)
			defer cancel()
			begin := time.Now()
			d.do(t, http.MethodGet, "/v1/sms/"+m.ID+"?wait=20", "", func(r *http.Request) *http.Request { return r.WithContext(ctx) })
			if took := time.Since(begin); took != time.Second {
				t.Errorf("the client left after a second, but the look-up took %v", took)
			}
			reads := d.store.count("get")
			d.store.before = func(context.Context, string, sms.Message) error {
				if d.store.count("get") > reads+5 {
					return errBroken
				}
				return nil
			}
			if r := d.do(t, http.MethodGet, "/v1/sms/"+m.ID+"?wait=20", ""); r.status != http.StatusOK {
				t.Errorf("status %d", r.status)
			}
		})
	})
	for _, wait := range []string{"", "-1", "21", "1.5", "1s", "+1", "01", "9999999999999999999999"} {
		t.Run("of "+wait+" is refused", func(t *testing.T) {
			d := deploy(t)
			m := d.inState(t, sms.Queued)
			mustBe(t, d.do(t, http.MethodGet, "/v1/sms/"+m.ID+"?wait="+wait, ""), http.StatusBadRequest, "malformed-request")
		})
	}
}
