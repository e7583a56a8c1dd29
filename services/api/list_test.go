package api_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

type messageList struct {
	Messages []message
	Next     string
}

func (d *deployment) list(t testing.TB, query string, edits ...edit) messageList {
	t.Helper()
	response := d.do(t, http.MethodGet, "/v1/sms?"+query, "", edits...)
	if response.status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", query, response.status, response.body)
	}
	if strings.Contains(response.body, `"events"`) {
		t.Errorf("a list has events: %s", response.body)
	}
	list := decode[messageList](t, response)
	if link := response.header.Get("Link"); (link == "") != (list.Next == "") || !strings.Contains(link, list.Next) {
		t.Errorf("the header Link is %q, but next is %q", link, list.Next)
	}
	return list
}

func (l messageList) texts() string {
	var texts []string
	for _, m := range l.Messages {
		texts = append(texts, m.Message)
	}
	return strings.Join(texts, " ")
}

func (d *deployment) storeFive(t testing.TB) {
	t.Helper()
	for i, edit := range []func(*sms.Message){
		func(m *sms.Message) { m.Reference = "order 1" },
		func(m *sms.Message) { m.Number = "+12065550100" },
		func(m *sms.Message) { m.Reference = "order 1"; m.Status = sms.Delivered },
		func(m *sms.Message) { m.EventsOmitted = 3 },
		func(m *sms.Message) { m.Status = sms.Delivered },
		func(m *sms.Message) { m.Owner = "bob" },
	} {
		m := d.options.Rules.Accept(sms.NewID(), draft(string(rune('1'+i))), morning.Add(time.Duration(i)*time.Minute))
		edit(&m)
		d.stored(t, m)
	}
}

func TestListSelects(t *testing.T) {
	d := deploy(t)
	d.storeFive(t)
	for query, want := range map[string]string{
		"":                                     "5 4 3 2 1",
		"status=delivered":                     "5 3",
		"status=failed":                        "",
		"phoneNumber=%2B12065550100":           "2",
		"reference=order+1":                    "3 1",
		"reference=order%201&status=delivered": "3",
		"from=2030-05-04T09:02:00Z":            "5 4 3",
		"to=2030-05-04T09:02:00Z":              "2 1",
		"from=2030-05-04T06:01:00-03:00&to=2030-05-04T11:03:00%2B02:00": "3 2",
		"from=0001-01-01T00:00:00Z":                                     "5 4 3 2 1",
		"to=0001-01-01T00:00:00Z":                                       "",
		"limit=2":                                                       "5 4",
		"limit=100":                                                     "5 4 3 2 1",
	} {
		t.Run(query, func(t *testing.T) {
			if got := d.list(t, query).texts(); got != want {
				t.Errorf("the list has %q, want %q", got, want)
			}
		})
	}
	t.Run("lists only the owner's messages", func(t *testing.T) {
		bob := api.Caller{ClientID: "bob", Owner: "bob", Scopes: alice.Scopes}
		if got := d.list(t, "", by(bob)).texts(); got != "6" {
			t.Errorf("it lists %q", got)
		}
		nobody := api.Caller{ClientID: "x", Owner: "x", Scopes: alice.Scopes}
		if got := d.do(t, http.MethodGet, "/v1/sms", "", by(nobody)).body; got != `{"messages":[]}`+"\n" {
			t.Errorf("an empty list is %s", got)
		}
	})
	t.Run("lists 50 per page by default, and examines a limited number", func(t *testing.T) {
		var asked sms.ListQuery
		d.options.Store = listing{d.store, &asked}
		d.restart(t)
		d.list(t, "")
		want := sms.ListQuery{Owner: "alice", Limit: 50, Examine: 200}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("the query differs (-want +got):\n%s", diff)
		}
	})
}

type listing struct {
	api.Store
	asked *sms.ListQuery
}

func (l listing) List(ctx context.Context, q sms.ListQuery) (sms.ListPage, error) {
	*l.asked = q
	return l.Store.List(ctx, q)
}

func TestListPages(t *testing.T) {
	for _, follow := range []string{"next", "Link"} {
		t.Run("by "+follow+" show every message once", func(t *testing.T) {
			d := deploy(t)
			d.storeFive(t)
			var got []string
			target := "/v1/sms?limit=2&from=2030-01-01T00:00:00Z"
			for pages := 1; ; pages++ {
				response := d.do(t, http.MethodGet, target, "")
				list := decode[messageList](t, response)
				got = append(got, list.texts())
				if list.Next == "" {
					break
				}
				if pages > 5 {
					t.Fatal("the list does not end")
				}
				target = "/v1/sms?limit=2&from=2030-01-01T00:00:00Z&cursor=" + list.Next
				if follow == "Link" {
					target = regexp.MustCompile(`^<(.*)>; rel="next"$`).FindStringSubmatch(response.header.Get("Link"))[1]
				}
			}
			if diff := cmp.Diff([]string{"5 4", "3 2", "1"}, got); diff != "" {
				t.Errorf("the pages differ (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("are linked under the base path that the client typed", func(t *testing.T) {
		for _, base := range []string{"/sms/v1", "/prod", ""} {
			d := deploy(t)
			d.storeFive(t)
			response := d.do(t, http.MethodGet, "/v1/sms?limit=2", "", func(r *http.Request) *http.Request {
				return r.WithContext(api.WithBasePath(r.Context(), base))
			})
			if link := response.header.Get("Link"); !strings.HasPrefix(link, "<"+base+"/sms?") {
				t.Errorf("under %q, Link is %q", base, link)
			}
		}
	})
	t.Run("may change their size", func(t *testing.T) {
		d := deploy(t)
		d.storeFive(t)
		first := d.list(t, "limit=1")
		if got := d.list(t, "limit=3&cursor="+first.Next).texts(); got != "4 3 2" {
			t.Errorf("the second page is %q", got)
		}
	})
}

func TestListsHaveARate(t *testing.T) {
	const atOnce, perSecond = 100, 10
	d := deploy(t)
	bob := by(api.Caller{ClientID: "bob", Owner: "bob", Scopes: alice.Scopes})
	page := func(edits ...edit) reply { return d.do(t, http.MethodGet, "/v1/sms?status=failed", "", edits...) }
	pages := func(want int) {
		t.Helper()
		for i := range want {
			if r := page(); r.status != http.StatusOK {
				t.Fatalf("page %d of %d has status %d: %s", i+1, want, r.status, r.body)
			}
		}
		refused := page()
		mustBe(t, refused, http.StatusTooManyRequests, "too-many-requests")
		if after := refused.header.Get("Retry-After"); after != "1" {
			t.Errorf("Retry-After is %q, want 1", after)
		}
	}
	pages(atOnce)
	if n := d.store.count("list"); n != atOnce {
		t.Errorf("%d lists were read, want %d: a refused one costs nothing", n, atOnce)
	}
	if r := page(bob); r.status != http.StatusOK {
		t.Errorf("a page of another owner has status %d", r.status)
	}
	d.status(t) // other requests are not limited
	d.clock.Advance(time.Second)
	pages(perSecond)
	d.clock.Advance(time.Hour)
	pages(atOnce)
	d.clock.Advance(-time.Hour)
	mustBe(t, page(), http.StatusTooManyRequests, "too-many-requests")
	d.clock.Advance(time.Second)
	pages(perSecond)
}

func TestListRefusesABadQuery(t *testing.T) {
	d := deploy(t)
	d.storeFive(t)
	next := d.list(t, "limit=1&reference=order+1").Next
	raw, err := base64.RawURLEncoding.DecodeString(next)
	if err != nil {
		t.Fatal(err)
	}
	forged := func(edit func(string) string) string {
		return "reference=order+1&cursor=" + base64.RawURLEncoding.EncodeToString([]byte(edit(string(raw))))
	}
	for _, query := range []string{
		"status=sleeping", "status=", "status=Delivered", "status=queued&status=sent",
		"phoneNumber=12065550100", "phoneNumber=+12065550100", "phoneNumber=%2B1%20206%20555%200100", "phoneNumber=",
		"reference=", "reference=" + strings.Repeat("x", 101), "reference=%ff",
		"from=yesterday", "from=2030-05-04", "to=2030-05-04T09:00:00", "to=2030-05-04T11:03:00+02:00", "to=",
		"limit=0", "limit=101", "limit=-1", "limit=ten", "limit=1.0", "limit=", "limit=%2B5", "limit=007",
		"page=2", "Limit=5", "cursor=", "cursor=%20", "cursor=1", "cursor=abc=", "cursor=" + next,
		"reference=order+2&cursor=" + next, "reference=order+1&status=queued&cursor=" + next,
		"reference=order+1&cursor=" + next + "x",
		forged(func(s string) string { return "2" + s[1:] }),
		forged(func(s string) string { return s + "0" }),
		forged(func(s string) string { return s[:len(s)-1] }),
		forged(func(string) string { return "1" }),
		forged(func(string) string { return "1..." }),
	} {
		t.Run(query, func(t *testing.T) {
			mustBe(t, d.do(t, http.MethodGet, "/v1/sms?"+query, ""), http.StatusBadRequest, "malformed-request")
		})
	}
	t.Run("another owner's cursor", func(t *testing.T) {
		bob := api.Caller{ClientID: "bob", Owner: "bob", Scopes: alice.Scopes}
		response := d.do(t, http.MethodGet, "/v1/sms?reference=order+1&cursor="+next, "", by(bob))
		mustBe(t, response, http.StatusBadRequest, "malformed-request")
	})
	t.Run("a cursor with a position that the store does not know", func(t *testing.T) {
		d.store.after = func(context.Context, string, sms.Message, error) error {
			return &sms.InvalidError{Field: "after", Reason: "is not the end of a page"}
		}
		response := d.do(t, http.MethodGet, "/v1/sms?reference=order+1&cursor="+next, "")
		mustBe(t, response, http.StatusBadRequest, "malformed-request")
	})
}

func TestListIsAnsweredInTimeIfTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := deploy(t)
		d.store.before = func(ctx context.Context, _ string, _ sms.Message) error {
			<-ctx.Done()
			return ctx.Err()
		}
		for _, target := range []string{"/v1/sms", "/v1/status"} {
			begin := time.Now()
			mustBe(t, d.do(t, http.MethodGet, target, ""), http.StatusServiceUnavailable, "unavailable")
			if took := time.Since(begin); took > 9*time.Second {
				t.Errorf("%s took %v", target, took)
			}
		}
	})
}

func FuzzListQuery(f *testing.F) {
	d := deploy(f)
	d.storeFive(f)
	next := d.list(f, "limit=1").Next
	for _, seed := range []string{
		"", "limit=1", "cursor=" + next, "limit=1&cursor=" + next, "status=queued", "from=0001-01-01T00:00:00Z",
		"to=9999-12-31T23:59:59.999999999-23:59", "reference=%00", "a=%zz", "cursor=MS4uLg", ";", "phoneNumber=%2B12065550100",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		target := url.URL{Path: "/v1/sms", RawQuery: query}
		r, err := http.NewRequestWithContext(api.WithCaller(t.Context(), alice), http.MethodGet, target.String(), http.NoBody)
		if err != nil {
			t.Skip("no request can have such a query")
		}
		d.clock.Advance(time.Second) // so that the request stays within the limit for lists
		if response := perform(t, d.handler, r); response.status != http.StatusOK && response.status != http.StatusBadRequest {
			t.Errorf("status %d: %s", response.status, response.body)
		}
	})
}
