//go:build linux

package disks

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sqlite"
	"github.com/smsqueue/smsqueue/test/harness/disk"
)

// TestAStartThatFailedCanBeRepeated opens the databases and the log of a data folder,
// with a fault after some of the calls. The folder is either new, or the folder of a
// server that was killed. When the disk works again, a server must be able to use the
// folder.
func TestAStartThatFailedCanBeRepeated(t *testing.T) {
	if testing.Short() {
		t.Skip("this test opens hundreds of folders: run make test")
	}
	t.Parallel()
	enginetest.SQLite(t)
	d, lacking := disk.Mount(t)
	if d == nil {
		t.Log("nothing is tested, because this machine lacks " + lacking)
		return
	}
	step := 17
	if soak() {
		step = 1
	}
	killed := filepath.Join(d.Path, "killed")
	running, err := sqlite.Open(filepath.Join(d.Path, "running"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(killed, os.DirFS(filepath.Join(d.Path, "running"))); err != nil {
		t.Fatal(err)
	}
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []disk.Fault{disk.NoGrowth, disk.Full, disk.ReadOnly, disk.BadSync, disk.BadDisk} {
		for _, before := range []string{"new", "killed"} {
			failed := 0
			for calls := 0; ; calls += step {
				dir := filepath.Join(d.Path, fmt.Sprintf("%s-%v-%d", before, f, calls))
				if before == "killed" {
					if err := os.CopyFS(dir, os.DirFS(killed)); err != nil {
						t.Fatal(err)
					}
				}
				d.SetAfter(f, calls)
				err := start(dir)
				hits := d.Hits()
				d.Set(disk.None)
				if again := start(dir); again != nil {
					t.Errorf("after a start of a %s folder with the fault %q from call %d, which returned %v, the next start returned %v", before, f, calls, err, again)
				}
				if hits == 0 {
					break
				}
				failed++
			}
			if failed == 0 {
				t.Errorf("with the fault %q, no start of a %s folder failed, so this test shows nothing", f, before)
			}
		}
	}
}

// The function `start` opens the databases and the provider's log in a data folder, and
// closes them again.
func start(dir string) error {
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // after a fault, closing can fail too
	provider, err := simulator.Open(filepath.Join(dir, "provider"), simulator.Options{})
	if err != nil {
		return err
	}
	return provider.Close()
}
