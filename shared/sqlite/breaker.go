package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// LoadBreaker implements sms.Breakers.
func (db *DB) LoadBreaker(ctx context.Context) (sms.Breaker, error) {
	var record []byte
	err := db.messages.get(ctx, `SELECT record FROM breaker WHERE one = 1`, nil, &record)
	if errors.Is(err, sql.ErrNoRows) {
		return sms.Breaker{}, nil
	}
	if err != nil {
		return sms.Breaker{}, fmt.Errorf("reading the breaker: %w", err)
	}
	return decode[sms.Breaker](record)
}

// SaveBreaker implements sms.Breakers.
func (db *DB) SaveBreaker(ctx context.Context, next sms.Breaker) error {
	seen := next.Revision
	next.Revision = sms.NewToken()
	record, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("encoding the breaker: %w", err)
	}
	query := `UPDATE breaker SET revision = ?, record = ? WHERE one = 1 AND revision = ?`
	args := []any{next.Revision, record, seen}
	if seen == "" {
		query = `INSERT INTO breaker (one, revision, record) VALUES (1, ?, ?) ON CONFLICT (one) DO NOTHING`
		args = args[:2]
	}
	rows, err := db.messages.exec(ctx, query, args...)
	switch {
	case err != nil:
		return fmt.Errorf("saving the breaker: %w", err)
	case rows == 0:
		return sms.ErrConflict
	}
	return nil
}
