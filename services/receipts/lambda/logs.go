package main

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/smsqueue/smsqueue/services/receipts"
)

// logBatch is what a subscription filter of CloudWatch Logs sends.
// Source: Amazon CloudWatch Logs User Guide, "Real-time processing of log data
// with subscriptions".
type logBatch struct {
	MessageType string     `json:"messageType"`
	LogGroup    string     `json:"logGroup"`
	LogStream   string     `json:"logStream"`
	LogEvents   []logEvent `json:"logEvents"`
}

type logEvent struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"` // milliseconds since 1970
	Message   string `json:"message"`
}

const (
	dataMessage = "DATA_MESSAGE"
	// controlMessage asks whether the destination is there, and brings nothing.
	controlMessage = "CONTROL_MESSAGE"

	// maxBatch bounds what a batch may unpack to, in bytes. CloudWatch Logs
	// sends at most 1 MB packed; logs shrink to a tenth or so.
	maxBatch = 64 << 20
)

var errTooLarge = fmt.Errorf("it unpacks to more than %d bytes", maxBatch)

// decode unpacks the data of an event: base64 of gzip of JSON. Its error does
// not repeat what it read, because that holds phone numbers.
func decode(data string) (logBatch, error) {
	packed, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
	if err != nil {
		return logBatch{}, fmt.Errorf("unpacking a batch of logs: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(packed, maxBatch+1))
	if err == nil && len(raw) > maxBatch {
		err = errTooLarge
	}
	if err != nil {
		return logBatch{}, fmt.Errorf("unpacking a batch of logs: %w", err)
	}
	var b logBatch
	if json.Unmarshal(raw, &b) != nil {
		return logBatch{}, errors.New("unpacking a batch of logs: it is not JSON of that form")
	}
	if b.MessageType != dataMessage && b.MessageType != controlMessage {
		return logBatch{}, errors.New("unpacking a batch of logs: its type is not known")
	}
	return b, nil
}

// summary counts what became of the lines of one batch.
type summary struct {
	Applied    int `json:"applied"`
	Pending    int `json:"pending"` // to be looked at again; most of them are other applications'
	Unnamed    int `json:"unnamed"` // they name no message
	Unreadable int `json:"unreadable"`
	Failed     int `json:"failed"`
}

// apply parses e and applies it with the log's own time.
func (e logEvent) apply(ctx context.Context, r *receipts.Receipts) (receipts.Result, error) {
	rc, err := receipts.ParseLine([]byte(e.Message))
	if err != nil {
		return "", err
	}
	if e.Timestamp > 0 {
		rc.LoggedAt = time.UnixMilli(e.Timestamp)
	}
	return r.Apply(ctx, rc)
}

type logsHandler func(context.Context, events.CloudwatchLogsEvent) error

// atOnce is how many lines are applied side by side.
const atOnce = 16

// handle applies every line of a batch. Where one fails and may succeed later,
// the batch fails as a whole, after the others: Lambda brings it again twice,
// which does the others no harm, and then puts it among the failed events. A
// batch that cannot be unpacked goes there too, as it came. A line that cannot be
// read is named in the log by its id and stands in SNS's own log group; bringing
// it again would not help.
func handle(r *receipts.Receipts, logger *slog.Logger) logsHandler {
	return func(ctx context.Context, e events.CloudwatchLogsEvent) error {
		batch, err := decode(e.AWSLogs.Data)
		if err != nil {
			return err
		}
		if batch.MessageType == controlMessage {
			return nil
		}
		results := make([]string, len(batch.LogEvents))
		errs := make([]error, len(batch.LogEvents))
		slots := make(chan struct{}, atOnce)
		var group sync.WaitGroup
		for i, line := range batch.LogEvents {
			slots <- struct{}{}
			group.Go(func() {
				defer func() { <-slots }()
				var result receipts.Result
				result, errs[i] = line.apply(ctx, r)
				results[i] = string(result)
			})
		}
		group.Wait()
		var sum summary
		var failed []error
		for i, err := range errs {
			switch {
			case errors.Is(err, receipts.ErrUnreadable):
				sum.Unreadable++
				logger.ErrorContext(ctx, "receipt not readable", "error", err,
					"log_group", batch.LogGroup, "log_stream", batch.LogStream, "log_event_id", batch.LogEvents[i].ID)
			case err != nil:
				sum.Failed++
				failed = append(failed, err)
			case results[i] == string(receipts.Pending):
				sum.Pending++
			case results[i] == string(receipts.Unnamed):
				sum.Unnamed++
			default:
				sum.Applied++
			}
		}
		logger.InfoContext(ctx, "receipts applied", slog.Any("report", sum))
		if len(failed) > 0 {
			return fmt.Errorf("applying %d of %d receipts: %w", len(failed), len(errs), errors.Join(failed...))
		}
		return nil
	}
}
