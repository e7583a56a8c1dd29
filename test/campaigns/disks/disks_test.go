//go:build linux

package disks

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smsqueue/smsqueue/services/server"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
	"github.com/smsqueue/smsqueue/test/harness/disk"
)

// An outage breaks the disk of a server, and later repairs it.
type outage struct {
	name       string
	begin, end func()
	partly     bool // whether some writes succeed, so that the server can be well for a while
}

// lengths returns the shortest and the longest duration of an outage, and the number of
// times that each outage comes. An outage lasts at least until /healthz and /v1/status
// have reported it.
func lengths() (shortest, longest time.Duration, rounds int) {
	if soak() {
		return 100 * time.Millisecond, 20 * time.Second, 3
	}
	return 100 * time.Millisecond, 500 * time.Millisecond, 1
}

func soak() bool { return os.Getenv("SMSQUEUE_SOAK") == "1" }

func faults(d *disk.Disk) []outage {
	var all []outage
	for _, f := range []disk.Fault{disk.Full, disk.ReadOnly, disk.BadWrite, disk.BadSync, disk.BadDisk, disk.NoGrowth} {
		if !soak() && (f == disk.NoGrowth || f == disk.BadWrite) {
			continue // after BadWrite, a delivery can be repeated only after a minute; NoGrowth is much like ReadOnly
		}
		all = append(all, outage{
			name: f.String(), begin: func() { d.Set(f) }, end: func() { d.Set(disk.None) }, partly: f == disk.NoGrowth,
		})
	}
	return all
}

func TestTheDiskFails(t *testing.T) {
	if testing.Short() {
		t.Skip("this test builds the program and breaks its disk for ten seconds: run make test")
	}
	t.Parallel()
	enginetest.SQLite(t)
	t.Run("because files reach their limit", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, t.TempDir())
		s.campaign(fileLimit(s))
	})
	for name, args := range map[string][]string{
		"in every way": nil,
		// If the outcome of a hand-over cannot be recorded, its message waits until its
		// lease ends, which takes a minute.
		"in the middle of hand-overs": {"--provider-delay", "1s"},
	} {
		if args != nil && !soak() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d, lacking := disk.Mount(t)
			if d == nil {
				t.Log("only the limit of files is tested, because this machine lacks " + lacking)
				return
			}
			t.Parallel()
			s := newStage(t, filepath.Join(d.Path, "data"), args...)
			s.campaign(faults(d))
		})
	}
}

// fileLimit needs no file system: the limit of a file's size fails every write of the
// server, even a write that does not make a file larger.
func fileLimit(s *stage) []outage {
	limit := func(to, old *unix.Rlimit) {
		s.Helper()
		if err := unix.Prlimit(s.m.Pid(), unix.RLIMIT_FSIZE, to, old); err != nil {
			s.Fatalf("limiting the server's files: %v", err)
		}
	}
	var before unix.Rlimit
	limit(nil, &before)
	return []outage{{
		name:  "limit of a file's size",
		begin: func() { limit(&unix.Rlimit{Cur: 0, Max: before.Max}, nil) },
		end:   func() { limit(&before, nil) },
	}}
}

func (s *stage) campaign(outages []outage) {
	shortest, longest, rounds := lengths()
	for range rounds {
		for _, i := range rand.Perm(len(outages)) {
			length := shortest + rand.N(longest-shortest)
			s.live(outages[i], length)
			if s.Failed() {
				s.Fatalf("after the outage %q of %v", outages[i].name, length)
			}
		}
	}
	for id, ends := range s.accepted {
		s.awaitStatus(id, ends...)
	}
	if _, err := server.Operate(s.Context(), s.m.Dir, sms.Order{Word: sms.OrderResume}); err != nil {
		s.Errorf("the server takes no orders after the outages: %v", err)
	}
	s.Logf("answers during the outages: %v", s.answers)
	s.reconcile()
}

// The method `live` brings messages into every status. Meanwhile it lets an outage begin
// and end.
func (s *stage) live(o outage, length time.Duration) {
	s.Helper()
	number := func(name string) string {
		i := slices.IndexFunc(simulator.Numbers, func(n simulator.Number) bool { return n.Name == name })
		return string(simulator.Numbers[i].Number)
	}
	at := func(fields map[string]any, in time.Duration) map[string]any {
		fields["sendAt"] = time.Now().Add(in).UTC().Format(time.RFC3339Nano)
		return fields
	}
	canceled := s.must(at(message(""), time.Hour), "canceled")
	if soak() {
		s.must(message(number(simulator.Throttled)), "delivered") // is queued again and again
	}
	unknown := s.must(held(number(simulator.NoAnswer)), "unknown", "delivered")
	final := s.must(message(""), "delivered")
	s.awaitStatus(final, "delivered")
	s.awaitStatus(unknown, "unknown", "delivered")
	sent := s.must(held(""), "unknown", "delivered")
	inFlight := []string{"sent", "delivered"}
	if soak() {
		inFlight = append(inFlight, "sending") // if its outcome cannot be recorded, the message waits until its lease ends
	}
	s.awaitStatus(sent, inFlight...)
	scheduled := s.must(at(message(""), time.Second/2), "delivered")

	o.begin()
	began := time.Now()
	told, sends := false, true
	s.await("/healthz and /v1/status tell of the outage "+o.name, func() bool {
		s.submit(sms.NewToken(), message(""), "delivered")
		s.submit("", held(""), "unknown", "delivered")
		for path, method := range map[string]string{
			"/v1/sms/" + canceled + "/cancel": http.MethodPost, "/v1/sms/" + final + "/message": http.MethodDelete, "/v1/sms?limit=5": http.MethodGet,
		} {
			if a := s.do(method, path, "", nil); a.status >= http.StatusBadRequest {
				s.problem(method+" "+path, a)
			}
		}
		_ = s.statusOf(scheduled)
		time.Sleep(100 * time.Millisecond) // a client is allowed to read ten lists a second
		if words, well := s.health(); !well {
			told = true
			s.answers[words]++
		}
		sends = s.sends() && sends
		return told && !sends && time.Since(began) > length
	})
	if _, well := s.health(); well && !o.partly {
		s.Errorf("/healthz says ok although the disk has the fault %q", o.name)
	}
	if s.sends() && !o.partly {
		s.Errorf("/v1/status says sending although the disk has the fault %q", o.name)
	}
	o.end()

	s.await("the server is well again", func() bool { _, well := s.health(); return well && s.sends() })
	for key, fields := range s.refused {
		s.submit(key, fields, "delivered")
	}
	if len(s.refused) > 0 {
		s.Errorf("%d messages are refused although the disk works again", len(s.refused))
	}
	if a := s.do(http.MethodPost, "/v1/sms/"+canceled+"/cancel", "", nil); a.status != http.StatusOK {
		s.Errorf("the cancel after the outage is %d %s, want 200", a.status, a.body)
	}
	if a := s.do(http.MethodDelete, "/v1/sms/"+final+"/message", "", nil); a.status != http.StatusNoContent {
		s.Errorf("the deletion of a text after the outage is %d %s, want 204", a.status, a.body)
	}
}

// reconcile stops the server and compares its records with the provider's log.
func (s *stage) reconcile() {
	s.Helper()
	if err := s.m.Stop(); err != nil {
		s.Fatal(err)
	}
	entries, err := simulator.ReadLog(filepath.Join(s.m.Dir, "provider"))
	if err != nil {
		s.Fatal(err)
	}
	var log []reconcile.HandOver
	for _, e := range entries {
		if e.Taken() {
			log = append(log, reconcile.HandOver{At: e.At, MessageID: e.MessageID, ProviderMessageID: e.ProviderMessageID, Number: e.Number, Void: e.Void()})
		}
	}
	db, err := sqlite.Open(s.m.Dir, sqlite.Options{})
	if err != nil {
		s.Fatal(err)
	}
	report, err := reconcile.Everything(s.Context(), db, log, time.Now())
	if err != nil {
		s.Fatal(err)
	}
	if err := db.Every(s.Context(), func(m sms.Message) error {
		if slices.Contains(s.void, m.Reference) {
			s.Errorf("message %s was accepted although the answer was that nothing was changed", m.ID)
		}
		return nil
	}); err != nil {
		s.Fatal(err)
	}
	if err := db.Close(); err != nil {
		s.Fatal(err)
	}
	var printed strings.Builder
	report.Print(&printed)
	s.Log(printed.String())
	if err := report.Err(); err != nil {
		s.Error(err)
	}
	if n := len(s.accepted); report.Accepted < n || report.Accepted > n+s.perhaps {
		s.Errorf("there are %d records, want %d and at most %d more", report.Accepted, n, s.perhaps)
	}
}
