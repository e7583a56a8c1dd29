package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// view is a message as clients see it: the schema Message of openapi.yaml.
// Absent fields are left out.
type view struct {
	ID                string        `json:"id"`
	Status            sms.Status    `json:"status"`
	PhoneNumber       sms.Number    `json:"phoneNumber"`
	Message           string        `json:"message,omitempty"`
	Reference         string        `json:"reference,omitempty"`
	Type              sms.Type      `json:"type"`
	SenderID          string        `json:"senderId,omitempty"`
	OriginationNumber string        `json:"originationNumber,omitempty"`
	Encoding          sms.Encoding  `json:"encoding"`
	Parts             int           `json:"parts"`
	CreatedAt         instant       `json:"createdAt"`
	UpdatedAt         instant       `json:"updatedAt"`
	SendAt            instant       `json:"sendAt,omitzero"`
	ExpiresAt         instant       `json:"expiresAt"`
	OnUnknown         sms.OnUnknown `json:"onUnknown"`
	Attempts          int           `json:"attempts"`
	ProviderMessageID string        `json:"providerMessageId,omitempty"`
	Evidence          sms.Evidence  `json:"evidence,omitempty"`
	PriceUSD          json.Number   `json:"priceUSD,omitempty"`
	Failure           *sms.Failure  `json:"failure,omitempty"`
	ResendOf          string        `json:"resendOf,omitempty"`
	Events            []event       `json:"events,omitempty"`
}

type event struct {
	At         instant    `json:"at"`
	Status     sms.Status `json:"status"`
	Detail     string     `json:"detail,omitempty"`
	ProviderAt instant    `json:"providerAt,omitzero"`
}

func viewOf(m sms.Message) view {
	v := view{
		ID: m.ID, Status: m.Status, PhoneNumber: m.Number, Message: m.Text, Reference: m.Reference,
		Type: m.Type, SenderID: m.SenderID, OriginationNumber: m.OriginationNumber,
		Encoding: m.Encoding, Parts: m.Parts,
		CreatedAt: instant{m.CreatedAt}, UpdatedAt: instant{m.UpdatedAt},
		SendAt: instant{m.SendAt}, ExpiresAt: instant{m.ExpiresAt},
		OnUnknown: m.OnUnknown, Attempts: m.Attempts,
		ProviderMessageID: m.ProviderMessageID(), Evidence: m.Evidence, Failure: m.Failure, ResendOf: m.ResendOf,
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

// instant is a time in an answer: RFC 3339, UTC, always with milliseconds.
type instant struct{ time.Time }

// MarshalJSON writes the only form of time in answers.
func (i instant) MarshalJSON() ([]byte, error) {
	return []byte(i.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// etag returns a strong validator: it differs for different bodies.
func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}
