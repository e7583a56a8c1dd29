package faults

import (
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

func openSQLite(t *testing.T) *sqlite.DB {
	t.Helper()
	return openSQLiteWith(t, time.Now)
}

// openSQLiteWith is like openSQLite, with another clock.
func openSQLiteWith(t *testing.T, now func() time.Time) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.TempDir(), sqlite.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// matrixPace is so fast that no message waits, although the senders book slots.
const matrixPace = 1000

func onSQLite(t *testing.T, a *attack) {
	synctest.Test(t, func(t *testing.T) {
		db := openSQLite(t)
		network := world.NewNetwork(time.Now)
		w := world.New(world.Options{
			Now: time.Now, Sleep: time.Sleep, Store: db, Queue: db.Queue(), Network: network, Provider: network,
			Rules: sms.DefaultRules(), Interval: time.Minute, Around: a.around, PartsPerSecond: matrixPace,
		})
		all := scenario(t, w, a, 7_000_000, sms.NewToken, bothPolicies)
		verify(t, w, a, all)
	})
}

// TestMatrixOnSQLite runs every third cell, which reaches every fault of every service.
// With SMSQUEUE_SOAK=1 it runs every cell.
func TestMatrixOnSQLite(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	every := 3
	if os.Getenv("SMSQUEUE_SOAK") == "1" {
		every = 1
	}
	matrix(t, allFaults, 4, every, func(t *testing.T, a *attack) {
		a.inject = faultAtPort
		onSQLite(t, a)
	})
}

func newAttack(r row, f fault) *attack {
	return &attack{row: r, fault: f, met: map[string]bool{}, seen: map[row]int{}, orphans: map[string]bool{}}
}

// The function `matrix` first runs the scenario without faults, and checks that the
// scenario makes all outside calls. Then it runs the cells.
func matrix(t *testing.T, faults []fault, n, step int, run func(t *testing.T, a *attack)) {
	calm := newAttack(row{}, none)
	told := false // stays false if the flag -run skips this cell
	if !t.Run("without faults", func(t *testing.T) {
		told = true
		run(t, calm)
	}) {
		return
	}
	for _, r := range rows() {
		if told && calm.seen[r] == 0 {
			t.Errorf("the scenario never calls %s: add a story that does, or add it to uncalled", r)
		}
	}
	for _, r := range uncalled {
		if calm.seen[r] > 0 {
			t.Errorf("%s is called, although it is in uncalled", r)
		}
	}
	t.Logf("the scenario makes %d calls", sum(calm.seen))
	cells(t, faults, n, step, run)
}

// Runs n cells at a time. If step is 3, it runs only every third cell.
func cells(t *testing.T, faults []fault, n, step int, run func(t *testing.T, a *attack)) {
	table := &table{faults: faults, cells: make(map[row]map[fault]string)}
	// t.Parallel would run only as many cells as there are processors. On the engines more
	// can run, because a cell mostly waits.
	var group errgroup.Group
	group.SetLimit(n)
	cell := 0
	for _, r := range rows() {
		for _, f := range faults {
			if cell++; cell%step != 0 {
				continue
			}
			group.Go(func() error {
				t.Run(r.String()+"/"+string(f), func(t *testing.T) {
					a := newAttack(r, f)
					defer func() { table.note(r, f, verdict(t, a)) }()
					run(t, a)
				})
				return nil
			})
		}
	}
	_ = group.Wait() // each cell reports its own errors
	table.print(t)
}

func sum(counts map[row]int) int {
	all := 0
	for _, n := range counts {
		all += n
	}
	return all
}

func verdict(t *testing.T, a *attack) string {
	switch {
	case t.Failed():
		return "BROKEN"
	case len(a.met) == 0:
		t.Error("no call met the fault")
		return "NOT MET"
	}
	return "holds"
}

type table struct {
	faults []fault

	mu    sync.Mutex
	cells map[row]map[fault]string
}

func (t *table) note(r row, f fault, verdict string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cells[r] == nil {
		t.cells[r] = make(map[fault]string)
	}
	t.cells[r][f] = verdict
}
