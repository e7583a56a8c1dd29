package routes_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// While a client reads one page after another, messages are added and changed. Each
// message that was older than ten seconds at the start must be shown exactly once.
func TestPagingShowsEveryMessageOnce(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store sms.Store) {
		checks := "60"
		if os.Getenv("SMSQUEUE_SOAK") != "" {
			checks = "500"
		}
		if err := flag.Set("rapid.checks", checks); err != nil {
			t.Fatal(err)
		}
		handler := newAPI(t, store, nil)
		rapid.Check(t, func(r *rapid.T) {
			p := paging{T: r, test: t, handler: handler, store: store, owner: "owner-" + sms.NewToken(), start: time.Now()}
			p.run()
		})
	})
}

type paging struct {
	*rapid.T
	test    *testing.T
	handler http.Handler
	store   sms.Store
	owner   string
	start   time.Time
	all     []sms.Message
}

var (
	references = []string{"", "order 1", "order 2"}
	numbers    = []sms.Number{"+5511999999999", "+12065550100"}
)

func (p *paging) add(at time.Time) sms.Message {
	d := draft(p.owner)
	d.Reference = rapid.SampledFrom(references).Draw(p.T, "reference")
	d.Number = rapid.SampledFrom(numbers).Draw(p.T, "number")
	m := sms.DefaultRules().Accept(sms.NewID(), d, at)
	if err := p.store.Create(p.test.Context(), m); err != nil {
		p.Fatalf("creating a message: %v", err)
	}
	p.all = append(p.all, m)
	return m
}

func (p *paging) change() {
	m := rapid.SampledFrom(p.all).Draw(p.T, "message")
	if rapid.Bool().Draw(p.T, "cancel") {
		callAs[message](p.test.Context(), p.handler, p.owner, http.MethodPost, "/v1/sms/"+m.ID+"/cancel", "")
		return
	}
	_, _ = p.store.Claim(p.test.Context(), m.Ref(), sms.DefaultRules().NewClaim("fake", time.Now()))
}

func (p *paging) run() {
	old := p.start.Add(-10*time.Second - time.Millisecond)
	for range rapid.IntRange(0, 25).Draw(p.T, "messages") {
		// Zero is in this list twice, so that many messages have the same millisecond.
		age := rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond, time.Second, 24 * time.Hour, 90 * 24 * time.Hour}).Draw(p.T, "age")
		p.add(old.Add(-age))
	}
	filters := url.Values{}
	if reference := rapid.SampledFrom(references).Draw(p.T, "reference filter"); reference != "" {
		filters.Set("reference", reference)
	}
	if rapid.Bool().Draw(p.T, "filter by number") {
		filters.Set("phoneNumber", string(numbers[0]))
	}
	if rapid.Bool().Draw(p.T, "filter by time") {
		filters.Set("from", old.Add(-time.Hour).UTC().Format(time.RFC3339Nano))
	}
	want := map[string]bool{}
	for _, m := range p.all {
		if (!filters.Has("reference") || m.Reference == filters.Get("reference")) &&
			(!filters.Has("phoneNumber") || m.Number == numbers[0]) &&
			(!filters.Has("from") || !m.CreatedAt.Before(old.Add(-time.Hour).Truncate(time.Millisecond))) {
			want[m.ID] = true
		}
	}
	p.walk(filters, want)
}

func (p *paging) walk(filters url.Values, want map[string]bool) {
	seen := map[string]bool{}
	var before time.Time
	for pages := 0; ; pages++ {
		filters.Set("limit", fmt.Sprint(rapid.IntRange(1, 10).Draw(p.T, "limit")))
		status, got := callAs[page](p.test.Context(), p.handler, p.owner, http.MethodGet, "/v1/sms?"+filters.Encode(), "")
		if status != http.StatusOK || pages > 100 {
			p.Fatalf("page %d has status %d", pages, status)
		}
		for _, m := range got.Messages {
			switch {
			case seen[m.ID]:
				p.Fatalf("message %s is shown twice", m.ID)
			case !before.IsZero() && m.CreatedAt.After(before):
				p.Fatalf("message %s, created at %v, comes after one created at %v", m.ID, m.CreatedAt, before)
			}
			seen[m.ID], before = true, m.CreatedAt
		}
		if got.Next == "" {
			break
		}
		filters.Set("cursor", got.Next)
		for range rapid.IntRange(0, 2).Draw(p.T, "changes") {
			p.change()
		}
		if rapid.Bool().Draw(p.T, "add") {
			p.add(time.Now())
		}
	}
	for id := range want {
		if !seen[id] {
			p.Fatalf("message %s is not shown", id)
		}
	}
}
