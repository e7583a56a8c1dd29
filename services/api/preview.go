package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/smsqueue/smsqueue/shared/phone"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// preview serves POST /v1/sms/preview. It refuses a malformed message with the same error
// as a submission. For any other message, the answer shows the results of the checks that
// depend on the time, on the deployment or on the limits.
func (a *api) preview(c *call) (answer, error) {
	f, err := c.readDocument()
	if err != nil {
		return answer{}, err
	}
	if !f.IsObject() {
		return answer{}, &apiError{slug: invalidFields, fields: f.Errors()}
	}
	draft := readDraft(f)
	if wrong := f.Errors(); wrong != nil {
		return answer{}, &apiError{slug: invalidFields, fields: wrong}
	}
	draft.Owner, draft.Client = c.caller.Owner, c.caller.ClientID
	v, err := a.checkAll(c.Context(), draft, c.caller.Limits)
	if err != nil {
		return answer{}, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return answer{status: http.StatusOK, header: header, body: mustJSON(v)}, nil
}

// previewView is the schema Preview of openapi.yaml.
type previewView struct {
	Acceptable  bool          `json:"acceptable"`
	PhoneNumber sms.Number    `json:"phoneNumber,omitempty"`
	Country     string        `json:"country,omitempty"`
	NumberType  phone.Type    `json:"numberType,omitempty"`
	Warning     string        `json:"warning,omitempty"`
	Encoding    sms.Encoding  `json:"encoding"`
	Parts       int           `json:"parts"`
	Forcing     []forcingView `json:"forcing,omitempty"`
	Checks      []checkView   `json:"checks"`
}

// mayNotExist is the warning about a doubtful number.
const mayNotExist = "No assigned range that this service knows contains the number. Its range may be new, or the number is mistyped."

type forcingView struct {
	Character string  `json:"character"`
	Count     int     `json:"count"`
	StandIn   *string `json:"standIn,omitempty"`
}

type checkView struct {
	Check  string `json:"check"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail,omitempty"`
}

func (v *previewView) add(check, wrong string) {
	v.Checks = append(v.Checks, checkView{Check: check, Passed: wrong == "", Detail: wrong})
	v.Acceptable = v.Acceptable && wrong == ""
}

// checkAll counts the parts of d. It checks d against the limits l, the time, and the
// settings of the deployment. It makes every check, even after a check has failed.
func (a *api) checkAll(ctx context.Context, d sms.Draft, l Limits) (previewView, error) {
	now := a.Now()
	measure := sms.Measure(d.Text)
	v := previewView{Acceptable: true, Encoding: measure.Encoding, Parts: measure.Parts}
	for _, char := range measure.Forcing {
		forcing := forcingView{Character: string(char.Char), Count: char.Count}
		if char.Replaceable {
			forcing.StandIn = &char.Replacement
		}
		v.Forcing = append(v.Forcing, forcing)
	}
	parsed, wrong := a.readNumber(d)
	v.add("phoneNumber", reasonOf(wrong))
	if wrong == nil {
		d.Number, v.PhoneNumber, v.Country, v.NumberType = parsed.Number, parsed.Number, parsed.Country, parsed.Type
		if parsed.Doubtful {
			v.Warning = mayNotExist
		}
		v.add("country", reasonOf(checkCountry(l, parsed)))
		v.add("numberType", reasonOf(a.checkType(parsed)))
	}
	times := map[string]string{}
	for _, e := range d.CheckTimes(now) {
		times[e.Field] = e.Reason
	}
	v.add("sendAt", times["sendAt"])
	v.add("expiresAt", times["expiresAt"])
	if wrong != nil {
		return v, nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Accept)
	defer cancel()
	for _, c := range countsOf(a.Rules.Accept(sms.NewID(), d, now), l, now) {
		err := a.Store.Count(ctx, c.Try())
		switch {
		case err == nil:
			v.add(c.name, "")
		case errors.Is(err, sms.ErrLimit):
			v.add(c.name, c.detail)
		default:
			return v, &apiError{slug: unavailable, cause: fmt.Errorf("trying %s: %w", c.name, err)}
		}
	}
	return v, nil
}

func reasonOf(e *sms.InvalidError) string {
	if e == nil {
		return ""
	}
	return e.Reason
}
