package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func runParallel(b *testing.B, goroutines int, f func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range goroutines {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func createAll(b *testing.B, db *sqlite.DB, n int) []sms.Message {
	b.Helper()
	messages := make([]sms.Message, n)
	const writers = 64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := w; i < n; i += writers {
				messages[i] = message("acme")
				if err := db.Create(context.Background(), messages[i]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	return messages
}

func BenchmarkDB(b *testing.B) {
	ctx := context.Background()
	rules := sms.DefaultRules()
	for _, goroutines := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("Create/%d", goroutines), func(b *testing.B) {
			db := open(b, b.TempDir(), sqlite.Options{})
			runParallel(b, goroutines, func(int) error { return db.Create(ctx, message("acme")) })
		})
		b.Run(fmt.Sprintf("Submit/%d", goroutines), func(b *testing.B) {
			db := open(b, b.TempDir(), sqlite.Options{})
			runParallel(b, goroutines, func(int) error { return submit(ctx, db, message("acme")) })
		})
		b.Run(fmt.Sprintf("Claim/%d", goroutines), func(b *testing.B) {
			db := open(b, b.TempDir(), sqlite.Options{})
			messages := createAll(b, db, b.N)
			runParallel(b, goroutines, func(i int) error {
				_, err := db.Claim(ctx, messages[i].Ref(), rules.NewClaim("fake", time.Now()))
				return err
			})
		})
		b.Run(fmt.Sprintf("Get/%d", goroutines), func(b *testing.B) {
			db := open(b, b.TempDir(), sqlite.Options{})
			messages := createAll(b, db, 1000)
			runParallel(b, goroutines, func(i int) error {
				_, err := db.Get(ctx, messages[i%len(messages)].ID)
				return err
			})
		})
		b.Run(fmt.Sprintf("Deliver/%d", goroutines), func(b *testing.B) {
			db := open(b, b.TempDir(), sqlite.Options{})
			for _, m := range createAll(b, db, b.N) {
				if err := db.Queue().Send(ctx, sms.Envelope{Ref: m.Ref()}); err != nil {
					b.Fatal(err)
				}
			}
			runParallel(b, goroutines, func(int) error { return deliver(ctx, db, rules, 1) })
		})
	}
}

func deliver(ctx context.Context, db *sqlite.DB, rules sms.Rules, limit int) error {
	received, err := db.Queue().Dequeue(ctx, limit, 0)
	if err != nil {
		return err
	}
	for _, r := range received {
		ref, err := sms.ParseRef(r.Body)
		if err != nil {
			return err
		}
		m, err := db.Claim(ctx, ref, rules.NewClaim("fake", time.Now()))
		if err != nil {
			return err
		}
		sent, _ := rules.Record(m, m.LeaseToken, sms.Taken(sms.NewToken()), time.Now())
		if _, err := db.Update(ctx, m, sent); err != nil {
			return err
		}
	}
	return db.Queue().Delete(ctx, received...)
}

// BenchmarkMillionWaiting reports the median time of a submission, without and with a
// million waiting messages. With these messages, it also reports the time of a mix of
// submissions and deliveries, the time of Backlog, and the peak memory.
func BenchmarkMillionWaiting(b *testing.B) {
	ctx := context.Background()
	rules := sms.DefaultRules()
	const waiting = 1_000_000
	db := open(b, b.TempDir(), sqlite.Options{})
	empty := medianSubmit(b, db)
	seed(b, db, waiting)
	full := medianSubmit(b, db)

	before := time.Now()
	n, err := db.Queue().Backlog(ctx)
	if err != nil || n != sqlite.MaxBacklog {
		b.Fatalf("Backlog: %d, %v, want %d", n, err, sqlite.MaxBacklog)
	}
	backlog := time.Since(before)

	runParallel(b, 32, func(i int) error {
		if i%2 == 0 {
			return submit(ctx, db, message("acme"))
		}
		return deliver(ctx, db, rules, 1)
	})
	b.ReportMetric(float64(empty.Microseconds()), "empty-us/submit")
	b.ReportMetric(float64(full.Microseconds()), "full-us/submit")
	b.ReportMetric(float64(backlog.Microseconds()), "us/backlog")
	b.ReportMetric(peakMemory(b), "peak-MB")
}

// seed submits n messages, and does not keep them in memory.
func seed(b *testing.B, db *sqlite.DB, n int) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := submit(context.Background(), db, message("acme")); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func medianSubmit(b *testing.B, db *sqlite.DB) time.Duration {
	b.Helper()
	times := make([]time.Duration, 301)
	for i := range times {
		m := message("acme")
		before := time.Now()
		if err := submit(context.Background(), db, m); err != nil {
			b.Fatal(err)
		}
		times[i] = time.Since(before)
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// peakMemory returns the peak memory of this process in megabytes, or 0 if the system
// does not report it.
func peakMemory(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) / 1000
		}
	}
	return 0
}
