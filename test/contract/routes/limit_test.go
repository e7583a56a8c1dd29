package routes_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// The caller of a dying store sometimes dies after the message is counted and before its
// record is written.
type dying struct {
	sms.Store
	creates, deaths atomic.Int64
}

var errDied = errors.New("the caller died")

func (d *dying) Create(ctx context.Context, m sms.Message) error {
	if d.creates.Add(1)%10 == 0 {
		d.deaths.Add(1)
		return errDied
	}
	return d.Store.Create(ctx, m)
}

func TestLimitIsNeverExceeded(t *testing.T) {
	const clients, each, limit = 64, 6, 200
	const body = `{"phoneNumber": "+5511999999999", "message": "Hi"}`
	for _, tt := range []struct {
		name   string
		limits api.Limits
	}{
		{"parts of an owner per day", api.Limits{PartsPerDay: limit}},
		{"messages to a recipient per hour", api.Limits{MessagesPerRecipientHour: limit}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, func(t *testing.T, store sms.Store) {
				d := &dying{Store: store}
				noon := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour) // so that the day does not end during the test
				handler := newAPI(t, d, func(o *api.Options) { o.Limits, o.Now = tt.limits, func() time.Time { return noon } })
				var accepted, refused, unclear atomic.Int64
				var all sync.WaitGroup
				for range clients {
					all.Go(func() {
						for range each {
							switch status, _ := callAs[message](t.Context(), handler, "owner", http.MethodPost, "/v1/sms", body); status {
							case http.StatusAccepted:
								accepted.Add(1)
							case http.StatusTooManyRequests:
								refused.Add(1)
							default:
								unclear.Add(1)
							}
						}
					})
				}
				all.Wait()
				n, deaths := accepted.Load(), d.deaths.Load()
				t.Logf("of %d submissions, %d were accepted and %d refused; the API died in %d after it had counted them", clients*each, n, refused.Load(), deaths)
				if n > limit || n < limit-deaths || unclear.Load() != deaths {
					t.Errorf("%d submissions were accepted with a limit of %d and %d deaths of the API; %d got neither 202 nor a refusal", n, limit, deaths, unclear.Load())
				}
			})
		})
	}
}
