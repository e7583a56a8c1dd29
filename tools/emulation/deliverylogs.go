package emulation

import (
	"context"
	"time"
)

// ministack emulates this account.
const ministackAccount = "000000000000"

// DeliveryLogs returns the names of the log groups in which SNS would log delivered and
// failed messages of an account.
func DeliveryLogs(account string) []string {
	group := "sns/" + Region + "/" + account + "/DirectPublishToPhoneNumber"
	return []string{group, group + "/Failure"}
}

// Each group has only this stream.
const deliveryStream = "stream"

// CreateDeliveryLogs creates an account's log groups in the engine at url, because no
// engine's SNS creates them.
func CreateDeliveryLogs(ctx context.Context, url, account string) error {
	for _, group := range DeliveryLogs(account) {
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
		"logGroupName": DeliveryLogs(ministackAccount)[0], "logStreamName": deliveryStream, "logEvents": entries,
	}, nil)
}
