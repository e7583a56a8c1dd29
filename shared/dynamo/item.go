package dynamo

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

type attributes = map[string]types.AttributeValue

// item is the stored form of a message. A message's own attributes have its JSON names, in
// camel case, which are a stored format. The attributes for the indexes and the TTL are
// derived from them, and have names in snake case.
type item struct {
	sms.Message

	Due *struct{} `json:"due,omitempty"` // never set: DueShard and the attributes below replace it

	DueShard    string     `json:"due_shard,omitempty"` // includes the kind
	DueAt       time.Time  `json:"due_at"`
	DueRound    int        `json:"due_round,omitempty"`
	ProviderRef string     `json:"provider_ref,omitempty"` // of the newest hand-over with a provider message id
	Unmatched   sms.Number `json:"unmatched,omitempty"`
	ListShard   string     `json:"list_shard,omitempty"`
	ListAt      string     `json:"list_at,omitempty"`
	Purge       int64      `json:"purge,omitempty"` // seconds since 1970, not earlier than purgeAt
}

var errNoMessage = errors.New("the item is not a message")

// stored returns the item of m. The item contains empty lists too, so that a write can append to a list
// without a read.
func stored(m sms.Message) attributes {
	if m.HandOvers == nil {
		m.HandOvers = []sms.HandOver{}
	}
	if m.Events == nil {
		m.Events = []sms.Event{}
	}
	it := item{
		Message:   m,
		ListShard: listShard(m.Owner, shardOf(m.ID, listShards)), ListAt: listAt(m.CreatedAt, m.ID),
		Purge: purgeSeconds(m.PurgeAt),
	}
	if !m.Due.IsZero() {
		it.DueShard = dueShard(string(m.Due.Kind), shardOf(m.ID, dueShards))
		it.DueAt, it.DueRound = m.Due.At, m.Due.Round
	}
	if refs := m.ProviderRefs(); len(refs) > 0 {
		it.ProviderRef = providerKey(refs[len(refs)-1])
	}
	if m.Unmatched() {
		it.Unmatched = m.Number
	}
	return encode(it)
}

// message returns the message that is stored in an item. It ignores attributes that this
// release does not know.
func message(a attributes) (sms.Message, error) {
	var it item
	if err := decode(a, &it); err != nil {
		return sms.Message{}, err
	}
	if it.CreatedAt.IsZero() {
		return sms.Message{}, errNoMessage
	}
	m := it.Message
	m.Due = it.due()
	if len(m.HandOvers) == 0 {
		m.HandOvers = nil
	}
	return m, nil
}

func (it item) due() sms.Due {
	kind, _, _ := strings.Cut(it.DueShard, "#")
	return sms.Due{Kind: sms.DueKind(kind), At: it.DueAt, Round: it.DueRound}
}

// encode returns the fields of v as attributes. The JSON tags of v determine the names of
// the attributes. Every value that this package stores can be encoded. A time becomes a
// number of milliseconds, so that conditions can compare it. A zero time is left out.
func encode(v any) attributes {
	a, err := attributevalue.MarshalMapWithOptions(v, func(o *attributevalue.EncoderOptions) {
		o.TagKey = "json"
		o.EncodeTime = func(t time.Time) (types.AttributeValue, error) {
			if t.IsZero() {
				return nil, nil //nolint:nilnil // the encoder leaves out a value that is nil
			}
			return num(toMillis(t)), nil
		}
	})
	if err != nil {
		panic("dynamo: encoding an item: " + err.Error())
	}
	return a
}

// decode stores the values of the attributes a in the variable that v points to. The
// attributes must have been made by encode.
func decode(a attributes, v any) error {
	err := attributevalue.UnmarshalMapWithOptions(a, v, func(o *attributevalue.DecoderOptions) {
		o.TagKey = "json"
		o.DecodeTime.N = func(n string) (time.Time, error) {
			ms, err := strconv.ParseInt(n, 10, 64)
			return time.UnixMilli(ms).UTC(), err
		}
	})
	if err != nil {
		return fmt.Errorf("reading an item: %w", err)
	}
	return nil
}
