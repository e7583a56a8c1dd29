package server

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
)

// operatorSignals returns a channel that receives the signals for orders until stop is
// called. Before operatorSignals is called, such a signal ends the process, so the server
// must call it early.
func operatorSignals() (signals <-chan os.Signal, stop func()) {
	if len(orders) == 0 {
		return nil, func() {} // without this case, signal.Notify would get an empty list, and would subscribe to all signals
	}
	c := make(chan os.Signal, 16)
	for s := range orders {
		signal.Notify(c, s)
	}
	return c, func() { signal.Stop(c) }
}

// obey carries out the operator's orders until ctx ends. It records each order, so that
// the order is still valid after a restart, and tells the gate of this process at once.
func (m *machine) obey(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-signals:
			order := orders[s]
			asked := time.Now()
			b, err := change.Operate(ctx, m.store, order, asked)
			if err != nil {
				m.logger.ErrorContext(ctx, "order failed", "order", order.Word, "error", err)
				continue
			}
			m.gate.Tell(b, asked)
			m.logger.WarnContext(ctx, "order carried out", "order", order.Word, "detail", order.Detail, "open", b.Open)
		}
	}
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
