package api

import (
	"net/http"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// cancel is POST /v1/sms/{id}/cancel. A copy on the queue finds nothing to do.
func (a *api) cancel(c *call) (answer, error) {
	m, err := a.change(c, func(m sms.Message) (sms.Message, bool, error) {
		after, changed, err := a.Rules.Cancel(m, a.Now())
		if err != nil {
			err = &refusal{slug: tooLate, cause: err}
		}
		return after, changed, err
	}, "The message may have been canceled or not. Repeat the request: canceling twice does no harm.")
	if err != nil {
		return answer{}, err
	}
	return look(m).answer(http.StatusOK), nil
}
