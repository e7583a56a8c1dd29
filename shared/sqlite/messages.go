package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

var _ sms.Store = (*DB)(nil)

// present is the SQL condition that a record is not past its retention.
const present = ` (purge_at IS NULL OR purge_at > ?) `

// millis returns t as columns store it: as milliseconds since 1970, or NULL for a zero
// time.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// text returns s, or NULL for "".
func text[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// unmatchedNumber returns the number by which m is found while it is unmatched, or NULL.
func unmatchedNumber(m sms.Message) any {
	if !m.Unmatched() {
		return nil
	}
	return text(m.Number)
}

func encode(m sms.Message) ([]byte, error) {
	record, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding message %s: %w", m.ID, err)
	}
	return record, nil
}

// Create implements sms.Messages.
func (db *DB) Create(ctx context.Context, m sms.Message) error {
	record, err := encode(m)
	if err != nil {
		return err
	}
	now := db.now()
	var standing []byte
	err = db.messages.commit(ctx, func(t *tx) error {
		standing = nil
		created, err := insert(t, m, record)
		if err != nil || created {
			return err
		}
		if standing, err = recordOf(t, m.ID); err != nil {
			return err
		}
		old, err := decode[sms.Message](standing)
		if err != nil || !old.Gone(now) {
			return err
		}
		standing = nil
		if err := purge(t, old); err != nil {
			return err
		}
		_, err = insert(t, m, record)
		return err
	})
	if err != nil {
		return fmt.Errorf("creating message %s: %w", m.ID, err)
	}
	if standing == nil {
		return nil
	}
	current, err := decode[sms.Message](standing)
	if err != nil {
		return fmt.Errorf("creating message %s: %w", m.ID, err)
	}
	if current.Nonce == m.Nonce {
		return nil
	}
	return &sms.ConflictError{Current: current}
}

// insert writes m. It returns false if the id already has a record.
func insert(t *tx, m sms.Message, record []byte) (bool, error) {
	rows, err := t.exec(`INSERT INTO messages (id, owner, created_at, revision, expires_at,
		due_kind, due_at, due_round, unmatched_number, purge_at, number, reference, status, record)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		m.ID, m.Owner, m.CreatedAt.UnixMilli(), m.Revision, m.ExpiresAt.UnixMilli(),
		text(m.Due.Kind), millis(m.Due.At), m.Due.Round, unmatchedNumber(m), millis(m.PurgeAt),
		string(m.Number), m.Reference, string(m.Status), record)
	if err != nil || rows == 0 {
		return false, err
	}
	return true, link(t, m.ID, nil, m.ProviderRefs())
}

// link updates the provider references by which the message with this id is found. It
// adds the references that are only in next, and removes the references that are only in
// old.
func link(t *tx, id string, old, next []sms.ProviderRef) error {
	for _, ref := range old {
		if slices.Contains(next, ref) {
			continue
		}
		_, err := t.exec(`DELETE FROM provider_refs WHERE provider = ? AND provider_message_id = ? AND message_id = ?`,
			string(ref.Provider), ref.MessageID, id)
		if err != nil {
			return err
		}
	}
	for _, ref := range next {
		if slices.Contains(old, ref) {
			continue
		}
		_, err := t.exec(`INSERT OR REPLACE INTO provider_refs (provider, provider_message_id, message_id) VALUES (?, ?, ?)`,
			string(ref.Provider), ref.MessageID, id)
		if err != nil {
			return err
		}
	}
	return nil
}

// recordOf returns the record with this id, or nil.
func recordOf(t *tx, id string) (record []byte, err error) {
	err = t.get(context.Background(), `SELECT record FROM messages WHERE id = ?`, []any{id}, &record)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return record, err
}

// Get implements sms.Messages.
func (db *DB) Get(ctx context.Context, id string) (sms.Message, error) {
	var record []byte
	err := db.messages.get(ctx, `SELECT record FROM messages WHERE id = ? AND`+present,
		[]any{id, db.now().UnixMilli()}, &record)
	if errors.Is(err, sql.ErrNoRows) {
		return sms.Message{}, sms.ErrNotFound
	}
	if err != nil {
		return sms.Message{}, fmt.Errorf("reading message %s: %w", id, err)
	}
	return decode[sms.Message](record)
}

// Update implements sms.Messages.
func (db *DB) Update(ctx context.Context, old, next sms.Message) (sms.Message, error) {
	next.Revision = sms.NewToken()
	record, err := encode(next)
	if err != nil {
		return sms.Message{}, err
	}
	query, args := replacement(old, next, record, db.now())
	var saved bool
	var standing []byte
	err = db.messages.commit(ctx, func(t *tx) error {
		rows, err := t.exec(query, args...)
		if err != nil {
			return err
		}
		if saved = rows > 0; saved {
			return link(t, old.ID, old.ProviderRefs(), next.ProviderRefs())
		}
		standing, err = recordOf(t, old.ID)
		return err
	})
	if err != nil {
		return sms.Message{}, fmt.Errorf("updating message %s: %w", old.ID, err)
	}
	if saved {
		return next, nil
	}
	if standing == nil {
		return sms.Message{}, sms.ErrNotFound
	}
	current, err := decode[sms.Message](standing)
	switch {
	case err != nil:
		return sms.Message{}, fmt.Errorf("updating message %s: %w", old.ID, err)
	case current.Gone(db.now()):
		return sms.Message{}, sms.ErrNotFound
	}
	return sms.Message{}, &sms.ConflictError{Current: current}
}

// replacement returns the statement that replaces old by next. The statement names only
// columns that change, because SQLite updates every index that contains a named column.
func replacement(old, next sms.Message, record []byte, now time.Time) (query string, args []any) {
	query = `UPDATE messages SET revision = ?, expires_at = ?, record = ?`
	args = []any{next.Revision, next.ExpiresAt.UnixMilli(), record}
	if old.Due.Kind != next.Due.Kind || !old.Due.At.Equal(next.Due.At) || old.Due.Round != next.Due.Round {
		query += `, due_kind = ?, due_at = ?, due_round = ?`
		args = append(args, text(next.Due.Kind), millis(next.Due.At), next.Due.Round)
	}
	if number := unmatchedNumber(next); number != unmatchedNumber(old) {
		query += `, unmatched_number = ?`
		args = append(args, number)
	}
	if old.Status != next.Status {
		query += `, status = ?`
		args = append(args, string(next.Status))
	}
	if !old.PurgeAt.Equal(next.PurgeAt) {
		query += `, purge_at = ?`
		args = append(args, millis(next.PurgeAt))
	}
	query += ` WHERE id = ? AND` +
		` revision = ?` + // guard: one writer in SQLite
		` AND` + present
	return query, append(args, old.ID, old.Revision, now.UnixMilli())
}

// change replaces a record by the result of f. If another caller changed the record in
// the meantime, change starts again. If f returns an error, change returns the same
// error.
func (db *DB) change(ctx context.Context, id string, f func(sms.Message) (sms.Message, error)) (sms.Message, error) {
	m, err := db.Get(ctx, id)
	if err != nil {
		return sms.Message{}, err
	}
	for {
		next, err := f(m)
		if err != nil {
			return sms.Message{}, err
		}
		saved, err := db.Update(ctx, m, next)
		conflict, ok := errors.AsType[*sms.ConflictError](err)
		if !ok {
			return saved, err
		}
		m = conflict.Current
	}
}

// Claim implements sms.Messages.
func (db *DB) Claim(ctx context.Context, ref sms.Ref, c sms.Claim) (sms.Message, error) {
	return db.change(ctx, ref.ID, func(m sms.Message) (sms.Message, error) {
		if m.Ref() != ref {
			return m, sms.ErrNotFound
		}
		return c.Apply(m)
	})
}
