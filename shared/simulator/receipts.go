package simulator

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/folder"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Receipts are made from the log, so they take no memory. All receipts before a certain
// position in the log are confirmed. This position survives a restart.

// groupSize is the number of receipts that are sent at the same time.
const groupSize = 64

const positionName = "receipts-sent"

// position is the place in the log before which all receipts are confirmed, as a number
// of bytes from the beginning of the log. Its file is not synced, so some receipts are
// sent again after a power cut.
type position struct {
	file *os.File
	at   int64
}

// openPosition reads the position from its file. The parameter `size` is the log's size in bytes. A position
// beyond the end of the log belongs to another log; openPosition then returns 0.
func openPosition(root *os.Root, size int64) (*position, error) {
	file, err := folder.OpenFile(root, positionName, os.O_RDWR|os.O_CREATE)
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

// pending is a line of the log, with the position of its end.
type pending struct {
	Entry
	end     int64
	damaged error // why the line is not an entry, or nil
}

// readPause is the time after which report tries again to read the log.
const readPause = time.Second

// report sends the log's receipts, in groups as they become due, until ctx ends.
func (p *Provider) report(ctx context.Context) {
	lines := bufio.NewReaderSize(nil, 64<<10)
	for ctx.Err() == nil {
		next, err := p.readPending(lines)
		if p.unread.note(err) && err != nil {
			p.options.Logger.ErrorContext(ctx, "simulated provider's log not read", "error", err)
		}
		switch {
		case err != nil:
			_ = wait(ctx, readPause)
			continue
		case len(next) == 0:
			select {
			case <-ctx.Done():
			case <-p.journal.grown:
			}
			continue
		}
		for until := p.untilDue(next[0].Entry); until > 0 && ctx.Err() == nil; until = p.untilDue(next[0].Entry) {
			_ = wait(ctx, until)
		}
		p.reportGroup(ctx, next)
	}
}

// readPending returns the next lines of the log whose receipts are not confirmed. If
// somebody has cut or replaced the log, all lines that are new since then are among them.
func (p *Provider) readPending(lines *bufio.Reader) ([]pending, error) {
	file, size, low := p.journal.seen()
	if low < p.position.at {
		p.moveTo(low)
	}
	at := p.position.at
	lines.Reset(io.NewSectionReader(file, at, size-at))
	var next []pending
	for len(next) < groupSize {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return next, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading at byte %d: %w", at, err)
		}
		at += int64(len(line))
		var e Entry
		if isEmpty(line) {
			line = []byte("{}")
		}
		if err := json.Unmarshal(line, &e); err != nil {
			next = append(next, pending{end: at, damaged: err})
			continue
		}
		next = append(next, pending{Entry: e, end: at})
	}
	return next, nil
}

// untilDue returns the time until the receipt of e is due. An entry from the future comes
// from a time when the clock was wrong, so its receipt is due at once.
func (p *Provider) untilDue(e Entry) time.Duration {
	now := p.options.Now()
	if !e.Taken() || sms.Ahead(e.At, now) {
		return 0
	}
	return e.At.Add(p.options.ReceiptDelay).Sub(now)
}

// reportGroup sends the receipts that are due for the entries in the list next. Then it
// moves the position past these entries.
func (p *Provider) reportGroup(ctx context.Context, next []pending) {
	var sending sync.WaitGroup
	end := p.position.at
	for _, entry := range next {
		if p.untilDue(entry.Entry) > 0 {
			break
		}
		end = entry.end
		switch {
		case entry.damaged != nil:
			p.options.Logger.ErrorContext(ctx, "line of the simulated provider's log skipped", "ends_at_byte", end, "error", entry.damaged)
		case entry.Taken():
			sending.Go(func() { p.reportEntry(ctx, entry.Entry) })
		}
	}
	sending.Wait()
	if ctx.Err() != nil {
		return
	}
	p.moveTo(end)
}

func (p *Provider) moveTo(at int64) {
	if err := p.position.moveTo(at); err != nil {
		p.options.Logger.Warn("position in the log not saved", "error", err)
	}
}

// reportEntry sends the receipts of e, again and again until each is confirmed or ctx
// ends.
func (p *Provider) reportEntry(ctx context.Context, e Entry) {
	if p.cameEarly(ctx, e) {
		return
	}
	times := 1
	if e.Fault == DoubleReceipt {
		times = 2
	}
	const first, last = 50 * time.Millisecond, 5 * time.Second
	for pause := first; times > 0 && ctx.Err() == nil; {
		if p.send(ctx, e) {
			times--
			continue
		}
		_ = wait(ctx, pause)
		pause = min(2*pause, last)
	}
}

// If the number of e produces this fault, expectEarly prepares to send the receipt of e
// before the answer to e. The caller must call the returned function, which sends the
// receipt if e was written to the log.
func (p *Provider) expectEarly(e Entry) (early func(ctx context.Context, written bool)) {
	if e.Fault != EarlyReceipt || p.options.Receipts == nil {
		return func(context.Context, bool) {}
	}
	came := make(chan bool, 1)
	p.early.Store(e.ProviderMessageID, came)
	return func(ctx context.Context, written bool) {
		if !written {
			p.early.Delete(e.ProviderMessageID)
		}
		came <- written && p.send(ctx, e)
	}
}

// cameEarly reports whether the receipt of e was sent before the answer to e. It waits
// until this is known.
func (p *Provider) cameEarly(ctx context.Context, e Entry) bool {
	expected, _ := p.early.LoadAndDelete(e.ProviderMessageID)
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

// send sends the receipt of e and reports whether it was confirmed.
func (p *Provider) send(ctx context.Context, e Entry) bool {
	err := p.options.Receipts(ctx, e.receipt())
	p.unconfirmed.note(err)
	if err != nil && ctx.Err() == nil {
		p.options.Logger.WarnContext(ctx, "receipt not confirmed", "provider_message_id", e.ProviderMessageID, "error", err)
	}
	return err == nil
}
