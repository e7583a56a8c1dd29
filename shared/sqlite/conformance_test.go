package sqlite_test

import (
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func open(t testing.TB, dir string, opts sqlite.Options) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func TestConformance(t *testing.T) {
	enginetest.SQLite(t)
	t.Run("Store", func(t *testing.T) {
		smstest.TestStore(t, func(t *testing.T, now func() time.Time) sms.Store {
			return open(t, t.TempDir(), sqlite.Options{Now: now})
		})
	})
	t.Run("Reopen", func(t *testing.T) {
		smstest.TestReopen(t, func(t *testing.T, now func() time.Time) (sms.Store, func() sms.Store) {
			dir := t.TempDir()
			first := open(t, dir, sqlite.Options{Now: now})
			return first, func() sms.Store {
				if err := first.Close(); err != nil {
					t.Fatalf("Close: %v", err)
				}
				return open(t, dir, sqlite.Options{Now: now})
			}
		})
	})
	t.Run("Queue", func(t *testing.T) {
		smstest.TestQueue(t, func(t *testing.T, visibility time.Duration) smstest.Queue {
			return open(t, t.TempDir(), sqlite.Options{Visibility: visibility}).Queue()
		})
	})
}
