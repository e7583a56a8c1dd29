package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// TestTheCommitterReplacesABrokenConnection breaks the writing connection in the ways in
// which a faulty disk breaks it.
func TestTheCommitterReplacesABrokenConnection(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, f *file)
	}{
		{"it is read-only, as after a read-only disk", func(t *testing.T, f *file) {
			if err := f.commit(t.Context(), func(t *tx) error { _, err := t.exec(`PRAGMA query_only(1)`); return err }); err != nil {
				t.Fatal(err)
			}
		}},
		{"it has a transaction that was never rolled back", func(t *testing.T, f *file) {
			err := f.commit(t.Context(), func(t *tx) error {
				for _, query := range []string{`ROLLBACK`, `BEGIN`} {
					if _, err := t.exec(query); err != nil {
						return err
					}
				}
				// Neither COMMIT nor ROLLBACK reaches SQLite.
				t.on = unprepared{}
				for _, query := range []string{`COMMIT`, `ROLLBACK`} {
					if err := t.prepared[query].Close(); err != nil {
						return err
					}
					delete(t.prepared, query)
				}
				return nil
			})
			if err == nil {
				t.Fatal("the transaction was committed, want an error")
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := openMessages(t)
			tt.spoil(t, f)
			if err := f.commit(t.Context(), keepOne("a")); err != nil {
				t.Errorf("the next write returned %v", err)
			}
			if n := countKept(t, f); n != 1 {
				t.Errorf("the table has %d rows, want 1", n)
			}
		})
	}
}

// TestADamagedRecordKeepsNoOthersFromBeingPurged damages the oldest record.
func TestADamagedRecordKeepsNoOthersFromBeingPurged(t *testing.T) {
	db, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	const count = 3
	for i := range count {
		m := sms.Message{ID: sms.NewID(), Status: sms.Sent, PurgeAt: time.Now().Add(time.Duration(i-count) * time.Minute)}
		if err := db.Create(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	damage := `UPDATE messages SET record = x'7b' WHERE purge_at = (SELECT min(purge_at) FROM messages)`
	if rows, err := db.messages.exec(t.Context(), damage); err != nil || rows != 1 {
		t.Fatalf("%d records were damaged, error %v, want 1", rows, err)
	}
	if n, err := db.Purge(t.Context(), 10); n != count || err != nil {
		t.Errorf("Purge removed %d records, error %v, want %d", n, err, count)
	}
}

// TestAFolderIsNotTornIfClosingFails makes the last write of Close fail, as a full disk
// does.
func TestAFolderIsNotTornIfClosingFails(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.messages.exec(t.Context(), `CREATE TRIGGER full BEFORE UPDATE ON folder BEGIN SELECT RAISE(ABORT, 'no space'); END`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err == nil {
		t.Fatal("the end succeeded, so this test shows nothing")
	}
	db, err = Open(dir, Options{})
	if err != nil {
		t.Fatalf("Open returned %v", err)
	}
	_ = db.Close() // the trigger makes the write fail again
}

// unprepared cannot prepare any statement.
type unprepared struct{}

func (unprepared) PrepareContext(context.Context, string) (*sql.Stmt, error) {
	return nil, errors.New("the disk is gone")
}

// TestCheckWritesIfNeeded spoils the writing connection while nothing is written.
func TestCheckWritesIfNeeded(t *testing.T) {
	db, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	broken := errors.New("broken")
	if err := db.messages.commit(t.Context(), func(*tx) error { return broken }); !errors.Is(err, broken) {
		t.Fatalf("the broken write returned %v", err)
	}
	if db.messages.good.Load() != nil {
		t.Error("a failed write counts as good")
	}
	before := db.messages.commits.Load()
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("Check() = %v, want nil", err)
	}
	if db.messages.good.Load() == nil {
		t.Error("Check has written nothing after a failed write")
	}
	if db.messages.commits.Load() != before {
		t.Error("after the test of Check, Wipe empties the log, although no record has changed")
	}
	long := time.Now().Add(-checkAge)
	db.messages.good.Store(&long)
	if err := db.Check(t.Context()); err != nil || !db.messages.good.Load().After(long) {
		t.Errorf("Check() = %v, and has written nothing for a long time", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	db.messages.good.Store(nil)
	if err := db.Check(ctx); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("Check() = %v while nothing can be written, want ErrUnavailable", err)
	}
	m, err := readMark(db.messages)
	if err != nil || m.opened != 1 {
		t.Errorf("the mark is %+v, %v, want one that Check has not changed", m, err)
	}
}
