package api

import (
	"net/http"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// deleteText serves DELETE /v1/sms/{id}/message.
func (a *api) deleteText(c *call) (answer, error) {
	_, err := a.change(c, func(m sms.Message) (sms.Message, bool, error) {
		after, changed, err := a.Rules.DeleteText(m, a.Now())
		if err != nil {
			err = &apiError{slug: textNeeded, cause: err}
		}
		return after, changed, err
	}, "It is not known whether the text was deleted. Repeat the request; deleting it twice is safe.")
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}
