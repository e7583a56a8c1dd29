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
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// logBatch contains the data that a subscription filter of CloudWatch Logs sends. Source:
// Amazon CloudWatch Logs User Guide, "Real-time processing of log data with
// subscriptions".
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
	// controlMessage is the type of a batch without lines. CloudWatch Logs sends it to
	// check that the destination exists.
	controlMessage = "CONTROL_MESSAGE"

	// maxBatch is the maximum size of an unpacked batch, in bytes. CloudWatch Logs sends
	// at most 1 MB of packed data, and packing reduces logs to about a tenth of their
	// size.
	maxBatch = 64 << 20
)

var errTooLarge = fmt.Errorf("the batch unpacks to more than %d bytes", maxBatch)

// decode unpacks the data of an event: base64 of gzip of JSON. Its error does not
// repeat the data, which contains phone numbers.
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
		return logBatch{}, errors.New("unpacking a batch of logs: the batch is not JSON of the expected form")
	}
	if b.MessageType != dataMessage && b.MessageType != controlMessage {
		return logBatch{}, errors.New("unpacking a batch of logs: the batch has an unknown type")
	}
	return b, nil
}

// summary counts the lines of a batch, by the result of each line.
type summary struct {
	Applied    int `json:"applied"`
	Pending    int `json:"pending"` // kept as pending receipts; most of these belong to other applications
	Unnamed    int `json:"unnamed"` // the receipt has no provider message id
	Unreadable int `json:"unreadable"`
	Failed     int `json:"failed"`
}

// errUnreadable means that a line is not a receipt, so that reading the line again would
// not help.
var errUnreadable = errors.New("the line is not a receipt")

type parser func(line []byte) (sms.Receipt, error)

// apply parses the line e and applies the receipt. It sets the receipt's LoggedAt to the
// time at which the line was logged.
func (e logEvent) apply(ctx context.Context, r *receipts.Receipts, parse parser) (receipts.Result, error) {
	rc, err := parse([]byte(e.Message))
	if err != nil {
		return "", fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if e.Timestamp > 0 {
		rc.LoggedAt = time.UnixMilli(e.Timestamp)
	}
	return r.Apply(ctx, rc)
}

type logsHandler func(context.Context, events.CloudwatchLogsEvent) error

// maxParallel is the number of lines that are applied at the same time.
const maxParallel = 16

// handle returns a handler that applies every line of a batch.
//
//   - If a line fails but may succeed later, the handler still applies all other lines,
//     and then returns an error. Lambda then retries the batch twice, and after that
//     moves it to the failed events. The other lines may be applied again without harm.
//   - A batch that cannot be unpacked is moved to the failed events too, unchanged.
//   - If a line cannot be read, its id is logged. With this id the line can be found in
//     the provider's log group.
func handle(r *receipts.Receipts, parse parser, logger *slog.Logger) logsHandler {
	return func(ctx context.Context, e events.CloudwatchLogsEvent) error {
		batch, err := decode(e.AWSLogs.Data)
		if err != nil {
			return err
		}
		if batch.MessageType == controlMessage {
			return nil
		}
		results := make([]receipts.Result, len(batch.LogEvents))
		errs := make([]error, len(batch.LogEvents))
		var group errgroup.Group
		group.SetLimit(maxParallel)
		for i, line := range batch.LogEvents {
			group.Go(func() error {
				results[i], errs[i] = line.apply(ctx, r, parse)
				return nil
			})
		}
		_ = group.Wait() // the errors are in errs
		var sum summary
		var failed []error
		for i, err := range errs {
			switch {
			case errors.Is(err, errUnreadable):
				sum.Unreadable++
				logger.ErrorContext(ctx, "receipt not readable", "error", err,
					"log_group", batch.LogGroup, "log_stream", batch.LogStream, "log_event_id", batch.LogEvents[i].ID)
			case err != nil:
				sum.Failed++
				failed = append(failed, err)
			case results[i] == receipts.Pending:
				sum.Pending++
			case results[i] == receipts.Unnamed:
				sum.Unnamed++
			default:
				sum.Applied++
			}
		}
		logger.InfoContext(ctx, "receipts applied", slog.Any("report", sum))
		if len(failed) > 0 {
			return fmt.Errorf("applying receipts: %d of %d failed: %w", len(failed), len(errs), errors.Join(failed...))
		}
		return nil
	}
}
