package server

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/enginetest"
)

// runServer runs a server at the given address until the test ends. It returns the URL of
// the server.
func runServer(t *testing.T, addr string) *url.URL {
	t.Helper()
	enginetest.SQLite(t)
	ctx, stop := context.WithCancel(t.Context())
	greeting, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := Run(ctx, Config{Addr: addr, Data: t.TempDir(), Provider: Simulated}, stdout, io.Discard)
		_ = stdout.CloseWithError(io.EOF)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewReader(greeting)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	_, at, _ := strings.Cut(strings.TrimSpace(first), "is ready at ")
	base, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// localhost returns the loopback addresses on which this machine can listen.
func localhost(t *testing.T) (hosts []string) {
	t.Helper()
	for _, host := range []string{"127.0.0.1", "::1"} {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			continue // a machine without IPv6, or without IPv4
		}
		hosts = append(hosts, host)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return hosts
}

func TestLocalhostIsBothLoopbackAddresses(t *testing.T) {
	base := runServer(t, "localhost:0")
	if base.Hostname() != "localhost" {
		t.Errorf("the URL is %s, want the name localhost", base)
	}
	for _, host := range localhost(t) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+net.JoinHostPort(host, base.Port())+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Errorf("localhost is not %s: %v", host, err)
			continue
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s answered with status %d, %v", host, response.StatusCode, err)
		}
	}
}

// TestLocalhostIsRefusedIfHalfOfItIsTaken occupies a port on one loopback address at a
// time.
func TestLocalhostIsRefusedIfHalfOfItIsTaken(t *testing.T) {
	for _, host := range localhost(t) {
		other, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(other.Addr().String())
		listeners, err := listen(t.Context(), "localhost:"+port)
		if err == nil || !strings.Contains(err.Error(), net.JoinHostPort(host, port)) || listeners != nil {
			t.Errorf("listening on localhost while another program has %s: %v, want an error that names the address", host, err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAddressIsOnlyItself(t *testing.T) {
	for _, host := range localhost(t) {
		listeners, err := listen(t.Context(), net.JoinHostPort(host, "0"))
		if err != nil || len(listeners) != 1 {
			t.Fatalf("listening on %s returned %d listeners and error %v, want one listener", host, len(listeners), err)
		}
		if got, _, _ := net.SplitHostPort(listeners[0].Addr().String()); got != host {
			t.Errorf("listening on %s listens on %s", host, got)
		}
		if err := closeAll(listeners); err != nil {
			t.Error(err)
		}
	}
}
