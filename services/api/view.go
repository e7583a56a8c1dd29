package api

import (
	"encoding/json"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// view is the schema Message of openapi.yaml. Fields that the message does not have are
// left out.
type view struct {
	ID                string       `json:"id"`
	Status            sms.Status   `json:"status"`
	sms.Request                    // the fields of the request, under the same names as in the stores
	MaxPriceUSD       json.Number  `json:"maxPriceUSD,omitempty"` // replaces the field of the same name in Request, which is a string
	Encoding          sms.Encoding `json:"encoding"`
	Parts             int          `json:"parts"`
	CreatedAt         instant      `json:"createdAt"`
	UpdatedAt         instant      `json:"updatedAt"`
	SendAt            instant      `json:"sendAt,omitzero"`
	ExpiresAt         instant      `json:"expiresAt"`
	Attempts          int          `json:"attempts"`
	ProviderMessageID string       `json:"providerMessageId,omitempty"`
	Evidence          sms.Evidence `json:"evidence,omitempty"`
	PriceUSD          json.Number  `json:"priceUSD,omitempty"`
	Failure           *failure     `json:"failure,omitempty"`
	Events            []event      `json:"events,omitempty"`
}

type failure struct {
	Code      sms.FailureCode `json:"code"`
	Detail    string          `json:"detail"`
	Permanent bool            `json:"permanent"`
	Action    string          `json:"action"`
}

type event struct {
	At         instant    `json:"at"`
	Status     sms.Status `json:"status"`
	Detail     string     `json:"detail,omitempty"`
	ProviderAt instant    `json:"providerAt,omitzero"`
}

func viewOf(m sms.Message) view {
	v := view{
		ID: m.ID, Status: m.Status, Request: m.Request, MaxPriceUSD: json.Number(m.MaxPriceUSD),
		Encoding: m.Encoding, Parts: m.Parts,
		CreatedAt: instant{m.CreatedAt}, UpdatedAt: instant{m.UpdatedAt},
		SendAt: instant{m.SendAt}, ExpiresAt: instant{m.ExpiresAt},
		Attempts: m.Attempts, ProviderMessageID: m.ProviderMessageID(), Evidence: m.Evidence, Failure: (*failure)(m.Failure),
	}
	if price := m.Price(); price != 0 {
		v.PriceUSD = json.Number(price.String())
	}
	for _, e := range m.History() {
		v.Events = append(v.Events, event{
			At: instant{e.At}, Status: e.Status, Detail: e.Detail, ProviderAt: instant{e.ProviderAt},
		})
	}
	return v
}

// instant is a time in an answer. It is written as RFC 3339 demands, in UTC and always
// with milliseconds.
type instant struct{ time.Time }

func (i instant) MarshalJSON() ([]byte, error) {
	return []byte(i.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}
