package attacks_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// mixedTime returns the duration of the whole mixed traffic, and the duration of each of
// its phases. In the long campaign, SMSQUEUE_MIXED_TRAFFIC sets another time, such as 5m.
func mixedTime(t *testing.T) (all, phase time.Duration) {
	t.Helper()
	if !soak() {
		return 4 * time.Second, time.Second
	}
	all = 30 * time.Minute
	if text := os.Getenv("SMSQUEUE_MIXED_TRAFFIC"); text != "" {
		var err error
		if all, err = time.ParseDuration(text); err != nil {
			t.Fatalf("SMSQUEUE_MIXED_TRAFFIC: %v", err)
		}
	}
	return all, all / 30
}

const (
	// With hostile clients, the p99 must be at most this many times the p99 without
	// hostile clients.
	slowed = 3
	// In the last third of the phases, the mean memory must be at most this many times
	// the mean memory in the second third.
	grown = 1.2
)

// TestHostileClientsBesideAGoodOne lets a good client send 20 messages a second. In every second phase, two
// hostile clients do all that they can to hurt the good client. The short form has too few messages for a
// comparison of times.
func TestHostileClientsBesideAGoodOne(t *testing.T) {
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir(), "--log-level", "error", "--clients", clientsFile(t, "good", "bad", "worse"))
	api := user.API{HTTP: clientOf(t, m, "good"), Base: m.Base}
	machine.Prefer(t) // in reality, the work of the clients is done on other machines
	send(t, api, 100) // from now on, the server is warm
	hostile := []*enemy{newEnemy(t, m, "bad"), newEnemy(t, m, "worse")}
	all, length := mixedTime(t)
	var alone, beside phases
	for begin := time.Now(); time.Since(begin) < all; {
		api.AwaitStatus(t, 5*time.Minute, "no backlog", func(s user.Status) bool { return s.Backlog.OnQueue == 0 })
		alone.run(t, m, api, length)
		stop := attack(t, hostile)
		beside.run(t, m, api, length)
		stop()
		if soak() {
			t.Logf("%4.0f s: alone %s; beside %s", time.Since(begin).Seconds(), alone.last(), beside.last())
		}
	}
	t.Logf("alone: %s", &alone)
	t.Logf("beside hostile clients: %s", &beside)
	t.Logf("median of the p99 of each phase: %v alone, %v beside hostile clients", alone.typical(), beside.typical())
	answers := make(map[string]int)
	for _, e := range hostile {
		for kind, n := range e.answers {
			answers[kind] += n
		}
	}
	t.Logf("answers to hostile clients: %v", answers)
	first, last, slope := beside.memory()
	t.Logf("resident memory beside hostile clients: at first %d MB, at last %d MB, slope %.1f MB an hour", first>>20, last>>20, slope/(1<<20))
	for _, e := range hostile {
		for _, kind := range e.kinds() {
			if !soak() {
				break // some answers take longer than a short phase
			}
			if e.count(kind.name) == 0 {
				t.Errorf("no answer to %q", kind.name)
			}
		}
	}
	if !soak() {
		return
	}
	if a, b := percentile(alone.all(), 99), percentile(beside.all(), 99); b > slowed*a {
		t.Errorf("p99 from accepted to sent is %v alone and %v beside hostile clients, want at most %d times as long", a, b, slowed)
	}
	if float64(last) > grown*float64(first) {
		t.Errorf("resident memory grew from %d MB to %d MB", first>>20, last>>20)
	}
}

// phases holds what was measured in all phases of one kind.
type phases []phase

type phase struct {
	times    []time.Duration // the times from accepted to sent of the good client's messages
	answers  []time.Duration // the time from each submission to its answer
	began    time.Time
	resident []int64 // the resident memory of the server once a second, in bytes
}

// Lets the good client send a message every 50 ms, for the given time. Then it waits
// until all messages are sent. The test fails if a message is not accepted or not sent.
func (all *phases) run(t *testing.T, m *machine.Machine, api user.API, length time.Duration) {
	t.Helper()
	p := phase{began: time.Now()}
	var mu sync.Mutex
	var ids []string
	var group sync.WaitGroup
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := 0; time.Since(p.began) < length; n++ {
		group.Go(func() {
			begin := time.Now()
			sent, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": "+5511987654321", "message": "hello"})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("a message of the good client was not accepted: %v", err)
				return
			}
			ids, p.answers = append(ids, sent.ID), append(p.answers, time.Since(begin))
		})
		if n%20 == 0 {
			p.resident = append(p.resident, m.Memory(t))
		}
		<-tick.C
	}
	group.Wait()
	p.times = timesToSent(t, api, ids)
	*all = append(*all, p)
}

func (all phases) all() (times []time.Duration) {
	for _, p := range all {
		times = append(times, p.times...)
	}
	return times
}

// Returns the median of the p99s of all phases.
func (all phases) typical() time.Duration {
	var each []time.Duration
	for _, p := range all {
		each = append(each, percentile(p.times, 99))
	}
	return percentile(each, 50)
}

func (all phases) last() string { return all[len(all)-1:].String() }

func (all phases) String() string {
	var answers []time.Duration
	var peak int64
	for _, p := range all {
		answers = append(answers, p.answers...)
		peak = max(peak, slices.Max(p.resident))
	}
	times := all.all()
	return fmt.Sprintf("%d messages sent, accepted to sent p50 %v p99 %v, answered p50 %v p99 %v, at most %d MB",
		len(times), percentile(times, 50), percentile(times, 99), percentile(answers, 50), percentile(answers, 99), peak>>20)
}

// Returns the mean resident memory in the second third of the samples and in the last
// third, in bytes. In the first third, the memory of the server still grows to what it
// needs. The result `slope` is that of the line through the last two thirds, in bytes an
// hour.
func (all phases) memory() (first, last int64, slope float64) {
	var at, size []float64
	for _, p := range all {
		for i, bytes := range p.resident {
			at = append(at, p.began.Add(time.Duration(i)*time.Second).Sub(all[0].began).Hours())
			size = append(size, float64(bytes))
		}
	}
	third := len(size) / 3
	at, size = at[third:], size[third:]
	half := len(size) / 2
	meanAt, meanSize := mean(at), mean(size)
	var up, across float64
	for i := range at {
		up += (at[i] - meanAt) * (size[i] - meanSize)
		across += (at[i] - meanAt) * (at[i] - meanAt)
	}
	return int64(mean(size[:half])), int64(mean(size[half:])), up / across
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
