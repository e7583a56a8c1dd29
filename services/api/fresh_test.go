package api_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/smstest"
)

type table struct {
	mu    sync.Mutex
	text  string
	fail  error
	reads int
	last  string                      // the kind of the last read: "eventual" or "consistent"
	wait  func(context.Context) error // called during each read
}

func (s *table) read(ctx context.Context, consistent bool) ([]string, error) {
	s.mu.Lock()
	s.reads++
	if s.last = "eventual"; consistent {
		s.last = "consistent"
	}
	text, err, wait := s.text, s.fail, s.wait
	s.mu.Unlock()
	if wait != nil {
		err = errors.Join(err, wait(ctx))
	}
	return []string{text}, err
}

func (s *table) set(text string, fail error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text, s.fail = text, fail
}

type desk struct {
	*table
	clock   *smstest.Clock
	clients *api.FreshClients
}

func openDesk(text string) desk {
	d := desk{table: &table{text: text}, clock: smstest.NewClock(morning)}
	d.clients = api.NewFreshClients(d.read, d.clock.Now, slog.New(slog.DiscardHandler))
	return d
}

func (d desk) finds(t *testing.T, id string, want string, reads int) {
	t.Helper()
	before := d.reads
	got := "unknown"
	_, ok, err := d.clients.Client(t.Context(), id)
	switch {
	case err != nil && !ok:
		got = "unavailable"
	case ok:
		got = "known"
	}
	if n := d.reads - before; got != want || n != reads {
		t.Fatalf("client %s is %s after %d reads, want %s after %d (%v)", id, got, n, want, reads, err)
	}
}

const (
	alone  = `{"old": {}}`
	joined = `{"old": {}, "new": {}}`
)

func TestFreshClients(t *testing.T) {
	broken := errors.New("the table cannot be read")
	t.Run("are read again when they are nearly a minute old", func(t *testing.T) {
		d := openDesk(alone)
		d.finds(t, "old", "known", 1)
		d.clock.Advance(50*time.Second - time.Millisecond)
		d.finds(t, "old", "known", 0)
		d.clock.Advance(time.Millisecond)
		d.finds(t, "old", "known", 1)
		d.finds(t, "old", "known", 0)
	})
	t.Run("lose a removed client within a minute", func(t *testing.T) {
		d := openDesk(joined)
		d.finds(t, "new", "known", 1)
		d.set(alone, nil)
		d.clock.Advance(time.Minute)
		d.finds(t, "new", "unknown", 1)
		d.finds(t, "old", "known", 0)
	})
	t.Run("have a new client at once", func(t *testing.T) {
		d := openDesk(alone)
		d.finds(t, "old", "known", 1)
		d.set(joined, nil)
		d.clock.Advance(time.Second)
		d.finds(t, "new", "known", 1)
	})
	t.Run("are refreshed at half the price, and read consistently for an unknown client", func(t *testing.T) {
		d := openDesk(alone)
		reads := func(want string) {
			t.Helper()
			if d.last != want {
				t.Errorf("the read is %s, want %s", d.last, want)
			}
		}
		d.finds(t, "old", "known", 1)
		reads("consistent")
		d.clock.Advance(50 * time.Second)
		d.finds(t, "old", "known", 1)
		reads("eventual")
		d.set(joined, nil) // the refresh has not seen this change
		d.finds(t, "new", "known", 1)
		reads("consistent")
		d.clock.Advance(time.Minute)
		d.finds(t, "new", "known", 1)
		reads("consistent")
	})
	t.Run("are read for an unknown client at most once a second", func(t *testing.T) {
		d := openDesk(alone)
		d.finds(t, "new", "unknown", 1)
		for range 3 {
			d.clock.Advance(300 * time.Millisecond)
			d.finds(t, "new", "unknown", 0)
		}
		d.clock.Advance(100 * time.Millisecond)
		d.finds(t, "new", "unknown", 1)
	})
	t.Run("outlive reads that fail, but not for more than a minute", func(t *testing.T) {
		d := openDesk(alone)
		d.finds(t, "old", "known", 1)
		d.set(alone, broken)
		d.clock.Advance(50 * time.Second)
		d.finds(t, "old", "known", 1)
		d.finds(t, "old", "known", 0)
		d.clock.Advance(10*time.Second - time.Millisecond)
		d.finds(t, "old", "known", 1)
		d.clock.Advance(time.Second)
		d.finds(t, "old", "unavailable", 1)
		d.finds(t, "old", "unavailable", 0)
		d.set(alone, nil)
		d.clock.Advance(time.Second)
		d.finds(t, "old", "known", 1)
	})
	t.Run("do not call a client unknown because a read failed", func(t *testing.T) {
		d := openDesk(alone)
		d.finds(t, "old", "known", 1)
		d.set(joined, broken)
		d.clock.Advance(2 * time.Second)
		d.finds(t, "new", "unavailable", 1)
		d.finds(t, "new", "unavailable", 0)
		d.finds(t, "old", "known", 0)
	})
	t.Run("are read by a request if the read at the start failed", func(t *testing.T) {
		d := openDesk(alone)
		d.set(alone, broken)
		if err := d.clients.Refresh(t.Context()); !errors.Is(err, broken) {
			t.Fatalf("Refresh returned %v, want the error of the read", err)
		}
		d.finds(t, "old", "unavailable", 0)
		d.set(alone, nil)
		d.clock.Advance(time.Second)
		d.finds(t, "old", "known", 1)
	})
	t.Run("count as old if the clock was set back", func(t *testing.T) {
		d := openDesk(alone)
		d.finds(t, "old", "known", 1)
		d.clock.Advance(-time.Hour)
		d.finds(t, "old", "known", 1)
		d.set(alone, broken)
		d.clock.Advance(-time.Hour)
		d.finds(t, "old", "unavailable", 1)
	})
	t.Run("are as old as the beginning of their read", func(t *testing.T) {
		d := openDesk(alone)
		d.wait = func(context.Context) error { d.clock.Advance(700 * time.Millisecond); return nil }
		d.finds(t, "old", "known", 1)
		d.clock.Advance(50*time.Second - 700*time.Millisecond)
		d.finds(t, "old", "known", 1)
	})
}

func TestOneReadServesAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(alone)
		answer := make(chan struct{})
		d.wait = func(context.Context) error { <-answer; return nil }
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, ok, err := d.clients.Client(t.Context(), "old"); !ok || err != nil {
					t.Errorf("the client is known: %t, %v", ok, err)
				}
			})
		}
		synctest.Wait()
		close(answer)
		all.Wait()
		if d.reads != 1 {
			t.Errorf("100 requests at once read the clients %d times, want once", d.reads)
		}
	})
}

func TestAnOldReadDoesNotReplaceANewerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(alone)
		d.finds(t, "old", "known", 1)
		d.clock.Advance(50 * time.Second)
		answer := make(chan struct{})
		d.wait = func(context.Context) error { <-answer; return nil }
		var refresh sync.WaitGroup
		refresh.Go(func() { _, _, _ = d.clients.Client(t.Context(), "old") })
		synctest.Wait()
		d.mu.Lock()
		d.wait = nil
		d.mu.Unlock()
		d.set(joined, nil)
		d.finds(t, "new", "known", 1)
		close(answer)
		refresh.Wait()
		d.clock.Advance(2 * time.Second)
		d.finds(t, "new", "known", 0)
	})
}

func TestAReadOfClientsThatHangs(t *testing.T) {
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	t.Run("keeps no request for longer than 750 ms", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := openDesk(alone)
			d.wait = hang
			begin := time.Now()
			d.finds(t, "old", "unavailable", 1)
			if took := time.Since(begin); took != 750*time.Millisecond {
				t.Errorf("the request waited %v, want 750 ms", took)
			}
		})
	})
	t.Run("ends for a client that leaves, not for the others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := openDesk(alone)
			answer := make(chan struct{})
			d.wait = func(ctx context.Context) error {
				select {
				case <-answer:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			first, leave := context.WithCancel(t.Context())
			var all sync.WaitGroup
			all.Go(func() { _, _, _ = d.clients.Client(first, "old") })
			synctest.Wait()
			second, leaveToo := context.WithCancel(t.Context())
			var impatient, patient error
			all.Go(func() { _, _, impatient = d.clients.Client(second, "old") })
			all.Go(func() { _, _, patient = d.clients.Client(t.Context(), "old") })
			synctest.Wait()
			leave()
			leaveToo()
			synctest.Wait()
			if !errors.Is(impatient, context.Canceled) {
				t.Errorf("a request whose client left got %v", impatient)
			}
			close(answer)
			all.Wait()
			if patient != nil || d.reads != 1 {
				t.Errorf("the request that went on waiting got %v after %d reads", patient, d.reads)
			}
		})
	})
}
