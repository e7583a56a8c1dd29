package dynamo

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// The indexes. All are sparse, and each contains only what its readers need. A write
// costs only in the indexes that contain an attribute that it changes.
//
//	due        due_shard, due_at       what is due, by kind and time, in shards
//	provider   provider_ref            the message that a provider message id belongs to
//	unmatched  unmatched               by number: messages with an unanswered hand-over, pending receipts
//	list       list_shard, list_at     an owner's messages by creation, in shards
const (
	indexDue       = "due"
	indexProvider  = "provider"
	indexUnmatched = "unmatched"
	indexList      = "list"
)

// The numbers of shards. They are part of the stored format: a change hides what was
// written before. A partition of an index takes 1,000 writes a second.
const (
	dueShards     = 32 // of each kind
	receiptShards = 8
	listShards    = 8 // of each owner
)

const (
	breakerID  = "breaker"
	paceID     = "pace"
	dueReceipt = "receipt" // the kind of pending receipts in the agenda
)

func shardOf(id string, shards uint32) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return int(h.Sum32() % shards)
}

// dueShard returns the name of a partition that holds what is due for kind,
// such as "send#07".
func dueShard(kind string, shard int) string { return fmt.Sprintf("%s#%02d", kind, shard) }

func listShard(owner string, shard int) string { return fmt.Sprintf("%s#%d", owner, shard) }

// listAt returns the place of a message in its list. Messages are sorted by creation
// and, within a millisecond, by id, so no two have the same place.
func listAt(created time.Time, id string) string { return listTime(created) + "." + id }

// listTime returns a place that sorts before all messages created at t or later.
func listTime(t time.Time) string { return fmt.Sprintf("%013d", t.UnixMilli()) }

// providerKey returns the form that ref has in the index: provider, "#", id.
func providerKey(ref sms.ProviderRef) string { return string(ref.Provider) + "#" + ref.MessageID }

// aliasID returns the id of the item that finds message by an older provider
// reference of it. The index contains only keys, so the key names the message.
func aliasID(message, providerKey string) string { return message + "#" + providerKey }

// aliasTarget returns the id of the message that an item found by a provider
// reference belongs to.
func aliasTarget(id string) (message string, alias bool) {
	message, _, alias = strings.Cut(id, "#")
	return message, alias
}

// olderProviderRefs returns all references but the newest, which m's own item contains.
func olderProviderRefs(m sms.Message) []sms.ProviderRef {
	refs := m.ProviderRefs()
	return refs[:max(0, len(refs)-1)]
}
