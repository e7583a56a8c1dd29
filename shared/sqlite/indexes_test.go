package sqlite

import (
	"database/sql"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// No statement is allowed to read a whole table or to sort.
func TestQueriesUseIndexes(t *testing.T) {
	db, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, rules, now := t.Context(), sms.DefaultRules(), time.Now()
	must := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	draft := sms.Draft{Owner: "acme", Request: sms.Request{Number: "+5511999999999", Text: "hello"}}
	m := rules.Accept(sms.NewID(), draft, now)
	must(db.Create(ctx, m), db.Create(ctx, m))
	_, err = db.Postpone(ctx, sms.DueEntry{Ref: m.Ref(), Due: m.Due}, sms.Due{Kind: sms.DueSend, At: now})
	must(err)
	m, err = db.Claim(ctx, m.Ref(), rules.NewClaim("fake", now))
	must(err)
	m.HandOvers[0].Answer, m.HandOvers[0].ProviderMessageID = sms.AnswerNone, "c1"
	unanswered := m
	unanswered.HandOvers = []sms.HandOver{m.HandOvers[0]}
	m.HandOvers = nil
	m, err = db.Update(ctx, m, unanswered)
	must(err)
	_, err = db.Update(ctx, sms.Message{ID: m.ID}, m)
	if err == nil {
		t.Fatal("an update without a revision succeeded")
	}
	_, err = db.FindByProviderRef(ctx, sms.ProviderRef{Provider: "fake", MessageID: "c1"})
	must(err)
	_, err = db.Unmatched(ctx, m.Number)
	must(err)
	_, err = db.Due(ctx, sms.DueQuery{Kind: sms.DueLease, Until: now, Limit: 10})
	must(err)
	for _, owner := range []string{"", "acme"} {
		_, err = db.List(ctx, sms.ListQuery{Owner: owner, Limit: 10, Examine: 10})
		must(err)
	}
	k := sms.Receipt{Provider: "fake", Number: m.Number, Verdict: sms.VerdictVoid}.Pending(now)
	must(db.Keep(ctx, k), db.Forget(ctx, k))
	_, err = db.DueReceipts(ctx, time.Time{}, now, 10)
	must(err)
	for range 2 {
		b, err := db.LoadBreaker(ctx)
		must(err, db.SaveBreaker(ctx, b))
	}
	count := sms.CountParts("owner", 1, 10, now)
	must(db.Count(ctx, count), db.Count(ctx, count.GiveBack()))
	_, err = db.Purge(ctx, 10)
	must(err)
	q := db.Queue()
	must(q.Send(ctx, sms.Envelope{Ref: m.Ref()}))
	received, err := q.Dequeue(ctx, 1, 0)
	must(err, q.Delete(ctx, received...))
	_, err = q.Backlog(ctx)
	must(err)

	for _, f := range []*file{db.messages, q.file} {
		for _, reading := range []*statements{f.statements, f.lists} {
			for query := range reading.prepared {
				checkPlan(t, f, query)
			}
		}
		// Only the committer's goroutine is allowed to read the committer's statements. A
		// write runs in that goroutine.
		var written []string
		must(f.commit(ctx, func(t *tx) error {
			for query := range t.prepared {
				written = append(written, query)
			}
			return nil
		}))
		for _, query := range written {
			checkPlan(t, f, query)
		}
	}
}

var statement = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE)`)

func checkPlan(t *testing.T, f *file, query string) {
	t.Helper()
	if !statement.MatchString(query) {
		return
	}
	args := make([]any, strings.Count(query, "?"))
	// EXPLAIN only reads, so a connection that cannot write is enough.
	rows, err := f.pools[0].QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var ignored sql.RawBytes
		var detail string
		if err := rows.Scan(&ignored, &ignored, &ignored, &detail); err != nil {
			t.Fatal(err)
		}
		// SQLite lists the search inside a subquery separately.
		scans := strings.HasPrefix(detail, "SCAN") && !strings.HasPrefix(detail, "SCAN (subquery")
		if scans || strings.Contains(detail, "TEMP B-TREE") {
			t.Errorf("the query\n%s\nreads a whole table or sorts: %s", query, detail)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestUpdatesNameOnlyWhatChanges(t *testing.T) {
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	waiting := sms.Message{Due: sms.Due{Kind: sms.DueSend, At: at}, Request: sms.Request{Number: "+5511999999999"}}
	later := waiting
	later.Due.At = at.Add(time.Second)
	unanswered := waiting
	unanswered.HandOvers = []sms.HandOver{{Provider: "fake", Answer: sms.AnswerNone}}
	settled := sms.Message{PurgeAt: at, Request: sms.Request{Number: waiting.Number}}
	renamed := settled
	renamed.Reference, renamed.Status = "new", sms.Delivered

	for _, c := range []struct {
		name      string
		old, next sms.Message
		columns   []string
	}{
		{"no column of an index", settled, renamed, nil},
		{"the due time", waiting, later, []string{"due_at"}},
		{"the unanswered hand-overs", waiting, unanswered, []string{"unmatched_number"}},
		{"the work left and the retention", waiting, settled, []string{"due_at", "purge_at"}},
	} {
		t.Run("an update that changes "+c.name, func(t *testing.T) {
			query, _ := replacement(c.old, c.next, nil, at)
			set, _, _ := strings.Cut(query, "WHERE")
			for _, column := range []string{"id", "owner", "created_at", "due_at", "unmatched_number", "purge_at"} {
				named := regexp.MustCompile(`\b` + column + ` =`).MatchString(set)
				want := false
				for _, c := range c.columns {
					want = want || c == column
				}
				if named != want {
					t.Errorf("the update names the column %s: %v, want %v", column, named, want)
				}
			}
		})
	}
}

func FuzzPosition(f *testing.F) {
	for _, seed := range []string{"", "0.0", "-1.5", "1767225600000.42", "1", "1.2.3", "01.2", ".", "9223372036854775808.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePosition(s, position{1, 2})
		switch {
		case s == "" && (err != nil || p != position{1, 2}):
			t.Errorf("parsing the empty position returned %v, %v", p, err)
		case s != "" && err == nil && p.String() != s:
			t.Errorf("parsing %q returned %s", s, p)
		}
	})
}
