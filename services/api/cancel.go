package api

import (
	"net/http"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// cancel serves POST /v1/sms/{id}/cancel. If the queue still contains an envelope of the message, the sender
// finds that the message is canceled, and deletes this envelope.
func (a *api) cancel(c *call) (answer, error) {
	m, err := a.change(c, func(m sms.Message) (sms.Message, bool, error) {
		after, changed, err := a.Rules.Cancel(m, a.Now())
		if err != nil {
			err = &apiError{slug: tooLate, cause: err}
		}
		return after, changed, err
	}, "It is not known whether the message was canceled. Repeat the request; canceling twice is safe.")
	if err != nil {
		return answer{}, err
	}
	return snapshotOf(m).answer(http.StatusOK), nil
}
