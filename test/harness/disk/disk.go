// Package disk is a file system whose faults a test switches on and off. It passes every
// call on to an ordinary folder, unless a fault forbids it.
package disk

import (
	"sync/atomic"
	"syscall"
)

// Fault is a fault of a disk.
type Fault int32

// These constants are the faults. Each fault affects all files of the disk, whether they were opened before
// or after it was switched on.
const (
	None     Fault = iota
	NoGrowth       // files cannot grow and no file can be made; what exists can be overwritten
	Full           // nothing can be written, because there is no space left
	ReadOnly       // nothing can be changed
	BadWrite       // writing fails with an I/O error
	BadSync        // writing works, syncing fails with an I/O error
	BadDisk        // reading, writing and syncing fail with an I/O error
)

var names = map[Fault]string{
	None: "no fault", NoGrowth: "no growth", Full: "full", ReadOnly: "read-only",
	BadWrite: "I/O errors of writes", BadSync: "I/O errors of syncs", BadDisk: "I/O errors of everything",
}

func (f Fault) String() string { return names[f] }

// Disk is a mounted file system.
type Disk struct {
	Path string // where it is mounted

	fault atomic.Int32
	spare atomic.Int64 // the number of further calls that succeed in spite of the fault
	hits  atomic.Int64
}

// Set switches a fault on. It switches every other fault off.
func (d *Disk) Set(f Fault) { d.SetAfter(f, 0) }

// SetAfter is like Set, but the first calls that the fault affects still succeed. The
// parameter `calls` is their number.
func (d *Disk) SetAfter(f Fault, calls int) {
	d.hits.Store(0)
	d.spare.Store(int64(calls))
	d.fault.Store(int32(f))
}

// Hits returns the number of calls that have failed because of the fault that was set
// last.
func (d *Disk) Hits() int64 { return d.hits.Load() }

// errno returns the error of a call that fails under each of the given faults. It returns
// 0 if none of these faults is on.
func (d *Disk) errno(forbidden ...Fault) syscall.Errno {
	now := Fault(d.fault.Load())
	for _, f := range forbidden {
		if f != now {
			continue
		}
		if d.spare.Add(-1) >= 0 {
			return 0
		}
		d.hits.Add(1)
		switch f {
		case NoGrowth, Full:
			return syscall.ENOSPC
		case ReadOnly:
			return syscall.EROFS
		case None, BadWrite, BadSync, BadDisk:
		}
		return syscall.EIO
	}
	return 0
}

func (d *Disk) reading() syscall.Errno  { return d.errno(BadDisk) }
func (d *Disk) syncing() syscall.Errno  { return d.errno(BadSync, BadDisk) }
func (d *Disk) changing() syscall.Errno { return d.errno(ReadOnly, BadWrite, BadDisk) }
func (d *Disk) adding() syscall.Errno {
	return d.errno(NoGrowth, Full, ReadOnly, BadWrite, BadDisk)
}

// Returns the error of opening an existing file, or 0.
func (d *Disk) opening(flags uint32) syscall.Errno {
	if flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		return 0
	}
	return d.errno(ReadOnly)
}

// The method `writing` returns how many of n bytes can be written at the offset `at` of a
// file with the given size. If this is less than n, the method also returns an error.
func (d *Disk) writing(n, at, size int64) (int64, syscall.Errno) {
	if err := d.errno(Full, ReadOnly, BadWrite, BadDisk); err != 0 {
		return 0, err
	}
	if at+n <= size {
		return n, 0
	}
	if err := d.errno(NoGrowth); err != 0 {
		return max(size-at, 0), err
	}
	return n, 0
}
