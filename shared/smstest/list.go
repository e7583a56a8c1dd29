package smstest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Lists do not show these fields.
var withoutHistory = cmpopts.IgnoreFields(sms.Message{}, "Events", "EventsOmitted")

// The message is a minute older than the given age, so that every list shows it.
func (s stage) createListed(t *testing.T, age time.Duration, edit func(*sms.Message)) sms.Message {
	t.Helper()
	const settled = time.Minute
	m := s.message()
	m.CreatedAt = m.CreatedAt.Add(-settled - age)
	if edit != nil {
		edit(&m)
	}
	return s.create(t, m)
}

func (s stage) list(t *testing.T, q sms.ListQuery) (all []sms.Message, pages int) {
	t.Helper()
	const endless = 1000
	for more := true; more; more = q.After != "" {
		page, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if len(page.Messages) > q.Limit {
			t.Fatalf("a page has %d messages, want at most %d", len(page.Messages), q.Limit)
		}
		if pages++; pages > endless {
			t.Fatalf("the list has more than %d pages", endless)
		}
		all = append(all, page.Messages...)
		q.After = page.Next
	}
	return all, pages
}

// checkList waits until the list has exactly the wanted messages, the newest first.
func (s stage) checkList(t *testing.T, q sms.ListQuery, want ...sms.Message) {
	t.Helper()
	if q.Owner == "" {
		q.Owner = s.owner
	}
	eventually(t, func() string {
		got, _ := s.list(t, q)
		for _, m := range got {
			if len(m.Events) > 0 {
				t.Fatalf("a listed message has %d events, want none", len(m.Events))
			}
		}
		if d := diff(want, got, withoutHistory); d != "" {
			return "the list differs (-want +got):\n" + d
		}
		return ""
	})
}

func testLister(t *testing.T, open opener) {
	t.Run("an owner without messages has one empty page", func(t *testing.T) {
		s := open(t)
		s.checkList(t, sms.ListQuery{Limit: 10, Examine: 100})
	})

	t.Run("messages come newest first, no matter when they were stored", func(t *testing.T) {
		s := open(t)
		middle := s.createListed(t, 24*time.Hour, nil)
		oldest := s.createListed(t, 40*24*time.Hour, nil)
		newest := s.createListed(t, 0, nil)
		justBefore := s.createListed(t, time.Millisecond, nil)
		s.checkList(t, sms.ListQuery{Limit: 10, Examine: 100}, newest, justBefore, middle, oldest)
	})

	t.Run("a listed message is the current record without its events", func(t *testing.T) {
		s := open(t)
		full := s.createListed(t, 0, func(m *sms.Message) {
			id, owner, at := m.ID, m.Owner, m.CreatedAt
			*m = s.fullMessage()
			m.ID, m.Owner, m.CreatedAt = id, owner, at
		})
		claimed := s.claim(t, s.createListed(t, time.Hour, nil))
		s.checkList(t, sms.ListQuery{Limit: 10, Examine: 100}, full, claimed)
	})

	t.Run("other owners' messages are never listed", func(t *testing.T) {
		s := open(t)
		mine := s.createListed(t, 0, nil)
		theirs := s.createListed(t, 0, func(m *sms.Message) { m.Owner = "owner-" + sms.NewToken() })
		prefix := s.createListed(t, 0, func(m *sms.Message) { m.Owner = s.owner + "0" })
		s.checkList(t, sms.ListQuery{Limit: 10, Examine: 100}, mine)
		s.checkList(t, sms.ListQuery{Owner: theirs.Owner, Limit: 10, Examine: 100}, theirs)
		s.checkList(t, sms.ListQuery{Owner: prefix.Owner, Limit: 10, Examine: 100}, prefix)
	})

	for _, size := range []struct{ limit, examine int }{{1, 1}, {3, 3}, {3, 7}, {100, 100}} {
		name := fmt.Sprintf("pages of %d that examine %d show every message once", size.limit, size.examine)
		t.Run(name, func(t *testing.T) {
			s := open(t)
			var all []sms.Message
			for i := range 11 {
				all = append(all, s.createListed(t, time.Duration(i*i)*time.Hour, nil))
			}
			s.checkList(t, sms.ListQuery{Limit: size.limit, Examine: size.examine}, all...)
		})
	}

	t.Run("messages of the same millisecond are each listed once", func(t *testing.T) {
		s := open(t)
		want := make(map[string]bool)
		for range 9 {
			want[s.createListed(t, 0, nil).ID] = true
		}
		eventually(t, func() string {
			all, _ := s.list(t, sms.ListQuery{Owner: s.owner, Limit: 2, Examine: 2})
			got := make(map[string]bool)
			for _, m := range all {
				got[m.ID] = true
			}
			if len(all) != len(want) {
				return fmt.Sprintf("the list has %d messages, want %d", len(all), len(want))
			}
			return diff(want, got)
		})
	})

	t.Run("new messages do not disturb a client that reads page by page", func(t *testing.T) {
		s := open(t)
		var want []sms.Message
		for i := range 6 {
			want = append(want, s.createListed(t, time.Duration(i+1)*time.Minute, nil))
		}
		q := sms.ListQuery{Owner: s.owner, Limit: 3, Examine: 3}
		s.checkList(t, q, want...)
		first, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		s.createListed(t, 0, nil)
		s.claim(t, want[5])
		q.After = first.Next
		rest, _ := s.list(t, q)
		var ids, wantIDs []string
		for _, m := range slices.Concat(first.Messages, rest) {
			ids = append(ids, m.ID)
		}
		for _, m := range want {
			wantIDs = append(wantIDs, m.ID)
		}
		checkDiff(t, "the list", wantIDs, ids)
	})

	testListFilters(t, open)
}

func testListFilters(t *testing.T, open opener) {
	t.Run("lists can be filtered by status, number and reference, and by all of them", func(t *testing.T) {
		s := open(t)
		other := newNumber()
		a := s.createListed(t, 1*time.Minute, func(m *sms.Message) { m.Status, m.Reference = sms.Delivered, "order 1" })
		b := s.createListed(t, 2*time.Minute, func(m *sms.Message) { m.Status, m.Number = sms.Delivered, other })
		c := s.createListed(t, 3*time.Minute, func(m *sms.Message) { m.Number, m.Reference = other, "order 1" })
		d := s.createListed(t, 4*time.Minute, func(m *sms.Message) { m.Reference = "Order 1" })
		for _, query := range []struct {
			q    sms.ListQuery
			want []sms.Message
		}{
			{sms.ListQuery{}, []sms.Message{a, b, c, d}},
			{sms.ListQuery{Status: sms.Delivered}, []sms.Message{a, b}},
			{sms.ListQuery{Status: sms.Failed}, nil},
			{sms.ListQuery{Number: other}, []sms.Message{b, c}},
			{sms.ListQuery{Reference: "order 1"}, []sms.Message{a, c}},
			{sms.ListQuery{Status: sms.Delivered, Number: other}, []sms.Message{b}},
			{sms.ListQuery{Status: sms.Delivered, Number: s.number, Reference: "order 1"}, []sms.Message{a}},
			{sms.ListQuery{Number: other, Reference: "Order 1"}, nil},
		} {
			query.q.Limit, query.q.Examine = 2, 2
			s.checkList(t, query.q, query.want...)
		}
	})

	t.Run("lists filter by the current status", func(t *testing.T) {
		s := open(t)
		m := s.createListed(t, 0, nil)
		claimed := s.claim(t, m)
		s.checkList(t, sms.ListQuery{Status: sms.Queued, Limit: 10, Examine: 10})
		s.checkList(t, sms.ListQuery{Status: sms.Sending, Limit: 10, Examine: 10}, claimed)
	})

	t.Run("a list includes the time from, but not the time to", func(t *testing.T) {
		s := open(t)
		var m []sms.Message
		for i := range 4 {
			m = append(m, s.createListed(t, time.Duration(i)*time.Millisecond, nil))
		}
		old := s.createListed(t, 100*24*time.Hour, nil)
		for _, query := range []struct {
			q    sms.ListQuery
			want []sms.Message
		}{
			{sms.ListQuery{From: m[2].CreatedAt}, m[:3]},
			{sms.ListQuery{To: m[2].CreatedAt}, []sms.Message{m[3], old}},
			{sms.ListQuery{From: m[2].CreatedAt, To: m[1].CreatedAt}, m[2:3]},
			{sms.ListQuery{From: m[2].CreatedAt, To: m[2].CreatedAt}, nil},
			{sms.ListQuery{From: s.farAhead()}, nil},
			{sms.ListQuery{To: old.CreatedAt}, nil},
			{sms.ListQuery{To: old.CreatedAt.Add(time.Millisecond)}, []sms.Message{old}},
		} {
			query.q.Limit, query.q.Examine = 2, 3
			s.checkList(t, query.q, query.want...)
		}
	})

	t.Run("a page examines a limited number of records, so an empty page may have a next page", func(t *testing.T) {
		s := open(t)
		const records, examine = 20, 5
		for i := range records {
			s.createListed(t, time.Duration(i)*time.Minute, nil)
		}
		last := s.createListed(t, records*time.Minute, func(m *sms.Message) { m.Reference = "the oldest" })
		q := sms.ListQuery{Owner: s.owner, Reference: "the oldest", Limit: 5, Examine: examine}
		s.checkList(t, q, last)
		if _, pages := s.list(t, q); pages < records/examine {
			t.Errorf("a list of %d records has %d pages, although each examines up to %d records", records+1, pages, examine)
		}
	})
}
