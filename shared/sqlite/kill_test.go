package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// envVictim names a folder. If it is set, this program submits to that folder until it is
// killed.
const envVictim = "SQLITE_TEST_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envVictim); dir != "" {
		fmt.Fprintln(os.Stderr, submitForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// submitForEver prints the id of each message that is created and enqueued.
func submitForEver(dir string) error {
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		return err
	}
	submitted, failed := make(chan string), make(chan error)
	for range 8 {
		go func() {
			for {
				m := message("acme")
				if err := submit(context.Background(), db, m); err != nil {
					failed <- err
					return
				}
				submitted <- m.ID
			}
		}()
	}
	for {
		select {
		case id := <-submitted:
			fmt.Println("submitted", id)
		case err := <-failed:
			return err
		}
	}
}

func submit(ctx context.Context, db *sqlite.DB, m sms.Message) error {
	if err := db.Create(ctx, m); err != nil {
		return err
	}
	return db.Queue().Send(ctx, sms.Envelope{Ref: m.Ref(), Group: m.Client})
}

func TestKill(t *testing.T) {
	dir := t.TempDir()
	const rounds, enough = 3, 200
	var ids []string
	for range rounds {
		victim := exec.Command(os.Args[0])
		victim.Env = append(os.Environ(), envVictim+"="+dir)
		out, err := victim.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < enough && lines.Scan(); {
			if id, ok := strings.CutPrefix(lines.Text(), "submitted "); ok {
				ids = append(ids, id)
				n++
			}
		}
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := victim.Wait(); err == nil {
			t.Fatal("the process ended by itself")
		}
	}
	if len(ids) != rounds*enough {
		t.Fatalf("%d messages were submitted, want %d", len(ids), rounds*enough)
	}
	db := open(t, dir, sqlite.Options{})
	for _, id := range ids {
		if _, err := db.Get(t.Context(), id); err != nil {
			t.Errorf("Get after the kill: %v", err)
		}
	}
	if n, err := db.Queue().Backlog(t.Context()); err != nil || n < len(ids) {
		t.Errorf("Backlog: %d, %v, want at least %d", n, err, len(ids))
	}
}
