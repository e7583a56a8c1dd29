package sqlite

import (
	"context"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// purgeBatch is the maximum number of records that one write removes. It is so small that
// no other write waits long.
const purgeBatch = 100

// Purge removes records past their retention: messages, pending receipts and counters.
// The parameter `limit` is the maximum number of records of each of these kinds. Purge
// returns the number of records that it removed. Such records already count as absent;
// Purge frees their space.
func (db *DB) Purge(ctx context.Context, limit int) (int, error) {
	purged := 0
	for _, batch := range []func(context.Context, int) (int, error){
		db.purgeMessages,
		db.rowPurger(`DELETE FROM pending_receipts WHERE id IN (SELECT id FROM pending_receipts WHERE purge_at <= ? ORDER BY purge_at LIMIT ?)`),
		db.rowPurger(`DELETE FROM counters WHERE key IN (SELECT key FROM counters WHERE purge_at <= ? ORDER BY purge_at LIMIT ?)`),
	} {
		for left := limit; left > 0; {
			size := min(left, purgeBatch)
			n, err := batch(ctx, size)
			purged += n
			if err != nil {
				return purged, fmt.Errorf("purging: %w", err)
			}
			if n < size {
				break
			}
			left -= n
		}
	}
	return purged, nil
}

func (db *DB) purgeMessages(ctx context.Context, limit int) (int, error) {
	now := db.now().UnixMilli()
	var purged int
	err := db.messages.commit(ctx, func(t *tx) error {
		var gone []sms.Message
		err := t.forEachRow(context.Background(), `SELECT id, record FROM messages WHERE purge_at <= ? ORDER BY purge_at LIMIT ?`, []any{now, limit},
			func(scan func(...any) error) (bool, error) {
				var id string
				var record []byte
				if err := scan(&id, &record); err != nil {
					return false, err
				}
				m, err := decode[sms.Message](record)
				if err != nil {
					m = sms.Message{ID: id} // a damaged record must not keep others from being purged
				}
				gone = append(gone, m)
				return true, nil
			})
		if err != nil {
			return err
		}
		for _, m := range gone {
			if err := purge(t, m); err != nil {
				return err
			}
		}
		purged = len(gone)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return purged, nil
}

func purge(t *tx, m sms.Message) error {
	if err := link(t, m.ID, m.ProviderRefs(), nil); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM messages WHERE id = ?`, m.ID)
	return err
}

// rowPurger returns a function that removes rows by executing query.
func (db *DB) rowPurger(query string) func(ctx context.Context, limit int) (int, error) {
	return func(ctx context.Context, limit int) (int, error) {
		rows, err := db.messages.exec(ctx, query, db.now().UnixMilli(), limit)
		return int(rows), err
	}
}
