package main

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// folder is a server's, with one message that was handed over as often as its
// carrier's log says, and recorded once.
func folder(t *testing.T, handOvers int) string {
	t.Helper()
	enginetest.SQLite(t)
	dir := t.TempDir()
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	carrier, err := simulator.Open(filepath.Join(dir, "carrier"), simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rules := sms.DefaultRules()
	m := rules.Accept(sms.NewID(), sms.Draft{Owner: "o", Client: "c", Number: "+5511999999999", Text: "hi"}, time.Now())
	if err := db.Create(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	claim := rules.NewClaim(time.Now())
	claimed, err := db.Claim(t.Context(), m.Ref(), claim)
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for range handOvers {
		if id, err = carrier.HandOver(t.Context(), claimed); err != nil {
			t.Fatal(err)
		}
	}
	sent, _ := rules.Record(claimed, claim.Token, sms.Outcome{CarrierID: id}, time.Now())
	if _, err := db.Update(t.Context(), claimed, sent); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(carrier.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRun(t *testing.T) {
	t.Run("prints the sum", func(t *testing.T) {
		var out strings.Builder
		if err := run(t.Context(), []string{"-data", folder(t, 1)}, &out, io.Discard); err != nil {
			t.Error(err)
		}
		if want := "accepted 1 = final 0 + sent 1 + unknown 0 + on the way 0\n"; !strings.HasPrefix(out.String(), want) {
			t.Errorf("printed %q, want %q first", out.String(), want)
		}
	})
	t.Run("names a double and fails", func(t *testing.T) {
		var out strings.Builder
		if err := run(t.Context(), []string{"-data", folder(t, 2)}, &out, io.Discard); !errors.Is(err, errFindings) {
			t.Errorf("run: %v", err)
		}
		if want := "the carrier took it 2 times, its events tell of 1"; !strings.Contains(out.String(), want) {
			t.Errorf("printed %q, want %q in it", out.String(), want)
		}
	})
	t.Run("makes no folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "none")
		if err := run(t.Context(), []string{"-data", dir}, io.Discard, io.Discard); err == nil {
			t.Error("no error for a folder that is not there")
		}
	})
}
