package server

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// TestADamagedRecordStopsNoReceiptOfOthers damages the record of one message before its
// receipt comes.
func TestADamagedRecordStopsNoReceiptOfOthers(t *testing.T) {
	dir := t.TempDir()
	store, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	m := &machine{config: Config{Data: dir}, rules: sms.DefaultRules(), store: store, logger: slog.New(slog.DiscardHandler)}
	provider, err := openSimulator(t.Context(), m, receipts.New(store, m.rules, m.logger, time.Now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.close() })
	send := func() string {
		t.Helper()
		message := m.rules.Accept(sms.NewID(), sms.Draft{Owner: "o", Client: "c", Request: sms.Request{Number: "+5511999999999", Text: "hi"}}, time.Now())
		if err := store.Create(t.Context(), message); err != nil {
			t.Fatal(err)
		}
		claim := m.rules.NewClaim(provider.Name(), time.Now())
		claimed, err := store.Claim(t.Context(), message.Ref(), claim)
		if err != nil {
			t.Fatal(err)
		}
		id, err := provider.HandOver(t.Context(), claimed)
		if err != nil {
			t.Fatal(err)
		}
		sent, _ := m.rules.Record(claimed, claim.Token, sms.Taken(id), time.Now())
		if _, err := store.Update(t.Context(), claimed, sent); err != nil {
			t.Fatal(err)
		}
		return message.ID
	}
	damaged := send()
	file, err := sql.Open("sqlite", filepath.Join(dir, "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if _, err := file.ExecContext(t.Context(), `UPDATE messages SET record = x'7b' WHERE id = ?`, damaged); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second message's receipt comes in a later group
		other := send()
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			got, err := store.Get(t.Context(), other)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status == sms.Delivered {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("message %s is %s, want %s", other, got.Status, sms.Delivered)
			}
		}
	}
}
