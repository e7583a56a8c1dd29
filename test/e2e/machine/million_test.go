package machine_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// maxResident is the most resident memory that the server is allowed to use, in bytes. It
// does not depend on the number of waiting messages.
const maxResident = 300 << 20

// With the race detector, writing messages is slow, so only the long campaign has a million messages.
func backlog() int {
	if os.Getenv("SMSQUEUE_SOAK") != "" {
		return 1_000_000
	}
	return 20_000
}

func TestMemoryStaysFlatWhileMessagesWait(t *testing.T) {
	enginetest.SQLite(t)
	empty := submitTimes(t, machine.Start(t, t.TempDir(), "--provider-delay", "20ms", "--log-level", "error"))

	dir := t.TempDir()
	fill(t, dir, backlog())
	m := machine.Start(t, dir, "--provider-delay", "20ms", "--log-level", "error")
	full := submitTimes(t, m)
	peak := m.PeakMemory(t)
	t.Logf("median time of a submission: %v without a backlog, %v with a backlog of %d (%.2f times); peak resident memory: %d MB",
		empty, full, backlog(), float64(full)/float64(empty), peak>>20)
	if peak > maxResident {
		t.Errorf("peak resident memory is %d MB, want at most %d", peak>>20, maxResident>>20)
	}
	if len(providerLog(t, dir)) == 0 {
		t.Error("the server handed over no message during the test")
	}
}

func fill(t *testing.T, dir string, n int) {
	t.Helper()
	store, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rules := sms.DefaultRules()
	var made atomic.Int64
	var writers sync.WaitGroup
	for range 128 {
		writers.Go(func() {
			for i := made.Add(1); i <= int64(n); i = made.Add(1) {
				number := fmt.Sprintf("+551198%07d", i)
				m := rules.Accept(sms.NewID(), sms.Draft{
					Owner: "local", Client: "local",
					Request: sms.Request{Number: sms.Number(number), Text: "waiting"},
				}, time.Now())
				err := store.Create(t.Context(), m)
				if err == nil {
					err = store.Queue().Send(t.Context(), sms.Envelope{Ref: m.Ref(), Group: m.Client})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	if err = store.Close(); err != nil {
		t.Fatal(err)
	}
}

func submitTimes(t *testing.T, m *machine.Machine) time.Duration {
	t.Helper()
	const users, each = 8, 250
	api := user.API{HTTP: m.Client(t.Context()), Base: m.Base}
	var mu sync.Mutex
	var times []time.Duration
	var group sync.WaitGroup
	for user := range users {
		group.Go(func() {
			for i := range each {
				begin := time.Now()
				_, err := api.Submit(t.Context(), "", map[string]any{
					"phoneNumber": fmt.Sprintf("+551197%07d", user*each+i), "message": "submitted",
				})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				times = append(times, time.Since(begin))
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(times) == 0 {
		t.FailNow()
	}
	slices.Sort(times)
	return times[len(times)/2]
}
