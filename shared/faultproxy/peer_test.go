package faultproxy_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/smsqueue/smsqueue/shared/faultproxy"
)

func TestAForgottenConnectionIsResetByItsNextBytes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	peer := faultproxy.NewPeer(t, "http://"+listener.Addr().String())
	dial := func() net.Conn {
		c, err := net.Dial("tcp", peer.URL()[len("http://"):])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	echo := func(c net.Conn) error {
		if _, err := c.Write([]byte("ping")); err != nil {
			return err
		}
		_, err := io.ReadFull(c, make([]byte, 4))
		return err
	}

	old := dial()
	if err := echo(old); err != nil {
		t.Fatalf("before: %v", err)
	}
	peer.Forget()
	if err := echo(old); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("on the forgotten connection: got %v, want %v", err, syscall.ECONNRESET)
	}
	if err := echo(dial()); err != nil {
		t.Errorf("on a new connection: %v", err)
	}
	if n := peer.Accepted(); n != 2 {
		t.Errorf("the peer accepted %d connections, want 2", n)
	}
}
