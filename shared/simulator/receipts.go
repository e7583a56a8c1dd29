package simulator

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The receipts follow from the log: a position in it says up to where they were
// confirmed, so that they survive a restart and take no memory.

// sideBySide is how many receipts are sent at once.
const sideBySide = 64

const positionName = "receipts-sent"

// position is how many bytes of the log have had all their receipts. It is not
// synced: after a power cut some are sent again.
type position struct {
	file *os.File
	at   int64
}

// openPosition reads the position; one that the log, size bytes long, does not
// reach belonged to another log.
func openPosition(dir string, size int64) (*position, error) {
	file, err := os.OpenFile(filepath.Join(dir, positionName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	words, err := io.ReadAll(io.LimitReader(file, 64))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	at, err := strconv.ParseInt(strings.TrimLeft(strings.TrimSpace(string(words)), "0"), 10, 64)
	if err != nil || at < 0 || at > size {
		at = 0
	}
	return &position{file: file, at: at}, nil
}

func (p *position) moveTo(at int64) error {
	p.at = at
	_, err := fmt.Fprintf(io.NewOffsetWriter(p.file, 0), "%020d\n", at)
	return err
}

// pending is an entry of the log and where it ends.
type pending struct {
	Entry
	end int64
}

// report sends the receipts of everything in the log, in groups whose time has
// come, until ctx ends.
func (c *Provider) report(ctx context.Context) {
	lines := bufio.NewReaderSize(nil, 64<<10)
	for ctx.Err() == nil {
		next, err := c.pending(lines)
		if err != nil {
			c.options.Logger.ErrorContext(ctx, "simulated provider's log not read", "error", err)
			return
		}
		if len(next) == 0 {
			select {
			case <-ctx.Done():
			case <-c.journal.grown:
			}
			continue
		}
		for until := c.untilDue(next[0].Entry); until > 0 && ctx.Err() == nil; until = c.untilDue(next[0].Entry) {
			_ = wait(ctx, until)
		}
		c.reportGroup(ctx, next)
	}
}

// pending reads the next entries whose receipts were not confirmed.
func (c *Provider) pending(lines *bufio.Reader) ([]pending, error) {
	at := c.position.at
	lines.Reset(io.NewSectionReader(c.journal.file, at, c.journal.size.Load()-at))
	var next []pending
	for len(next) < sideBySide {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return next, nil
		}
		if err != nil {
			return nil, err
		}
		at += int64(len(line))
		p := pending{end: at}
		if err := json.Unmarshal(line, &p.Entry); err != nil {
			return nil, fmt.Errorf("the line that ends at byte %d: %w", at, err)
		}
		next = append(next, p)
	}
	return next, nil
}

func (c *Provider) untilDue(e Entry) time.Duration {
	if e.Verdict != Taken {
		return 0
	}
	return e.At.Add(c.options.ReceiptDelay).Sub(c.options.Now())
}

// reportGroup sends the receipts of the first entries of next whose time has
// come, side by side, and then moves the position behind them.
func (c *Provider) reportGroup(ctx context.Context, next []pending) {
	var sending sync.WaitGroup
	end := c.position.at
	for _, p := range next {
		if c.untilDue(p.Entry) > 0 {
			break
		}
		end = p.end
		if p.Verdict == Taken {
			sending.Go(func() { c.reportEntry(ctx, p.Entry) })
		}
	}
	sending.Wait()
	if ctx.Err() != nil {
		return
	}
	if err := c.position.moveTo(end); err != nil {
		c.options.Logger.WarnContext(ctx, "sent receipts not noted, they will come again", "error", err)
	}
}

// reportEntry sends the receipts of e until each is confirmed or ctx ends.
func (c *Provider) reportEntry(ctx context.Context, e Entry) {
	if c.cameEarly(ctx, e) {
		return
	}
	times := 1
	if e.Fault == DoubleReceipt {
		times = 2
	}
	const first, last = 50 * time.Millisecond, 5 * time.Second
	for pause := first; times > 0 && ctx.Err() == nil; {
		if c.send(ctx, e) {
			times--
			continue
		}
		_ = wait(ctx, pause)
		pause = min(2*pause, last)
	}
}

// expectEarly prepares for a receipt that comes before the answer to e. What it
// returns sends it, if e was written, and must be called in any case.
func (c *Provider) expectEarly(e Entry) (early func(ctx context.Context, written bool)) {
	if e.Fault != EarlyReceipt || c.options.Receipts == nil {
		return func(context.Context, bool) {}
	}
	came := make(chan bool, 1)
	c.early.Store(e.ProviderMessageID, came)
	return func(ctx context.Context, written bool) { came <- written && c.send(ctx, e) }
}

// cameEarly waits until it is known whether the receipt of e came before its
// answer.
func (c *Provider) cameEarly(ctx context.Context, e Entry) bool {
	expected, _ := c.early.LoadAndDelete(e.ProviderMessageID)
	came, ok := expected.(chan bool)
	if !ok {
		return false
	}
	select {
	case yes := <-came:
		return yes
	case <-ctx.Done():
		return true
	}
}

// send reports whether the receipt of e was confirmed.
func (c *Provider) send(ctx context.Context, e Entry) bool {
	text, err := json.Marshal(line(e, c.options.ReceiptDelay))
	if err == nil {
		err = c.options.Receipts(ctx, text)
	}
	if err != nil && ctx.Err() == nil {
		c.options.Logger.WarnContext(ctx, "receipt not confirmed", "provider_message_id", e.ProviderMessageID, "error", err)
	}
	return err == nil
}
