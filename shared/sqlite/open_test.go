package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func message(owner string) sms.Message {
	d := sms.Draft{
		Owner: owner, Client: owner,
		Request: sms.Request{Number: "+5511999999999", Text: "Your code is 1234", Reference: "order 7"},
	}
	return sms.DefaultRules().Accept(sms.NewID(), d, time.Now())
}

func TestOpen(t *testing.T) {
	t.Run("only the user can read a new folder", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("this system has no file modes")
		}
		dir := filepath.Join(t.TempDir(), "a", "data")
		db := open(t, dir, sqlite.Options{})
		if err := db.Create(t.Context(), message("acme")); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has the mode %v, which lets other users in", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})

	t.Run("the error for a folder in use names the folder and the process", func(t *testing.T) {
		dir := t.TempDir()
		first := open(t, dir, sqlite.Options{})
		_, err := sqlite.Open(dir, sqlite.Options{})
		inUse, ok := errors.AsType[*sqlite.InUseError](err)
		if !ok || inUse.Dir != dir || inUse.PID != os.Getpid() {
			t.Fatalf("the second Open: %v, want an *InUseError for %s and process %d", err, dir, os.Getpid())
		}
		for _, part := range []string{dir, fmt.Sprint(os.Getpid())} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not name %s", err, part)
			}
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		open(t, dir, sqlite.Options{})
	})

	for _, name := range []string{"messages.db", "queue.db"} {
		for format, word := range map[int]string{3: "before the first release", 99: "newer program"} {
			t.Run(fmt.Sprintf("format %d of %s is refused with a reason", format, name), func(t *testing.T) {
				dir := t.TempDir()
				if err := open(t, dir, sqlite.Options{}).Close(); err != nil {
					t.Fatal(err)
				}
				raw, err := sql.Open("sqlite", filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				_, err = raw.Exec(fmt.Sprintf(`PRAGMA user_version = %d`, format))
				if err = errors.Join(err, raw.Close()); err != nil {
					t.Fatal(err)
				}
				for range 2 { // when the folder is opened again, it must not be in use
					_, err = sqlite.Open(dir, sqlite.Options{})
					for _, part := range []string{fmt.Sprintf("format %d", format), word, name} {
						if err == nil || !strings.Contains(err.Error(), part) {
							t.Errorf("Open: %v, want an error that contains %q", err, part)
						}
					}
				}
			})
		}
	}

	t.Run("after a restart, dequeued items come back at once, and delayed items at their time", func(t *testing.T) {
		dir, now := t.TempDir(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		opts := sqlite.Options{Now: func() time.Time { return now }, Visibility: time.Hour}
		first := open(t, dir, opts)
		ref := message("acme").Ref()
		receive := func(db *sqlite.DB, want ...int) []sms.QueueItem {
			t.Helper()
			received, err := db.Queue().Dequeue(t.Context(), 10, 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, r := range received {
				got = append(got, r.ReceiveCount)
			}
			if !slices.Equal(got, want) {
				t.Errorf("the receive counts are %v, want %v", got, want)
			}
			return received
		}
		for range 3 {
			if err := first.Queue().Send(t.Context(), sms.Envelope{Ref: ref}); err != nil {
				t.Fatal(err)
			}
		}
		old := receive(first, 1, 1, 1)
		if err := first.Queue().Delete(t.Context(), old[0]); err != nil {
			t.Fatal(err)
		}
		if err := first.Queue().Send(t.Context(), sms.Envelope{Ref: ref, Delay: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}

		now = now.Add(time.Second)
		second := open(t, dir, opts)
		receive(second, 2, 2)
		if err := second.Queue().Delete(t.Context(), old...); err != nil {
			t.Fatal(err)
		}
		now = now.Add(59*time.Second - time.Millisecond)
		receive(second)
		now = now.Add(time.Millisecond)
		receive(second, 1)
		now = now.Add(time.Hour)
		receive(second, 3, 3, 2) // the handles from before the restart have deleted no item
	})

	t.Run("calls on a closed folder return ErrUnavailable", func(t *testing.T) {
		db := open(t, t.TempDir(), sqlite.Options{})
		m := message("acme")
		if err := db.Create(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		_, getErr := db.Get(t.Context(), m.ID)
		_, receiveErr := db.Queue().Dequeue(t.Context(), 1, time.Minute)
		for call, err := range map[string]error{
			"Get": getErr, "Create": db.Create(t.Context(), message("acme")),
			"Dequeue": receiveErr, "Send": db.Queue().Send(t.Context(), sms.Envelope{Ref: m.Ref()}),
		} {
			if !errors.Is(err, sms.ErrUnavailable) {
				t.Errorf("%s: %v, want ErrUnavailable", call, err)
			}
		}
	})

	t.Run("closing ends a waiting Dequeue", func(t *testing.T) {
		db := open(t, t.TempDir(), sqlite.Options{})
		ended := make(chan error)
		go func() {
			_, err := db.Queue().Dequeue(t.Context(), 1, time.Hour)
			ended <- err
		}()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, sms.ErrUnavailable) {
			t.Errorf("Dequeue: %v, want ErrUnavailable", err)
		}
	})
}
