package dynamo

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// attributes are an item, or a part of one, as the SDK has it.
type attributes = map[string]types.AttributeValue

// item is the stored form of a message. The lists are there even when empty,
// so that a write can append to them without reading.
type item struct {
	ID     string     `dynamodbav:"id"`
	Owner  string     `dynamodbav:"owner,omitempty"`
	Client string     `dynamodbav:"client,omitempty"`
	Status sms.Status `dynamodbav:"status,omitempty"`

	Number            sms.Number    `dynamodbav:"number,omitempty"`
	Text              string        `dynamodbav:"text,omitempty"`
	TextDropped       bool          `dynamodbav:"text_dropped,omitempty"`
	Reference         string        `dynamodbav:"reference,omitempty"`
	Type              sms.Type      `dynamodbav:"type,omitempty"`
	SenderID          string        `dynamodbav:"sender_id,omitempty"`
	OriginationNumber string        `dynamodbav:"origination_number,omitempty"`
	SendAt            millis        `dynamodbav:"send_at,omitempty"`
	ExpiresAt         millis        `dynamodbav:"expires_at,omitempty"`
	MaxPriceUSD       string        `dynamodbav:"max_price_usd,omitempty"`
	OnUnknown         sms.OnUnknown `dynamodbav:"on_unknown,omitempty"`
	EntityID          string        `dynamodbav:"entity_id,omitempty"`
	TemplateID        string        `dynamodbav:"template_id,omitempty"`
	ResendOf          string        `dynamodbav:"resend_of,omitempty"`

	Encoding      sms.Encoding `dynamodbav:"encoding,omitempty"`
	Parts         int          `dynamodbav:"parts,omitempty"`
	CreatedAt     millis       `dynamodbav:"created_at,omitempty"` // also the generation
	UpdatedAt     millis       `dynamodbav:"updated_at,omitempty"`
	Attempts      int          `dynamodbav:"attempts"`
	HandOvers     []handOver   `dynamodbav:"hand_overs"`
	Evidence      sms.Evidence `dynamodbav:"evidence,omitempty"`
	Failure       *failure     `dynamodbav:"failure,omitempty"`
	Events        []event      `dynamodbav:"events"`
	EventsOmitted int          `dynamodbav:"events_omitted,omitempty"`

	Fingerprint string `dynamodbav:"fingerprint,omitempty"`
	Nonce       string `dynamodbav:"nonce,omitempty"`
	Revision    string `dynamodbav:"revision,omitempty"`

	LeaseToken string `dynamodbav:"lease_token,omitempty"`
	LeaseUntil millis `dynamodbav:"lease_until,omitempty"`
	NotBefore  millis `dynamodbav:"not_before,omitempty"`
	Refusals   int    `dynamodbav:"refusals,omitempty"`
	PurgeAt    millis `dynamodbav:"purge_at,omitempty"`

	// What the table's indexes and its TTL go by.
	DueShard    string     `dynamodbav:"due_shard,omitempty"` // names the kind
	DueAt       millis     `dynamodbav:"due_at,omitempty"`
	DueRound    int        `dynamodbav:"due_round,omitempty"`
	ProviderRef string     `dynamodbav:"provider_ref,omitempty"` // of the newest hand-over that has a provider message id
	Unmatched   sms.Number `dynamodbav:"unmatched,omitempty"`
	ListShard   string     `dynamodbav:"list_shard,omitempty"`
	ListAt      string     `dynamodbav:"list_at,omitempty"`
	Purge       int64      `dynamodbav:"purge,omitempty"` // seconds since 1970, not before purge_at
}

type handOver struct {
	Token             string           `dynamodbav:"token"`
	Provider          sms.ProviderName `dynamodbav:"provider"`
	At                millis           `dynamodbav:"at"`
	Until             millis           `dynamodbav:"until"`
	Answer            sms.Answer       `dynamodbav:"answer,omitempty"`
	ProviderMessageID string           `dynamodbav:"provider_message_id,omitempty"`
	Receipt           sms.Verdict      `dynamodbav:"receipt,omitempty"`
	Evidence          sms.Evidence     `dynamodbav:"evidence,omitempty"`
	Failure           sms.FailureCode  `dynamodbav:"failure,omitempty"`
	Price             sms.NanoUSD      `dynamodbav:"price,omitempty"` // billionths of a US dollar
}

type failure struct {
	Code      sms.FailureCode `dynamodbav:"code"`
	Detail    string          `dynamodbav:"detail,omitempty"`
	Permanent bool            `dynamodbav:"permanent,omitempty"`
	Action    string          `dynamodbav:"action,omitempty"`
}

type event struct {
	At         millis     `dynamodbav:"at"`
	Status     sms.Status `dynamodbav:"status"`
	Detail     string     `dynamodbav:"detail,omitempty"`
	ProviderAt millis     `dynamodbav:"provider_at,omitempty"`
}

var errNoMessage = errors.New("the item is not a message")

// stored is the item of m.
func stored(m sms.Message) attributes {
	it := item{
		ID: m.ID, Owner: m.Owner, Client: m.Client, Status: m.Status,
		Number: m.Number, Text: m.Text, TextDropped: m.TextDropped, Reference: m.Reference,
		Type: m.Type, SenderID: m.SenderID, OriginationNumber: m.OriginationNumber,
		SendAt: toMillis(m.SendAt), ExpiresAt: toMillis(m.ExpiresAt), MaxPriceUSD: m.MaxPriceUSD,
		OnUnknown: m.OnUnknown, EntityID: m.EntityID, TemplateID: m.TemplateID, ResendOf: m.ResendOf,
		Encoding: m.Encoding, Parts: m.Parts, CreatedAt: toMillis(m.CreatedAt), UpdatedAt: toMillis(m.UpdatedAt),
		Attempts: m.Attempts, HandOvers: make([]handOver, len(m.HandOvers)),
		Evidence: m.Evidence, Failure: (*failure)(m.Failure),
		Events: make([]event, len(m.Events)), EventsOmitted: m.EventsOmitted,
		Fingerprint: m.Fingerprint, Nonce: m.Nonce, Revision: m.Revision,
		LeaseToken: m.LeaseToken, LeaseUntil: toMillis(m.LeaseUntil),
		NotBefore: toMillis(m.NotBefore), Refusals: m.Refusals, PurgeAt: toMillis(m.PurgeAt),

		ListShard: listShard(m.Owner, shardOf(m.ID, listShards)), ListAt: listAt(m.CreatedAt, m.ID),
		Purge: purgeSeconds(m.PurgeAt),
	}
	for i, h := range m.HandOvers {
		it.HandOvers[i] = handOver{
			Token: h.Token, Provider: h.Provider, At: toMillis(h.At), Until: toMillis(h.Until), Answer: h.Answer, ProviderMessageID: h.ProviderMessageID,
			Receipt: h.Receipt, Evidence: h.Evidence, Failure: h.Failure, Price: h.Price,
		}
	}
	for i, e := range m.Events {
		it.Events[i] = event{At: toMillis(e.At), Status: e.Status, Detail: e.Detail, ProviderAt: toMillis(e.ProviderAt)}
	}
	if !m.Due.IsZero() {
		it.DueShard = dueShard(string(m.Due.Kind), shardOf(m.ID, dueShards))
		it.DueAt, it.DueRound = toMillis(m.Due.At), m.Due.Round
	}
	if refs := m.ProviderRefs(); len(refs) > 0 {
		it.ProviderRef = providerKey(refs[len(refs)-1])
	}
	if m.Unmatched() {
		it.Unmatched = m.Number
	}
	return encode(it)
}

// message is what the item a says. It leaves out what it does not know.
func message(a attributes) (sms.Message, error) {
	var it item
	if err := attributevalue.UnmarshalMap(a, &it); err != nil {
		return sms.Message{}, fmt.Errorf("reading an item: %w", err)
	}
	if it.CreatedAt == 0 {
		return sms.Message{}, errNoMessage
	}
	m := sms.Message{
		ID: it.ID, Owner: it.Owner, Client: it.Client, Status: it.Status,
		Number: it.Number, Text: it.Text, TextDropped: it.TextDropped, Reference: it.Reference,
		Type: it.Type, SenderID: it.SenderID, OriginationNumber: it.OriginationNumber,
		SendAt: it.SendAt.time(), ExpiresAt: it.ExpiresAt.time(), MaxPriceUSD: it.MaxPriceUSD,
		OnUnknown: it.OnUnknown, EntityID: it.EntityID, TemplateID: it.TemplateID, ResendOf: it.ResendOf,
		Encoding: it.Encoding, Parts: it.Parts, CreatedAt: it.CreatedAt.time(), UpdatedAt: it.UpdatedAt.time(),
		Attempts: it.Attempts, Evidence: it.Evidence, Failure: (*sms.Failure)(it.Failure),
		EventsOmitted: it.EventsOmitted,
		Fingerprint:   it.Fingerprint, Nonce: it.Nonce, Revision: it.Revision,
		LeaseToken: it.LeaseToken, LeaseUntil: it.LeaseUntil.time(),
		NotBefore: it.NotBefore.time(), Refusals: it.Refusals,
		Due: it.due(), PurgeAt: it.PurgeAt.time(),
	}
	for _, h := range it.HandOvers {
		m.HandOvers = append(m.HandOvers, sms.HandOver{
			Token: h.Token, Provider: h.Provider, At: h.At.time(), Until: h.Until.time(), Answer: h.Answer, ProviderMessageID: h.ProviderMessageID,
			Receipt: h.Receipt, Evidence: h.Evidence, Failure: h.Failure, Price: h.Price,
		})
	}
	for _, e := range it.Events {
		m.Events = append(m.Events, sms.Event{At: e.At.time(), Status: e.Status, Detail: e.Detail, ProviderAt: e.ProviderAt.time()})
	}
	return m, nil
}

func (it item) due() sms.Due {
	kind, _, _ := strings.Cut(it.DueShard, "#")
	return sms.Due{Kind: sms.DueKind(kind), At: it.DueAt.time(), Round: it.DueRound}
}

// encode is v as attributes. All that is stored here can be.
func encode(v any) attributes {
	a, err := attributevalue.MarshalMap(v)
	if err != nil {
		panic("dynamo: encoding an item: " + err.Error())
	}
	return a
}
