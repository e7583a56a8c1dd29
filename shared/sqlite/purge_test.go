package sqlite_test

import (
	"errors"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func TestPurge(t *testing.T) {
	setUp := func(t *testing.T) (db *sqlite.DB, now *time.Time) {
		t.Helper()
		at := time.Now().UTC().Truncate(time.Millisecond)
		return open(t, t.TempDir(), sqlite.Options{Now: func() time.Time { return at }}), &at
	}
	createEnding := func(t *testing.T, db *sqlite.DB, now time.Time) sms.Message {
		t.Helper()
		m := message("acme")
		m.Status, m.Due, m.PurgeAt = sms.Sent, sms.Due{}, now.Add(24*time.Hour)
		m.HandOvers = []sms.HandOver{{Provider: "fake", Token: sms.NewToken(), Answer: sms.AnswerTaken, ProviderMessageID: sms.NewToken()}}
		if err := db.Create(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	check := func(t *testing.T, db *sqlite.DB, limit, want int) {
		t.Helper()
		if n, err := db.Purge(t.Context(), limit); err != nil || n != want {
			t.Errorf("Purge(%d) returned %d, %v, want %d", limit, n, err, want)
		}
	}

	t.Run("it removes only messages past their retention", func(t *testing.T) {
		db, now := setUp(t)
		gone := createEnding(t, db, *now)
		later := createEnding(t, db, now.Add(time.Millisecond))
		waiting := message("acme")
		if err := db.Create(t.Context(), waiting); err != nil {
			t.Fatal(err)
		}
		check(t, db, 10, 0)
		start := *now
		*now = now.Add(24 * time.Hour)
		check(t, db, 10, 1)
		check(t, db, 10, 0)

		*now = start // if a record was only hidden and not removed, it would appear again
		if _, err := db.Get(t.Context(), gone.ID); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("Get of a purged message: %v, want ErrNotFound", err)
		}
		if _, err := db.FindByProviderRef(t.Context(), gone.ProviderRefs()[0]); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("FindByProviderRef of a purged message: %v, want ErrNotFound", err)
		}
		for _, m := range []sms.Message{later, waiting} {
			if _, err := db.Get(t.Context(), m.ID); err != nil {
				t.Errorf("Get of a message that is %s: %v", m.Status, err)
			}
		}
	})

	t.Run("it removes no more than limit, in several batches", func(t *testing.T) {
		db, now := setUp(t)
		const many, most = 250, 210
		for range many {
			createEnding(t, db, *now)
		}
		*now = now.Add(24 * time.Hour)
		check(t, db, most, most)
		check(t, db, most, many-most)
	})

	t.Run("it removes pending receipts", func(t *testing.T) {
		db, now := setUp(t)
		k := sms.Receipt{Provider: "fake", Number: "+5511999999999", Verdict: sms.VerdictVoid}.Pending(*now)
		if err := db.Keep(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		check(t, db, 10, 0)
		*now = now.Add(sms.PendingFor)
		check(t, db, 10, 1)
	})
}

func TestACounterThatIsOnlyTriedIsNotStored(t *testing.T) {
	now := time.Now()
	db := open(t, t.TempDir(), sqlite.Options{Now: func() time.Time { return now }})
	c := sms.CountParts("acme", 1, 10, now)
	stored := func(what string, want int) {
		t.Helper()
		begin := now
		now = c.End.Add(24 * time.Hour) // everything that is stored can now be purged
		if n, err := db.Purge(t.Context(), 10); err != nil || n != want {
			t.Errorf("the table has %d counters after %s (error %v), want %d", n, what, err, want)
		}
		now = begin
	}
	if err := db.Count(t.Context(), c.Try()); err != nil {
		t.Fatal(err)
	}
	stored("a try", 0)
	if err := db.Count(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	stored("a count", 1)
}

func TestListOfAllOwners(t *testing.T) {
	db := open(t, t.TempDir(), sqlite.Options{})
	want := make(map[string]bool)
	for _, owner := range []string{"acme", "globex", "initech"} {
		m := message(owner)
		if err := db.Create(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		want[m.ID] = true
	}
	q := sms.ListQuery{Limit: 2, Examine: 2}
	for more := true; more; more = q.After != "" {
		page, err := db.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Messages {
			if !want[m.ID] {
				t.Errorf("message %s was listed twice, or was never created", m.ID)
			}
			delete(want, m.ID)
		}
		q.After = page.Next
	}
	if len(want) > 0 {
		t.Errorf("these messages were not listed: %v", want)
	}
	if _, err := db.List(t.Context(), sms.ListQuery{Limit: 1, Examine: 1, After: "1.2.3"}); err == nil {
		t.Error("reading from an invalid position returned no error")
	}
}
