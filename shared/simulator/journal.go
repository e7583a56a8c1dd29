package simulator

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"
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
// It leaves out an incomplete last line. If lines are damaged, it returns all other lines
// and a *DamagedError.
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
	var damaged DamagedError
	lines := bufio.NewReader(file)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if damaged.Lines != nil {
				return all, &damaged
			}
			return all, nil
		}
		if err != nil {
			return all, fmt.Errorf("reading line %d of the simulated provider's log: %w", n, err)
		}
		if isEmpty(line) {
			continue
		}
		var e Entry
		if json.Unmarshal(line, &e) != nil {
			damaged.Lines = append(damaged.Lines, n)
			continue
		}
		all = append(all, e)
	}
}

// DamagedError says which lines of the log are not entries.
type DamagedError struct{ Lines []int }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("these lines of the simulated provider's log are damaged: %v", e.Lines)
}

// isEmpty reports whether a line has no content. Such a line may be left from a test of
// the disk if the process was killed during the test.
func isEmpty(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// journal is the log of a running provider. One goroutine writes it. Each sync covers all
// lines that arrived during the sync before it.
//
// After a failed write, the journal removes what the write has left in the file, and goes
// on as soon as writes succeed again. It also goes on after somebody has cut, extended,
// removed or replaced the file.
type journal struct {
	root   *os.Root
	writes chan write
	checks chan chan<- error
	ended  chan struct{}
	grown  chan struct{} // gets a value when size has changed
	failed bool          // whether a write has failed, and no write has succeeded since; only run may use it

	mu   sync.Mutex
	file *os.File // only run changes it
	size int64    // the synced bytes of file; only run changes it
	low  int64    // the lowest size that file, or a file that it has replaced, had since the last call of the method seen
}

type write struct {
	ctx  context.Context //nolint:containedctx // the caller's, for its deadline
	line []byte
	done chan<- error
}

// group is the maximum number of lines that one sync covers.
const group = 1024

func openJournal(root *os.Root) (*journal, error) {
	j := &journal{
		root: root, writes: make(chan write), checks: make(chan chan<- error), ended: make(chan struct{}), grown: make(chan struct{}, 1),
	}
	if err := j.open(); err != nil {
		return nil, err
	}
	j.low = math.MaxInt64
	return j, nil
}

// open opens the file, or makes it, and removes an incomplete last line. The method also closes the file that
// j had open before.
func (j *journal) open() error {
	file, err := folder.OpenFile(j.root, logName, os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	size, err := cutTornLine(file)
	if err == nil {
		err = folder.Sync(j.root)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	before := j.file
	j.file, j.size, j.low = file, size, 0
	if before != nil {
		_ = before.Close() // the old file is no longer the log
	}
	return nil
}

// seen returns the file and its size, and the lowest size since the last call of this
// method.
func (j *journal) seen() (file *os.File, size, low int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	low, j.low = j.low, math.MaxInt64
	return j.file, j.size, low
}

func (j *journal) resize(size int64) {
	j.mu.Lock()
	j.low, j.size = min(j.low, size), size
	j.mu.Unlock()
	select {
	case j.grown <- struct{}{}:
	default:
	}
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
		return fmt.Errorf("%w: it has stopped", errNotWritten)
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

// check returns why lines cannot be written, or nil. It writes only after a failed write.
func (j *journal) check(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case j.checks <- done:
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

// run writes until ctx ends.
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
		case done := <-j.checks:
			done <- j.try()
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
	}
}

// write appends lines. If the error is errNotWritten, these lines are not in the log.
func (j *journal) write(lines []byte) error {
	if err := j.mend(); err != nil {
		return fmt.Errorf("%w: %w", errNotWritten, err)
	}
	n, err := j.file.Write(lines)
	if err == nil {
		err = j.file.Sync()
	}
	if err == nil {
		j.failed = false
		j.resize(j.size + int64(len(lines)))
		return nil
	}
	j.failed = true
	err = fmt.Errorf("writing the simulated provider's log: %w", err)
	if n > 0 {
		if left := j.mend(); left != nil {
			return errors.Join(err, left)
		}
	}
	return fmt.Errorf("%w: %w", errNotWritten, err)
}

// try returns nil if the last write has succeeded, or if a test shows that the next write
// can succeed. The test writes an empty line, which is longer than any other line, and
// removes it.
func (j *journal) try() error {
	err := j.mend()
	if err != nil || !j.failed {
		return err
	}
	if _, err = fmt.Fprintf(j.file, "%1024s\n", ""); err == nil {
		err = j.file.Sync()
	}
	if err == nil {
		err = j.mend()
	}
	if err != nil {
		return fmt.Errorf("writing the simulated provider's log: %w", err)
	}
	j.failed = false
	return nil
}

// mend makes the log ready for the next write. It removes what a failed write has left in
// the file. If somebody else has changed the file, mend accepts its complete lines. If
// somebody has removed or replaced the file, mend opens the new file.
func (j *journal) mend() error {
	named, err := j.root.Lstat(logName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking at the simulated provider's log: %w", err)
	}
	opened, err := j.file.Stat()
	if err != nil {
		return fmt.Errorf("looking at the simulated provider's log: %w", err)
	}
	if named == nil || !os.SameFile(named, opened) {
		if err := j.open(); err != nil {
			return fmt.Errorf("opening the simulated provider's log again: %w", err)
		}
		j.resize(j.size)
		return nil
	}
	switch left := opened.Size() - j.size; {
	case left > 0 && j.failed:
		if err := errors.Join(j.file.Truncate(j.size), j.file.Sync()); err != nil {
			return fmt.Errorf("undoing a write to the simulated provider's log: %w", err)
		}
	case left != 0:
		size, err := cutTornLine(j.file)
		if err != nil {
			return fmt.Errorf("reading the end of the simulated provider's log: %w", err)
		}
		j.resize(size)
	}
	return nil
}
