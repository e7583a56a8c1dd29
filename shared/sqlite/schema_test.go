package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// TestFolderOfTheFirstVersion opens what the first release wrote.
func TestFolderOfTheFirstVersion(t *testing.T) {
	enginetest.SQLite(t)
	dir := t.TempDir()
	old := openVersion(t, dir, 1)
	m := sms.DefaultRules().Accept(sms.NewID(), sms.Draft{
		Owner: "owner", Client: "client",
		Request: sms.Request{Number: "+12025550100", Text: "Hi", Reference: "order 1"},
	}, time.Now())
	record, err := encode(m)
	if err != nil {
		t.Fatal(err)
	}
	err = old.commit(t.Context(), func(tx *tx) error {
		_, err := tx.exec(`INSERT INTO messages (id, owner, created_at, revision, expires_at, record) VALUES (?, ?, ?, ?, ?, ?)`,
			m.ID, m.Owner, m.CreatedAt.UnixMilli(), m.Revision, m.ExpiresAt.UnixMilli(), record)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := old.close(); err != nil {
		t.Fatal(err)
	}

	db := openNewest(t, dir)
	for query, q := range map[string]sms.ListQuery{
		"by number":    {Number: m.Number},
		"by reference": {Reference: m.Reference},
		"by status":    {Status: sms.Queued},
	} {
		q.Owner, q.Limit, q.Examine = "owner", 10, 10
		page, err := db.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		want := m
		want.Events = nil
		if diff := cmp.Diff([]sms.Message{want}, page.Messages); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

// openVersion opens the messages of a folder as the program of an older schema
// did.
func openVersion(t *testing.T, dir string, version int) *file {
	t.Helper()
	f, err := openFile(filepath.Join(dir, "messages.db"), fileOptions{
		synchronous: "FULL", cacheKiB: 1 << 10, readers: 1, migrations: messagesMigrations[:version],
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func openNewest(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// TestFolderOfTheSecondVersion opens what the release wrote that found only
// messages with an unanswered hand-over by their number.
func TestFolderOfTheSecondVersion(t *testing.T) {
	enginetest.SQLite(t)
	dir := t.TempDir()
	old := openVersion(t, dir, 2)
	const number = "+12025550100"
	var want []string
	for _, tt := range []struct {
		handOvers []sms.HandOver
		column    any
		found     bool
	}{
		{nil, nil, false},
		{[]sms.HandOver{{Provider: "fake", Token: "in flight"}}, nil, true},
		{[]sms.HandOver{{Provider: "fake", Token: "taken", Answer: sms.AnswerTaken}}, nil, true},
		{[]sms.HandOver{{Provider: "fake", Token: "unanswered", Answer: sms.AnswerNone}}, number, true},
		{[]sms.HandOver{{Provider: "fake", Token: "void", Receipt: sms.VerdictVoid}, {Token: "taken"}}, nil, true},
		{[]sms.HandOver{{Provider: "fake", Token: "delivered", Receipt: sms.VerdictDelivered}}, nil, false},
		{[]sms.HandOver{{Provider: "fake", Token: "delivered", Receipt: sms.VerdictDelivered}}, number, false},
	} {
		m := sms.DefaultRules().Accept(sms.NewID(), sms.Draft{Owner: "owner", Client: "client", Request: sms.Request{Number: number, Text: "Hi"}}, time.Now())
		m.HandOvers = tt.handOvers
		record, err := encode(m)
		if err != nil {
			t.Fatal(err)
		}
		err = old.commit(t.Context(), func(tx *tx) error {
			_, err := tx.exec(`INSERT INTO messages (id, owner, created_at, revision, expires_at, unmatched_number, record)
				VALUES (?, ?, ?, ?, ?, ?, ?)`,
				m.ID, m.Owner, m.CreatedAt.UnixMilli(), m.Revision, m.ExpiresAt.UnixMilli(), tt.column, record)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if tt.found {
			want = append(want, m.ID)
		}
	}
	if err := old.close(); err != nil {
		t.Fatal(err)
	}

	got, err := openNewest(t, dir).Unmatched(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sms.Unmatched{MessageIDs: want}, got); diff != "" {
		t.Errorf("unmatched (-want +got):\n%s", diff)
	}
}
