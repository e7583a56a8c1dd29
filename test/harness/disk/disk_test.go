//go:build linux

package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/smsqueue/smsqueue/test/harness/disk"
)

func TestFaults(t *testing.T) {
	d, lacking := disk.Mount(t)
	if d == nil {
		t.Log("this machine cannot mount a disk, and lacks " + lacking)
		return
	}
	path := filepath.Join(d.Path, "a")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	calls := []struct {
		name string
		do   func() error
	}{
		{"read", func() error { _, err := file.ReadAt(make([]byte, 7), 0); return err }},
		{"overwrite", func() error { _, err := file.WriteAt([]byte("C"), 0); return err }},
		{"append", func() error { _, err := file.WriteAt([]byte("x"), 7); return err }},
		{"sync", file.Sync},
		{"truncate", func() error { return file.Truncate(7) }},
		{"create", func() error {
			made, err := os.OpenFile(filepath.Join(d.Path, "b"), os.O_CREATE|os.O_WRONLY, 0o600)
			if err == nil {
				err = made.Close()
			}
			return errors.Join(err, os.RemoveAll(filepath.Join(d.Path, "b")))
		}},
	}
	for _, tt := range []struct {
		fault disk.Fault
		err   syscall.Errno
		fail  string // the calls that fail
	}{
		{disk.None, 0, ""},
		{disk.NoGrowth, syscall.ENOSPC, "append create"},
		{disk.Full, syscall.ENOSPC, "overwrite append create"},
		{disk.ReadOnly, syscall.EROFS, "overwrite append truncate create"},
		{disk.BadWrite, syscall.EIO, "overwrite append truncate create"},
		{disk.BadSync, syscall.EIO, "sync"},
		{disk.BadDisk, syscall.EIO, "read overwrite append sync truncate create"},
		{disk.None, 0, ""},
	} {
		d.Set(tt.fault)
		failed := ""
		for _, call := range calls {
			err := call.do()
			if err == nil {
				continue
			}
			failed += " " + call.name
			if !errors.Is(err, tt.err) {
				t.Errorf("with the fault %v, %s returned %v, want %v", tt.fault, call.name, err, tt.err)
			}
		}
		if len(failed) > 0 {
			failed = failed[1:]
		}
		if failed != tt.fail || (d.Hits() > 0) != (tt.fail != "") {
			t.Errorf("with the fault %v, these calls failed: %q, want %q", tt.fault, failed, tt.fail)
		}
	}
}
