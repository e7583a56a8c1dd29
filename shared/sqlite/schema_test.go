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
	old, err := openFile(filepath.Join(dir, "messages.db"), fileOptions{
		synchronous: "FULL", cacheKiB: 1 << 10, readers: 1, migrations: messagesMigrations[:1],
	})
	if err != nil {
		t.Fatal(err)
	}
	m := sms.DefaultRules().Accept(sms.NewID(), sms.Draft{
		Owner: "owner", Client: "client", PhoneNumber: "+12025550100", Number: "+12025550100", Text: "Hi", Reference: "order 1",
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

	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
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
