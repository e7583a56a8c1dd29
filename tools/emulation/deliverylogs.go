package emulation

import (
	"context"
	"time"
)

// deliveryLog is the log group in which SNS would log delivered messages. It would log
// failed messages in another group.
const deliveryLog = "sns/us-east-1/000000000000/DirectPublishToPhoneNumber"

// deliveryStream is the only stream of each group.
const deliveryStream = "stream"

// createDeliveryLogs creates SNS's log groups in the engine at url. Ministack's SNS does
// not log, so the groups would be missing.
func createDeliveryLogs(ctx context.Context, url string) error {
	for _, group := range []string{deliveryLog, deliveryLog + "/Failure"} {
		made := map[string]any{"logGroupName": group}
		if err := JSONCall(ctx, url, "logs", "Logs_20140328.CreateLogGroup", made, nil); err != nil {
			return err
		}
		made["logStreamName"] = deliveryStream
		if err := JSONCall(ctx, url, "logs", "Logs_20140328.CreateLogStream", made, nil); err != nil {
			return err
		}
	}
	return nil
}

// Deliveries writes lines to SNS's delivery log, as SNS would write them.
func (e *Emulation) Deliveries(ctx context.Context, lines ...string) error {
	var entries []map[string]any
	for _, line := range lines {
		entries = append(entries, map[string]any{"timestamp": time.Now().UnixMilli(), "message": line})
	}
	return JSONCall(ctx, e.Front.URL, "logs", "Logs_20140328.PutLogEvents", map[string]any{
		"logGroupName": deliveryLog, "logStreamName": deliveryStream, "logEvents": entries,
	}, nil)
}
