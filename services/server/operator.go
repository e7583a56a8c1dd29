package server

import (
	"context"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// obey carries out an order. It records the order, so that the order stays in force after
// a restart, and tells the gate of this process at once.
func (m *machine) obey(ctx context.Context, order sms.Order) (sms.Breaker, error) {
	asked := clock.Now()
	b, err := change.Operate(ctx, m.store, order, asked)
	if err != nil {
		m.logger.ErrorContext(ctx, "order failed", "order", order.Word, "error", err)
		return b, err
	}
	m.gate.Tell(b, asked)
	m.logger.WarnContext(ctx, "order carried out", "order", order.Word, "detail", order.Detail, "open", b.Open)
	return b, nil
}

func (m *machine) warnOfPause(ctx context.Context) error {
	b, err := m.store.LoadBreaker(ctx)
	if err != nil {
		return fmt.Errorf("loading the breaker: %w", err)
	}
	if b.Open {
		m.logger.WarnContext(ctx, "breaker is open, nothing is handed over",
			"trouble", string(b.Trouble), "detail", b.Detail, "since", b.OpenedAt, "probe_at", b.ProbeAt)
	}
	return nil
}
