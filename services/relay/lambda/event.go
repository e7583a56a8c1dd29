package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// eventHandler handles an event. If the event comes from EventBridge Scheduler, the
// answer is the summary of a run. If the event is an operator's order, the answer is the
// new state of the breaker.
type eventHandler func(ctx context.Context, event json.RawMessage) (any, error)

func handle(r *relay.Relay, breakers sms.Breakers, logger *slog.Logger) eventHandler {
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		order, given, err := readOrder(event)
		switch {
		case err != nil:
			return nil, err
		case given:
			return operate(ctx, breakers, order, logger)
		}
		summary, err := r.Run(ctx)
		logger.InfoContext(ctx, "relay ran", slog.Any("summary", summary))
		return summary, err
	}
}

func operate(ctx context.Context, breakers sms.Breakers, o sms.Order, logger *slog.Logger) (state, error) {
	b, err := change.Operate(ctx, breakers, o, clock.Now())
	if err != nil {
		return state{}, err
	}
	logger.WarnContext(ctx, "order carried out", "order", o.Word, "detail", o.Detail, "open", b.Open)
	return state{b.Open, b.Trouble, b.Detail, b.OpenedAt, b.ClosedAt, b.ProbeAt, b.Probes}, nil
}

// state is the state of the breaker as operators see it.
type state struct {
	Open     bool        `json:"open"`
	Trouble  sms.Trouble `json:"trouble,omitempty"`
	Detail   string      `json:"detail,omitempty"`
	OpenedAt time.Time   `json:"openedAt,omitzero"`
	ClosedAt time.Time   `json:"closedAt,omitzero"`
	ProbeAt  time.Time   `json:"probeAt,omitzero"` // when the next probe may begin
	Probes   int         `json:"probes,omitempty"`
}

// readOrder reads the operator's order in an event. It returns false if the event is not an order. An order
// has the key "operator":
//
//	{"operator": "pause", "detail": "the campaign of this morning is wrong"}
//
// An event of EventBridge Scheduler has the key "detail" too, but not the key "operator".
func readOrder(event []byte) (o sms.Order, given bool, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(event, &fields); err != nil {
		return sms.Order{}, false, fmt.Errorf("reading the event: %w", err)
	}
	word, given := fields["operator"]
	if !given {
		return sms.Order{}, false, nil
	}
	if json.Unmarshal(word, &o.Word) != nil {
		return sms.Order{}, true, errors.New(`reading the event: operator must be "pause" or "resume"`)
	}
	if detail, given := fields["detail"]; given && json.Unmarshal(detail, &o.Detail) != nil {
		return sms.Order{}, true, errors.New("reading the event: detail must be a string")
	}
	return o, true, nil
}
