package api_test

import (
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func openStore(t testing.TB, now func() time.Time) *sqlite.DB {
	t.Helper()
	enginetest.SQLite(t)
	db, err := sqlite.Open(t.TempDir(), sqlite.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return db
}
