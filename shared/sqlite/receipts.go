package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// FindByProviderRef implements sms.Receipts.
func (db *DB) FindByProviderRef(ctx context.Context, ref sms.ProviderRef) (messageID string, err error) {
	err = db.messages.get(ctx, `SELECT id FROM messages
		WHERE id = (SELECT message_id FROM provider_refs WHERE provider = ? AND provider_message_id = ?) AND`+present,
		[]any{string(ref.Provider), ref.MessageID, db.now().UnixMilli()}, &messageID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", sms.ErrNotFound
	case err != nil:
		return "", fmt.Errorf("finding a message by its provider message id: %w", err)
	}
	return messageID, nil
}

// ApplyReceipt implements sms.Receipts.
func (db *DB) ApplyReceipt(ctx context.Context, rules sms.Rules, id string, rc sms.Receipt, now time.Time) (sms.Message, error) {
	return db.change(ctx, id, func(m sms.Message) (sms.Message, error) {
		next, changed := rules.ApplyReceipt(m, rc, now)
		if !changed {
			return m, sms.ErrConflict
		}
		return next, nil
	})
}

// Unmatched implements sms.Receipts.
func (db *DB) Unmatched(ctx context.Context, number sms.Number) (sms.Unmatched, error) {
	var found sms.Unmatched
	now := db.now().UnixMilli()
	const oneMore = sms.MaxUnmatched + 1
	err := db.messages.forEachRow(ctx, `SELECT id FROM messages WHERE unmatched_number = ? AND`+present+`LIMIT ?`,
		[]any{string(number), now, oneMore},
		func(scan func(...any) error) (bool, error) {
			var id string
			if err := scan(&id); err != nil {
				return false, err
			}
			found.MessageIDs = append(found.MessageIDs, id)
			return true, nil
		})
	if err != nil {
		return sms.Unmatched{}, fmt.Errorf("listing unmatched messages: %w", err)
	}
	found.Receipts, err = db.pendingReceipts(ctx, `SELECT record FROM pending_receipts
		WHERE number = ? AND purge_at > ? LIMIT ?`, string(number), now, oneMore)
	if err != nil {
		return sms.Unmatched{}, fmt.Errorf("listing pending receipts: %w", err)
	}
	found.More = len(found.MessageIDs) == oneMore || len(found.Receipts) == oneMore
	found.MessageIDs = found.MessageIDs[:min(len(found.MessageIDs), sms.MaxUnmatched)]
	found.Receipts = found.Receipts[:min(len(found.Receipts), sms.MaxUnmatched)]
	return found, nil
}

// Keep implements sms.ReceiptKeeper.
func (db *DB) Keep(ctx context.Context, k sms.PendingReceipt) error {
	record, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("encoding a receipt: %w", err)
	}
	_, err = db.messages.exec(ctx, `INSERT INTO pending_receipts (id, number, due_at, purge_at, record) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET
		number = excluded.number, due_at = excluded.due_at, purge_at = excluded.purge_at, record = excluded.record`,
		k.ID, string(k.Receipt.Number), millis(k.Due), k.PurgeAt.UnixMilli(), record)
	if err != nil {
		return fmt.Errorf("keeping a receipt: %w", err)
	}
	return nil
}

// Rekeep implements sms.ReceiptKeeper.
func (db *DB) Rekeep(ctx context.Context, k sms.PendingReceipt) error {
	record, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("encoding a receipt: %w", err)
	}
	_, err = db.messages.exec(ctx, `UPDATE pending_receipts SET number = ?, due_at = ?, purge_at = ?, record = ? WHERE id = ?`,
		string(k.Receipt.Number), millis(k.Due), k.PurgeAt.UnixMilli(), record, k.ID)
	if err != nil {
		return fmt.Errorf("keeping a receipt again: %w", err)
	}
	return nil
}

// Forget implements sms.ReceiptKeeper.
func (db *DB) Forget(ctx context.Context, k sms.PendingReceipt) error {
	_, err := db.messages.exec(ctx, `DELETE FROM pending_receipts WHERE id = ?`, k.ID)
	if err != nil {
		return fmt.Errorf("forgetting a receipt: %w", err)
	}
	return nil
}

// DueReceipts implements sms.ReceiptKeeper.
func (db *DB) DueReceipts(ctx context.Context, from, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	list, err := db.pendingReceipts(ctx, `SELECT record FROM pending_receipts
		WHERE due_at BETWEEN ? AND ? AND purge_at > ? ORDER BY due_at LIMIT ?`, fromMillis(from), until.UnixMilli(), db.now().UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("listing due receipts: %w", err)
	}
	return list, nil
}

func (db *DB) pendingReceipts(ctx context.Context, query string, args ...any) ([]sms.PendingReceipt, error) {
	var list []sms.PendingReceipt
	err := forEachRecord(ctx, db.messages.statements, query, args, func(k sms.PendingReceipt) error {
		list = append(list, k)
		return nil
	})
	return list, err
}
