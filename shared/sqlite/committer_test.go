package sqlite

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func openMessages(t *testing.T) *file {
	t.Helper()
	db, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db.messages
}

// block keeps the committer busy until the returned function is called. The writes that
// arrive until then form one group.
func block(t *testing.T, f *file) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		err := f.commit(t.Context(), func(*tx) error {
			close(begun)
			<-end
			return nil
		})
		if err != nil {
			t.Errorf("the blocking write returned %v", err)
		}
	})
	<-begun
	return func() { close(end); done.Wait() }
}

func keepOne(id string) func(*tx) error {
	return func(t *tx) error {
		_, err := t.exec(`INSERT INTO pending_receipts (id, number, purge_at, record) VALUES (?, '', 1, x'7b7d')`, id)
		return err
	}
}

func countKept(t *testing.T, f *file) (n int) {
	t.Helper()
	if err := f.get(t.Context(), `SELECT count(*) FROM pending_receipts`, nil, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCommitter(t *testing.T) {
	t.Run("of a group, only the broken write fails, and it leaves no row", func(t *testing.T) {
		f := openMessages(t)
		release := block(t, f)
		const others = 20
		broken := errors.New("broken")
		var all sync.WaitGroup
		for i := range others {
			all.Go(func() {
				if err := f.commit(t.Context(), keepOne(string(rune('a'+i)))); err != nil {
					t.Errorf("a valid write returned %v", err)
				}
			})
		}
		all.Go(func() {
			err := f.commit(t.Context(), func(t *tx) error {
				if err := keepOne("lost")(t); err != nil {
					return err
				}
				return broken
			})
			if !errors.Is(err, broken) || !errors.Is(err, sms.ErrUnavailable) {
				t.Errorf("the broken write returned %v, want its error and ErrUnavailable", err)
			}
		})
		release()
		all.Wait()
		if n := countKept(t, f); n != others {
			t.Errorf("the table has %d rows, want %d", n, others)
		}
	})

	t.Run("a write that SQLite refuses does not disturb the next writes", func(t *testing.T) {
		f := openMessages(t)
		if err := f.commit(t.Context(), keepOne("a")); err != nil {
			t.Errorf("a valid write returned %v", err)
		}
		if err := f.commit(t.Context(), keepOne("a")); !errors.Is(err, sms.ErrUnavailable) {
			t.Errorf("a write with the same key returned %v, want ErrUnavailable", err)
		}
		if err := f.commit(t.Context(), keepOne("b")); err != nil {
			t.Errorf("a valid write returned %v", err)
		}
		if n := countKept(t, f); n != 2 {
			t.Errorf("the table has %d rows, want 2", n)
		}
	})

	t.Run("a write whose context ends before it begins never begins", func(t *testing.T) {
		f := openMessages(t)
		release := block(t, f)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.commit(ctx, keepOne("a")) }()
		cancel()
		if err := <-ended; !errors.Is(err, sms.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("the canceled write returned %v, want ErrUnavailable and Canceled", err)
		}
		release()
		if n := countKept(t, f); n != 0 {
			t.Errorf("the table has %d rows, want none", n)
		}
	})

	t.Run("a write whose context ends after it began may have been carried out", func(t *testing.T) {
		f := openMessages(t)
		ctx, cancel := context.WithCancel(t.Context())
		begun, end := make(chan struct{}), make(chan struct{})
		ended := make(chan error)
		go func() {
			ended <- f.commit(ctx, func(t *tx) error {
				close(begun)
				<-end
				return keepOne("a")(t)
			})
		}()
		<-begun
		cancel()
		err := <-ended
		if !errors.Is(err, context.Canceled) || errors.Is(err, sms.ErrUnavailable) {
			t.Errorf("the write returned %v, want Canceled and not ErrUnavailable", err)
		}
		close(end)
		if err := f.commit(t.Context(), keepOne("b")); err != nil {
			t.Fatal(err)
		}
		if n := countKept(t, f); n != 2 {
			t.Errorf("the table has %d rows, want 2", n)
		}
	})
}
