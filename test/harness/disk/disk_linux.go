package disk

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/smsqueue/smsqueue/tools/prereq"
)

// Mount mounts a disk until the end of the test. If this machine cannot mount a disk,
// Mount returns nil and the name of what the machine lacks.
func Mount(t testing.TB) (d *Disk, lacking string) {
	t.Helper()
	if missing := prereq.Missing(t.Context(), prereq.FUSE); missing != nil {
		return nil, missing[0]
	}
	d = &Disk{Path: t.TempDir()}
	folder := t.TempDir()
	root, err := fs.NewLoopbackRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	loopback, ok := root.(*fs.LoopbackNode)
	if !ok {
		t.Fatalf("the root is a %T", root)
	}
	data := loopback.RootData
	data.NewNode = func(data *fs.LoopbackRoot, _ *fs.Inode, name string, _ *syscall.Stat_t) fs.InodeEmbedder { //nolint:staticcheck // its successor does not tell the name before the file is open
		return &node{LoopbackNode: fs.LoopbackNode{RootData: data}, disk: d, mapped: strings.HasSuffix(name, "-shm")}
	}
	top := &node{LoopbackNode: fs.LoopbackNode{RootData: data}, disk: d}
	data.RootNode = top
	second := time.Second
	server, err := fs.Mount(d.Path, top, &fs.Options{
		EntryTimeout: &second, AttrTimeout: &second,
		MountOptions: fuse.MountOptions{DirectMount: true, FsName: "smsqueue-test", Name: "faulty"},
	})
	if err != nil {
		return nil, "the right to mount a file system: " + err.Error()
	}
	t.Cleanup(func() {
		d.Set(None)
		if err := server.Unmount(); err != nil {
			t.Errorf("unmounting the disk: %v", err)
			_ = syscall.Unmount(d.Path, syscall.MNT_DETACH) // so that the folder can be removed
		}
	})
	return d, ""
}

// node is a file or folder of the disk. The field mapped is true for a file that SQLite
// maps into memory. Such a file only shares data between connections, and SQLite never
// reads it from the disk.
type node struct {
	fs.LoopbackNode
	disk   *Disk
	mapped bool
}

// The returned flags keep the kernel from caching a file. So every read and every write
// reaches the disk.
func (n *node) flags() uint32 {
	if n.mapped {
		return 0
	}
	return fuse.FOPEN_DIRECT_IO
}

func (n *node) file(inner fs.FileHandle) fs.FileHandle {
	loopback, ok := inner.(*fs.LoopbackFile)
	if !ok || n.mapped {
		return inner
	}
	return &file{inner: loopback, disk: n.disk}
}

func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if err := n.disk.opening(flags); err != 0 {
		return nil, 0, err
	}
	inner, _, err := n.LoopbackNode.Open(ctx, flags)
	if err != 0 {
		return nil, 0, err
	}
	return n.file(inner), n.flags(), 0
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if err := n.disk.adding(); err != 0 {
		return nil, nil, 0, err
	}
	inode, inner, _, err := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if err != 0 {
		return nil, nil, 0, err
	}
	made, ok := inode.Operations().(*node)
	if !ok {
		return nil, nil, 0, syscall.EINVAL
	}
	return inode, made.file(inner), made.flags(), 0
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if err := n.disk.adding(); err != 0 {
		return nil, err
	}
	return n.LoopbackNode.Mkdir(ctx, name, mode, out)
}

func (n *node) Mknod(ctx context.Context, name string, mode, dev uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if err := n.disk.adding(); err != 0 {
		return nil, err
	}
	return n.LoopbackNode.Mknod(ctx, name, mode, dev, out)
}

func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	if err := n.disk.changing(); err != 0 {
		return err
	}
	return n.LoopbackNode.Unlink(ctx, name)
}

func (n *node) Rename(ctx context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if err := n.disk.changing(); err != 0 {
		return err
	}
	other, ok := to.(*node)
	if !ok {
		return syscall.EXDEV
	}
	return n.LoopbackNode.Rename(ctx, name, &other.LoopbackNode, newName, flags)
}

func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if !n.mapped {
		if err := n.disk.changing(); err != 0 {
			return err
		}
	}
	if wrapped, ok := f.(*file); ok {
		f = wrapped.inner
	}
	return n.LoopbackNode.Setattr(ctx, f, in, out)
}

func (n *node) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if wrapped, ok := f.(*file); ok {
		f = wrapped.inner
	}
	return n.LoopbackNode.Getattr(ctx, f, out)
}

// file is an open file of the disk.
type file struct {
	inner *fs.LoopbackFile
	disk  *Disk
}

func (f *file) Read(ctx context.Context, buf []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	if err := f.disk.reading(); err != 0 {
		return nil, err
	}
	return f.inner.Read(ctx, buf, at)
}

func (f *file) Write(ctx context.Context, data []byte, at int64) (uint32, syscall.Errno) {
	var attr fuse.AttrOut
	if err := f.inner.Getattr(ctx, &attr); err != 0 {
		return 0, err
	}
	n, err := f.disk.writing(int64(len(data)), at, int64(attr.Size)) //nolint:gosec // test files are small
	if n == 0 && err != 0 {
		return 0, err
	}
	return f.inner.Write(ctx, data[:n], at)
}

func (f *file) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if err := f.disk.syncing(); err != 0 {
		return err
	}
	return f.inner.Fsync(ctx, flags)
}

func (f *file) Allocate(ctx context.Context, at, size uint64, mode uint32) syscall.Errno {
	if err := f.disk.adding(); err != 0 {
		return err
	}
	return f.inner.Allocate(ctx, at, size, mode)
}

func (f *file) Flush(ctx context.Context) syscall.Errno   { return f.inner.Flush(ctx) }
func (f *file) Release(ctx context.Context) syscall.Errno { return f.inner.Release(ctx) }

var (
	_ = fs.NodeOpener(&node{})
	_ = fs.NodeCreater(&node{})
	_ = fs.NodeRenamer(&node{})
	_ = fs.NodeSetattrer(&node{})
	_ = fs.FileReader(&file{})
	_ = fs.FileWriter(&file{})
	_ = fs.FileFsyncer(&file{})
	_ = fs.FileAllocater(&file{})
	_ = fs.FileReleaser(&file{})
	_ = fs.FileFlusher(&file{})
)
