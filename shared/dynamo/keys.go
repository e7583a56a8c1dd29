package dynamo

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// These are the indexes. All are sparse, and each contains only what its readers need. A
// write costs something in an index only if it changes an attribute of that index.
//
//	due        due_shard, due_at       what is due, by kind and time, in shards
//	provider   provider_ref            the message that a provider message id belongs to
//	unmatched  unmatched               by number: unmatched messages and pending receipts
//	list       list_shard, list_at     an owner's messages by creation, in shards
const (
	indexDue       = "due"
	indexProvider  = "provider"
	indexUnmatched = "unmatched"
	indexList      = "list"
)

// These constants say how many shards there are. They are part of the stored format: if
// one of them changes, older items are no longer found. A partition of an index can take
// 1,000 writes a second.
const (
	dueShards     = 32 // for each kind
	receiptShards = 8
	listShards    = 8 // for each owner
)

const (
	breakerID  = "breaker"
	paceID     = "pace"
	dueReceipt = "receipt" // pending receipts are in the agenda under this kind
)

func shardOf(id string, shards uint32) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return int(h.Sum32() % shards)
}

// dueShard returns the name of the partition for one kind of work and one shard, such as
// "send#07".
func dueShard(kind string, shard int) string { return fmt.Sprintf("%s#%02d", kind, shard) }

func listShard(owner string, shard int) string { return fmt.Sprintf("%s#%d", owner, shard) }

// listAt returns the place of a message in its list. Lists are sorted by creation and,
// within a millisecond, by id. So no two messages have the same place.
func listAt(created time.Time, id string) string { return listTime(created) + "." + id }

// listTime returns a place that comes before the places of all messages created at t or
// later.
func listTime(t time.Time) string { return fmt.Sprintf("%013d", t.UnixMilli()) }

// providerKey returns ref as the index stores it: the provider, "#" and the id.
func providerKey(ref sms.ProviderRef) string { return string(ref.Provider) + "#" + ref.MessageID }

// aliasID returns the id of an alias: an item that leads from an older provider reference
// to a message. The index contains only keys, so the id of the alias includes the id of
// the message.
func aliasID(message, providerKey string) string { return message + "#" + providerKey }

// aliasTarget returns the id of the message to which the item with this id belongs. A
// query by a provider reference has found the item, which is either the message itself or
// an alias.
func aliasTarget(id string) (message string, alias bool) {
	message, _, alias = strings.Cut(id, "#")
	return message, alias
}

// olderProviderRefs returns all provider references of m except the newest, which is in
// m's own item.
func olderProviderRefs(m sms.Message) []sms.ProviderRef {
	refs := m.ProviderRefs()
	return refs[:max(0, len(refs)-1)]
}
