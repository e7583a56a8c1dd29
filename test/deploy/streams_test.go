package deploy

import (
	"testing"

	"github.com/smsqueue/smsqueue/tools/emulation"
)

// changesOf returns every change in a table's stream as EventBridge Pipes shows it, but
// without the source ARN. The SDK is not used, because its types would have to be turned
// back into JSON.
func changesOf(t *testing.T, url, table string) []map[string]any {
	t.Helper()
	var streams struct{ Streams []struct{ StreamArn string } }
	streamCall(t, url, "ListStreams", map[string]any{"TableName": table}, &streams)
	if len(streams.Streams) != 1 {
		t.Fatalf("table %s has %d streams, want one", table, len(streams.Streams))
	}
	arn := streams.Streams[0].StreamArn
	var description struct {
		StreamDescription struct {
			Shards []struct {
				ShardID string `json:"ShardId"`
			}
		}
	}
	streamCall(t, url, "DescribeStream", map[string]any{"StreamArn": arn}, &description)
	var all []map[string]any
	for _, shard := range description.StreamDescription.Shards {
		var at struct{ ShardIterator string }
		streamCall(t, url, "GetShardIterator", map[string]any{
			"StreamArn": arn, "ShardId": shard.ShardID, "ShardIteratorType": "TRIM_HORIZON",
		}, &at)
		for at.ShardIterator != "" {
			var page struct {
				Records           []map[string]any
				NextShardIterator string
			}
			streamCall(t, url, "GetRecords", map[string]any{"ShardIterator": at.ShardIterator}, &page)
			if len(page.Records) == 0 {
				break // the end of the stream
			}
			all, at.ShardIterator = append(all, page.Records...), page.NextShardIterator
		}
	}
	return all
}

func streamCall(t *testing.T, url, operation string, in, out any) {
	t.Helper()
	if err := emulation.JSONCall(t.Context(), url, "dynamodb", "DynamoDBStreams_20120810."+operation, in, out); err != nil {
		t.Fatal(err)
	}
}
