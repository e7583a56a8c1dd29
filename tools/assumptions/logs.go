package assumptions

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// This machine's clock is allowed to be ahead of AWS's clock by this much.
const clockSkew = 5 * time.Second

// readLines returns the lines that were written since the run began and contain the given
// word. If the log group does not exist, it returns no lines.
func (r *run) readLines(ctx context.Context, word, group string) ([]string, error) {
	in := map[string]any{"logGroupName": group, "startTime": r.began.Add(-clockSkew).UnixMilli()}
	if word != "" {
		in["filterPattern"] = fmt.Sprintf("%q", word)
	}
	var lines []string
	for {
		var out struct {
			Events    []struct{ Message string }
			NextToken string
		}
		err := r.json(ctx, "logs", "Logs_20140328.FilterLogEvents", in, &out)
		if missing, ok := errors.AsType[*apiError](err); ok && missing.says("ResourceNotFoundException") {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, event := range out.Events {
			lines = append(lines, event.Message)
		}
		if out.NextToken == "" {
			return lines, nil
		}
		in["nextToken"] = out.NextToken
	}
}

// awaitLines waits until lines are written, but not longer than r.Patience. If none are
// written in this time, it returns none.
func (r *run) awaitLines(ctx context.Context, word string, groups ...string) ([]string, error) {
	var lines []string
	err := await(ctx, r.Patience, 5*time.Second, func() (bool, error) {
		for _, group := range groups {
			found, err := r.readLines(ctx, word, group)
			if err != nil {
				return false, err
			}
			lines = append(lines, found...)
		}
		return len(lines) > 0, nil
	})
	if errors.Is(err, errTimeout) {
		return nil, nil
	}
	return lines, err
}

func (r *run) deliveryLogs() ([]string, error) {
	account, err := r.account()
	if err != nil {
		return nil, err
	}
	group := "sns/" + r.Config.Region + "/" + account + "/DirectPublishToPhoneNumber"
	return []string{group, group + "/Failure"}, nil
}

// receiptLines waits for the lines about a provider message id.
func (r *run) receiptLines(ctx context.Context, providerMessageID string) ([]string, error) {
	groups, err := r.deliveryLogs()
	if err != nil {
		return nil, err
	}
	return r.awaitLines(ctx, providerMessageID, groups...)
}
