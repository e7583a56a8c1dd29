package sqlite_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func countIn(t *testing.T, dir, word string) map[string]int {
	t.Helper()
	found := make(map[string]int)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if n := bytes.Count(content, []byte(word)); n > 0 {
			found[filepath.Base(path)] = n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Long and short texts fill many pages. Each record changes several times, so that SQLite
// moves records between pages.
func TestNothingIsLeftOfWhatIsGone(t *testing.T) {
	const gone, kept, many = "hush-7421", "keep-7421", 400
	for _, way := range []string{"dropped", "purged"} {
		t.Run("texts that were "+way, func(t *testing.T) {
			dir, now := t.TempDir(), time.Now()
			db := open(t, dir, sqlite.Options{Now: func() time.Time { return now }})
			all := make([]sms.Message, many)
			for i := range all {
				m := message("acme")
				m.Text = kept
				if i%3 != 0 {
					m.Text = gone
				}
				m.Text += strings.Repeat(m.Text, i*i%150)
				if err := db.Create(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				all[i] = m
			}
			update := func(change func(i int, m *sms.Message)) {
				t.Helper()
				for j := range all {
					i := j * 7 % many
					next := all[i]
					change(i, &next)
					saved, err := db.Update(t.Context(), all[i], next)
					if err != nil {
						t.Fatal(err)
					}
					all[i] = saved
				}
			}
			for round := range 3 {
				update(func(i int, m *sms.Message) { m.Reference = strings.Repeat("r", (i*round)%90) })
			}
			update(func(i int, m *sms.Message) {
				switch {
				case i%3 == 0:
				case way == "dropped":
					m.Text = ""
				default:
					m.Status, m.Due, m.PurgeAt = sms.Sent, sms.Due{}, now.Add(time.Minute)
				}
			})
			now = now.Add(time.Hour)
			if _, err := db.Purge(t.Context(), many); err != nil {
				t.Fatal(err)
			}
			if len(countIn(t, dir, gone)) == 0 {
				t.Error("the texts were never in the folder, so this test shows nothing")
			}
			if err := db.Wipe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if found := countIn(t, dir, gone); len(found) > 0 {
				t.Errorf("texts are left, in these files so often: %v", found)
			}
			if found := countIn(t, dir, kept); found["messages.db"] < many/3 {
				t.Errorf("other texts are gone too: found %v", found)
			}
		})
	}
}
