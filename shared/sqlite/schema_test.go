package sqlite

import (
	"testing"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/folder"
)

// The migrations are made up, because there is no second format yet.
func TestAnOlderFormatIsUpgraded(t *testing.T) {
	enginetest.SQLite(t)
	root, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	steps := []string{
		`CREATE TABLE a (one INTEGER) STRICT; INSERT INTO a VALUES (1);`,
		`ALTER TABLE a ADD COLUMN two INTEGER NOT NULL DEFAULT 2;`,
	}
	opened := func(migrations []string) *file {
		t.Helper()
		f, err := openFile(root, "a.db", fileOptions{synchronous: "FULL", cacheKiB: 1 << 10, readers: 1, migrations: migrations})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if err := opened(steps[:1]).close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second call of migrate finds nothing to do
		f := opened(steps)
		var one, two, format int
		if err := f.get(t.Context(), `SELECT one, two, user_version FROM a, pragma_user_version`, nil, &one, &two, &format); err != nil {
			t.Fatal(err)
		}
		if one != 1 || two != 2 || format != oldestFormat+1 {
			t.Errorf("got the values %d and %d in format %d, want 1 and 2 in format %d", one, two, format, oldestFormat+1)
		}
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := opened(steps).close(); err != nil {
		t.Fatal(err)
	}
	if f, err := openFile(root, "a.db", fileOptions{synchronous: "FULL", cacheKiB: 1 << 10, readers: 1, migrations: append(steps, `not SQL`)}); err == nil {
		t.Error("a migration failed, but opening returned no error")
		_ = f.close()
	}
	if err := opened(steps).close(); err != nil {
		t.Errorf("opening after a migration that failed: %v", err)
	}
}
