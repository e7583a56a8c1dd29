package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// folder makes a data folder with one message. The message has one hand-over in its
// record, and the given number of hand-overs in the provider's log.
func folder(t *testing.T, handOvers int) string {
	t.Helper()
	enginetest.SQLite(t)
	dir := t.TempDir()
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := simulator.Open(filepath.Join(dir, "provider"), simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rules := sms.DefaultRules()
	m := rules.Accept(sms.NewID(), sms.Draft{Owner: "o", Client: "c", Request: sms.Request{Number: "+5511999999999", Text: "hi"}}, time.Now())
	if err := db.Create(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	claim := rules.NewClaim("fake", time.Now())
	claimed, err := db.Claim(t.Context(), m.Ref(), claim)
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for range handOvers {
		if id, err = provider.HandOver(t.Context(), claimed); err != nil {
			t.Fatal(err)
		}
	}
	sent, _ := rules.Record(claimed, claim.Token, sms.Taken(id), time.Now())
	if _, err := db.Update(t.Context(), claimed, sent); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(provider.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReconcile(t *testing.T) {
	t.Run("prints the totals", func(t *testing.T) {
		code, out, _ := execute(t, "reconcile", "--data", folder(t, 1))
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		if want := "accepted 1 = final 0 + sent 1 + unknown 0 + on the way 0\n"; !strings.HasPrefix(out, want) {
			t.Errorf("printed %q, want it to begin with %q", out, want)
		}
	})
	t.Run("reports what it can in spite of a damaged line, and fails", func(t *testing.T) {
		dir := folder(t, 1)
		log, err := os.OpenFile(filepath.Join(dir, "provider", "handed-over.jsonl"), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.WriteString("not an entry\n"); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		code, out, stderr := execute(t, "reconcile", "--data", dir)
		if code != exitFailure || !strings.Contains(stderr, "these lines of the simulated provider's log are damaged: [2]") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		if want := "accepted 1 = final 0 + sent 1 + "; !strings.HasPrefix(out, want) {
			t.Errorf("printed %q, want it to begin with %q", out, want)
		}
	})
	t.Run("reports a second hand-over and fails", func(t *testing.T) {
		code, out, stderr := execute(t, "reconcile", "--data", folder(t, 2))
		if code != exitFailure || stderr != "smsqueue: found discrepancies\n" {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		if want := "the provider took it 2 times, but its events record only 1"; !strings.Contains(out, want) {
			t.Errorf("printed %q, want it to contain %q", out, want)
		}
	})
	t.Run("does not make a folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "none")
		code, _, stderr := execute(t, "reconcile", "--data", dir)
		if code != exitFailure || !strings.Contains(stderr, "there are no messages") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("the command made the folder")
		}
	})
}

func TestReconcileTable(t *testing.T) {
	url := enginetest.DynamoDB(t)
	client := dynamo.NewClient(enginetest.Config(t, url))
	table := "reconcile-" + sms.NewToken()
	if err := enginetest.CreateTable(t.Context(), client, table); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
			t.Errorf("deleting table %s: %v", table, err)
		}
	})
	store, rules := dynamo.New(client, table, time.Now), sms.DefaultRules()
	var forgotten sms.Message
	for i := range 3 {
		// Long texts make a scan return several pages.
		m := rules.Accept(sms.NewID(), sms.Draft{
			Owner: "o", Client: "c",
			Request: sms.Request{Number: "+5511999999999", Text: strings.Repeat("x", 380_000)},
		}, time.Now().Add(-time.Duration(i)*time.Minute))
		if i == 0 {
			m.Due = sms.Due{}
			forgotten = m
		}
		if err := store.Create(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.SaveBreaker(t.Context(), sms.Breaker{}.Pause("", time.Now())); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		t.Setenv(name, value)
	}
	code, out, stderr := execute(t, "reconcile", "--table", table)
	if code != exitFailure || stderr != "smsqueue: found discrepancies\n" {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{
		"accepted 3 = final 0 + sent 0 + unknown 0 + on the way 3\n",
		"findings: 1\n  " + forgotten.ID + ": queued, but it is never due\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("printed %q, want it to contain %q", out, want)
		}
	}
}
