package simulator

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/smsqueue/smsqueue/shared/folder"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Entry is one hand-over in the log, as a line of JSON.
type Entry struct {
	At                time.Time  `json:"at"`
	ProviderMessageID string     `json:"providerMessageId,omitempty"` // "" if the message was refused
	MessageID         string     `json:"messageId"`
	HandOver          string     `json:"handOver"` // the lease token of the sender
	Number            sms.Number `json:"number"`
	Text              string     `json:"text,omitempty"` // only with Options.LogTexts
	Parts             int        `json:"parts"`
	Type              sms.Type   `json:"type,omitempty"`
	Fault             string     `json:"fault,omitempty"` // the Name of its number, if the number produced a fault
}

// Taken reports whether the provider took the message, even if its answer was lost.
func (e Entry) Taken() bool { return e.ProviderMessageID != "" }

// Void reports whether the provider took the message and then sent nothing.
func (e Entry) Void() bool { return e.Taken() && e.receipt().Verdict == sms.VerdictVoid }

const logName = "handed-over.jsonl"

// ReadLog reads the whole log in the folder dir, even while a provider has the log open.
// It leaves out an incomplete last line.
func ReadLog(dir string) ([]Entry, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the simulated provider's log: %w", err)
	}
	defer func() { _ = root.Close() }()
	file, err := folder.OpenFile(root, logName, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("reading the simulated provider's log: %w", err)
	}
	defer func() { _ = file.Close() }()
	var all []Entry
	lines := bufio.NewReader(file)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		var e Entry
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		if err != nil {
			return all, fmt.Errorf("reading line %d of the simulated provider's log: %w", n, err)
		}
		all = append(all, e)
	}
}

// journal is the log of a running provider. One goroutine writes it. Each sync covers all
// lines that arrived during the sync before it.
type journal struct {
	file   *os.File
	writes chan write
	ended  chan struct{}
	size   atomic.Int64  // synced bytes
	grown  chan struct{} // gets a value when size has grown
}

type write struct {
	ctx  context.Context //nolint:containedctx // the caller's, for its deadline
	line []byte
	done chan<- error
}

// group is the maximum number of lines that one sync covers.
const group = 1024

func openJournal(root *os.Root) (*journal, error) {
	file, err := folder.OpenFile(root, logName, os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return nil, err
	}
	j := &journal{file: file, writes: make(chan write), ended: make(chan struct{}), grown: make(chan struct{}, 1)}
	size, err := cutTornLine(file)
	if err == nil {
		err = folder.Sync(root)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	j.size.Store(size)
	return j, nil
}

// cutTornLine removes an incomplete last line, which has no line end, and returns the new
// size of the file.
func cutTornLine(file *os.File) (int64, error) {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	chunk := make([]byte, 64<<10)
	size := int64(0)
	for at := end; at > 0 && size == 0; {
		n := min(at, int64(len(chunk)))
		at -= n
		if _, err := file.ReadAt(chunk[:n], at); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(chunk[:n], '\n'); i >= 0 {
			size = at + int64(i) + 1
		}
	}
	if size < end {
		if err := file.Truncate(size); err != nil {
			return 0, err
		}
	}
	return size, file.Sync()
}

// append writes e, unless ctx has ended, and returns nil when e is durable. If the error
// is errNotWritten, e will never be durable. After any other error, e may still become
// durable, even if the error says that ctx ended.
func (j *journal) append(ctx context.Context, e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotWritten, err)
	}
	done := make(chan error, 1)
	select {
	case j.writes <- write{ctx, append(line, '\n'), done}:
	case <-j.ended:
		return errNotWritten
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes until ctx ends or a write fails. After a failed write it does not go on,
// because nobody knows what is on the disk then.
func (j *journal) run(ctx context.Context) {
	defer close(j.ended)
	var buffer bytes.Buffer
	waiting := make([]chan<- error, 0, group)
	add := func(w write) {
		if err := sms.Late(w.ctx); err != nil {
			w.done <- err
			return
		}
		buffer.Write(w.line)
		waiting = append(waiting, w.done)
	}
	for {
		buffer.Reset()
		waiting = waiting[:0]
		select {
		case <-ctx.Done():
			return
		case w := <-j.writes:
			add(w)
		}
		for more := true; more && len(waiting) < group; {
			select {
			case w := <-j.writes:
				add(w)
			default:
				more = false
			}
		}
		if len(waiting) == 0 {
			continue
		}
		err := j.write(buffer.Bytes())
		for _, done := range waiting {
			done <- err
		}
		if err != nil {
			return
		}
	}
}

func (j *journal) write(lines []byte) error {
	if _, err := j.file.Write(lines); err != nil {
		return fmt.Errorf("writing the simulated provider's log: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("syncing the simulated provider's log: %w", err)
	}
	j.size.Add(int64(len(lines)))
	select {
	case j.grown <- struct{}{}:
	default:
	}
	return nil
}
