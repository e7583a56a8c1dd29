package kill

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// A front is a proxy of an engine. It keeps its address when the engine behind it
// restarts at another address. While the engine is stopped, nothing listens at the
// front's address.
type front struct {
	addr string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
	running  sync.WaitGroup
}

func newFront(t *testing.T, target string) *front {
	t.Helper()
	f := &front{addr: "127.0.0.1:0", open: make(map[net.Conn]bool)}
	f.up(t, target)
	t.Cleanup(f.down)
	return f
}

func (f *front) url() string { return "http://" + f.addr }

func (f *front) up(t *testing.T, target string) {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.listener, f.addr = listener, listener.Addr().String()
	f.mu.Unlock()
	f.running.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			f.running.Go(func() { f.forward(from, to.Host) })
		}
	})
}

func (f *front) down() {
	f.mu.Lock()
	_ = f.listener.Close() // an error means that the listener is already closed
	for c := range f.open {
		_ = c.Close() // an error means that the other end is already gone
	}
	f.mu.Unlock()
	f.running.Wait()
}

func (f *front) forward(from net.Conn, target string) {
	to, err := net.Dial("tcp", target)
	if err != nil {
		_ = from.Close() // the target is gone
		return
	}
	f.mu.Lock()
	f.open[from], f.open[to] = true, true
	f.mu.Unlock()
	var group sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		group.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // the test closes both sides next
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	group.Wait()
	f.mu.Lock()
	delete(f.open, from)
	delete(f.open, to)
	f.mu.Unlock()
}
