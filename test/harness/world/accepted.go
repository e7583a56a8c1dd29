package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Accepted reports on the messages with these ids and on everything that the provider took.
// Clients were told that these messages are accepted, so a missing record is a finding.
func Accepted(ctx context.Context, store sms.Messages, ids []string, log []reconcile.HandOver, now time.Time) (reconcile.Report, error) {
	l := reconcile.New(log, now)
	var missing []reconcile.Finding
	for _, id := range ids {
		m, err := store.Get(ctx, id)
		switch {
		case errors.Is(err, sms.ErrNotFound):
			missing = append(missing, reconcile.Finding{MessageID: id, What: "accepted, but has no record"})
		case err != nil:
			return reconcile.Report{}, fmt.Errorf("reading message %s: %w", id, err)
		default:
			l.Add(m)
		}
	}
	report := l.Report()
	report.Accepted += len(missing)
	report.Findings = append(report.Findings, missing...)
	return report, nil
}
