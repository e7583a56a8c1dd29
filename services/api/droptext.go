package api

import (
	"net/http"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// dropText is DELETE /v1/sms/{id}/message.
func (a *api) dropText(c *call) (answer, error) {
	_, err := a.change(c, func(m sms.Message) (sms.Message, bool, error) {
		after, changed, err := a.Rules.DropText(m, a.Now())
		if err != nil {
			err = &refusal{slug: notSettled, cause: err}
		}
		return after, changed, err
	}, "The text may have been dropped or not. Repeat the request: dropping it twice does no harm.")
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}
