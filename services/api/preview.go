package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// preview is POST /v1/sms/preview. What is wrong with the document itself is
// refused as a submission of it would be; what the time, the deployment and its
// limits say of it are verdicts.
func (a *api) preview(c *call) (answer, error) {
	f, err := c.readDocument()
	if err != nil {
		return answer{}, err
	}
	if !f.object {
		return answer{}, &refusal{slug: invalidFields, fields: f.Errors()}
	}
	draft := readDraft(f)
	if wrong := f.Errors(); wrong != nil {
		return answer{}, &refusal{slug: invalidFields, fields: wrong}
	}
	draft.Owner, draft.Client = c.caller.Owner, c.caller.ClientID
	v, err := a.judge(c.Context(), draft)
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
	Encoding    sms.Encoding  `json:"encoding"`
	Parts       int           `json:"parts"`
	Forcing     []forcingView `json:"forcing,omitempty"`
	Checks      []checkView   `json:"checks"`
}

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

func (v *previewView) judge(check, wrong string) {
	v.Checks = append(v.Checks, checkView{Check: check, Passed: wrong == "", Detail: wrong})
	v.Acceptable = v.Acceptable && wrong == ""
}

// judge measures d and passes every check on it, stopping at none.
func (a *api) judge(ctx context.Context, d sms.Draft) (previewView, error) {
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
	v.judge("phoneNumber", reasonOf(wrong))
	if wrong == nil {
		d.Number, v.PhoneNumber, v.Country = parsed.Number, parsed.Number, parsed.Country
		v.judge("country", reasonOf(a.checkCountry(d.Client, parsed.Country)))
	}
	times := map[string]string{}
	for _, e := range d.CheckTimes(now) {
		times[e.Field] = e.Reason
	}
	v.judge("sendAt", times["sendAt"])
	v.judge("expiresAt", times["expiresAt"])
	if wrong != nil {
		return v, nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Accept)
	defer cancel()
	for _, c := range a.countsOf(a.Rules.Accept(sms.NewID(), d, now), now) {
		err := a.Store.Count(ctx, c.Try())
		switch {
		case err == nil:
			v.judge(c.name, "")
		case errors.Is(err, sms.ErrLimit):
			v.judge(c.name, c.detail)
		default:
			return v, &refusal{slug: unavailable, cause: fmt.Errorf("trying %s: %w", c.name, err)}
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
