package receipts_test

import (
	"context"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// overtaken is a store that calls a function once, after a search for an id has found
// nothing. The function can act as another relay that overtakes the reader.
type overtaken struct {
	*sqlite.DB

	meanwhile func()
}

func (o *overtaken) FindByProviderRef(ctx context.Context, ref sms.ProviderRef) (string, error) {
	id, err := o.DB.FindByProviderRef(ctx, ref)
	if f := o.meanwhile; f != nil && err != nil {
		o.meanwhile = nil
		f()
	}
	return id, err
}

func TestAReceiptThatAnotherRelayUsedDoesNotComeBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		look func(s *stage, m sms.Message, k sms.PendingReceipt) error
	}{
		{"Retry, before it is ripe", func(s *stage, _ sms.Message, k sms.PendingReceipt) error {
			return s.receipts.Retry(s.t.Context(), k, time.Time{})
		}},
		{"Retry, ripe", func(s *stage, _ sms.Message, k sms.PendingReceipt) error {
			return s.receipts.Retry(s.t.Context(), k, s.now.Add(time.Hour))
		}},
		{"Settle, of a receipt that is not due again", func(s *stage, m sms.Message, _ sms.PendingReceipt) error {
			_, _, err := s.receipts.Settle(s.t.Context(), m, time.Time{})
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			m, token := s.handedOver(number, sms.Hold)
			unanswered := s.record(m, token, sms.Unanswered())
			k := delivered("c-1", s.now).Pending(s.now)
			k.Due = time.Time{}
			if err := s.store.Keep(t.Context(), k); err != nil {
				t.Fatal(err)
			}
			other := s.receipts
			s.useStore(&overtaken{DB: s.store, meanwhile: func() {
				s.record(unanswered, token, sms.Taken("c-1")) // the late answer
				if err := other.Retry(t.Context(), k, s.now); err != nil {
					t.Error(err)
				}
			}})
			if err := tt.look(s, unanswered, k); err != nil {
				t.Fatal(err)
			}
			if got := s.get(m.ID).Status; got != sms.Delivered {
				t.Errorf("the message is %s, want %s", got, sms.Delivered)
			}
			if left := s.pending(number); len(left) > 0 {
				t.Errorf("a receipt that was used is pending again: %+v", left)
			}
		})
	}
}
