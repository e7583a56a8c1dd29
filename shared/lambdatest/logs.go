package lambdatest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// LogsEvent returns the event with which CloudWatch Logs sends lines of a log group to a
// function. The event is JSON, compressed with gzip.
func LogsEvent(logGroup string, messages ...string) []byte {
	batch := events.CloudwatchLogsData{
		Owner: "123456789012", LogGroup: logGroup, LogStream: "stream", SubscriptionFilters: []string{"filter"},
		MessageType: "DATA_MESSAGE",
	}
	for i, m := range messages {
		batch.LogEvents = append(batch.LogEvents, events.CloudwatchLogsLogEvent{
			ID: fmt.Sprintf("%056d", i+1), Timestamp: time.Now().UnixMilli(), Message: m,
		})
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(encode(batch)) // writing to memory cannot fail
	_ = zip.Close()
	return encode(map[string]map[string][]byte{"awslogs": {"data": packed.Bytes()}})
}
