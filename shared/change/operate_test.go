package change_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

type oneBreaker struct {
	sms.Breaker

	saves int
}

func (o *oneBreaker) LoadBreaker(context.Context) (sms.Breaker, error) { return o.Breaker, nil }

func (o *oneBreaker) SaveBreaker(_ context.Context, next sms.Breaker) error {
	o.Breaker = next
	o.saves++
	return nil
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestOperate(t *testing.T) {
	spent := sms.Breaker{Open: true, Trouble: sms.SpendLimit, Detail: "No quota left", OpenedAt: start, ProbeAt: start.Add(time.Minute), Probes: 1, ProbeIDs: []string{"probe"}}
	paused := sms.Breaker{}.Pause("maintenance", start)
	now := start.Add(time.Hour)
	pause := func(detail string) sms.Order { return sms.Order{Word: sms.OrderPause, Detail: detail} }
	resume := sms.Order{Word: sms.OrderResume}
	for _, tc := range []struct {
		name   string
		before sms.Breaker
		order  sms.Order
		want   sms.Breaker
		saves  int
	}{
		{"a pause opens a closed breaker", sms.Breaker{ClosedAt: start}, pause("maintenance"),
			sms.Breaker{Open: true, Trouble: sms.OperatorPause, Detail: "maintenance", OpenedAt: now, ClosedAt: start}, 1},
		{"a pause replaces trouble, and ends its probes", spent, pause(""),
			sms.Breaker{Open: true, Trouble: sms.OperatorPause, OpenedAt: now}, 1},
		{"a repeated pause changes nothing", paused, pause("maintenance"), paused, 0},
		{"a repeated pause without a reason keeps the first reason", paused, pause(""), paused, 0},
		{"a repeated pause with another reason keeps its beginning", paused, pause("incident"),
			sms.Breaker{Open: true, Trouble: sms.OperatorPause, Detail: "incident", OpenedAt: start}, 1},
		{"resuming ends a pause", paused, resume, sms.Breaker{ClosedAt: now}, 1},
		{"resuming ends a spend limit", spent, resume, sms.Breaker{ClosedAt: now}, 1},
		{"resuming changes nothing if sending is not paused", sms.Breaker{ClosedAt: start}, resume, sms.Breaker{ClosedAt: start}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := &oneBreaker{Breaker: tc.before}
			got, err := change.Operate(t.Context(), store, tc.order, now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the returned breaker differs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, store.Breaker); diff != "" || store.saves != tc.saves {
				t.Errorf("%d writes, want %d; the saved breaker differs (-returned +saved):\n%s", store.saves, tc.saves, diff)
			}
		})
	}
}

func TestOperateRefusesWhatIsNoOrder(t *testing.T) {
	for name, o := range map[string]sms.Order{
		"no word":                   {},
		"an unknown word":           {Word: "stop"},
		"a word in capitals":        {Word: "Pause"},
		"a reason that is too long": {Word: sms.OrderPause, Detail: strings.Repeat("x", sms.MaxOrderDetail+1)},
	} {
		t.Run(name, func(t *testing.T) {
			store := &oneBreaker{}
			_, err := change.Operate(t.Context(), store, o, start)
			if _, invalid := errors.AsType[*sms.InvalidError](err); !invalid || store.saves != 0 {
				t.Errorf("error %v after %d writes, want an *InvalidError and no write", err, store.saves)
			}
		})
	}
}
