package server

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
)

// operatorSignals brings the signals that are orders until stop is called. Until
// then they end no process, so it comes first of all.
func operatorSignals() (signals <-chan os.Signal, stop func()) {
	if len(orders) == 0 {
		return nil, func() {} // signal.Notify would take no signal for every one
	}
	c := make(chan os.Signal, 16)
	for s := range orders {
		signal.Notify(c, s)
	}
	return c, func() { signal.Stop(c) }
}

// obey carries out the orders that come until ctx ends. The sender of this
// process knows at once; the record is what a restart finds.
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
				m.logger.ErrorContext(ctx, "order not carried out", "order", order.Word, "error", err)
				continue
			}
			m.gate.Tell(b, asked)
			m.logger.WarnContext(ctx, "order carried out", "order", order.Word, "detail", order.Detail, "open", b.Open)
		}
	}
}

// warnOfPause says at the start that nothing goes out, where that is so.
func (m *machine) warnOfPause(ctx context.Context) error {
	b, err := m.store.LoadBreaker(ctx)
	if err != nil {
		return fmt.Errorf("loading the breaker: %w", err)
	}
	if b.Open {
		m.logger.WarnContext(ctx, "nothing is handed over", "trouble", string(b.Trouble), "detail", b.Detail, "since", b.OpenedAt)
	}
	return nil
}
