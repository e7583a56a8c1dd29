package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// In this test, all connections through which clients and lists are read are busy.
func TestNothingWaitsForClients(t *testing.T) {
	enginetest.SQLite(t)
	db, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	rules, now := sms.DefaultRules(), time.Now()
	m := rules.Accept(sms.NewID(), sms.Draft{Owner: "owner", Client: "c", Request: sms.Request{Number: "+12025550142", Text: "Hi"}}, now)
	if err := db.Create(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for _, pool := range db.messages.pools[1:] {
		for range pool.Stats().MaxOpenConnections {
			conn, err := pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	type call func(context.Context, *DB) error
	calls := map[string]call{
		"LoadBreaker": func(ctx context.Context, db *DB) error { _, err := db.LoadBreaker(ctx); return err },
		"Get":         func(ctx context.Context, db *DB) error { _, err := db.Get(ctx, m.ID); return err },
		"Due": func(ctx context.Context, db *DB) error {
			_, err := db.Due(ctx, sms.DueQuery{Kind: sms.DueRescue, Until: now, Limit: 1})
			return err
		},
		"Unmatched": func(ctx context.Context, db *DB) error { _, err := db.Unmatched(ctx, m.Number); return err },
	}
	for name, f := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := f(ctx, db); err != nil {
			t.Errorf("%s beside clients that hold all their connections returned %v", name, err)
		}
		cancel()
		left, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := f(left, db.ForClients()); err == nil {
			t.Errorf("%s of a client returned no error, although no connection was left", name)
		}
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := db.Claim(ctx, m.Ref(), rules.NewClaim("fake", now)); err != nil {
		t.Errorf("Claim beside clients that hold all their connections returned %v", err)
	}
	left, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := db.List(left, sms.ListQuery{Owner: "owner", Limit: 1, Examine: 1}); err == nil {
		t.Error("List returned no error, although no connection was left for lists")
	}
}
