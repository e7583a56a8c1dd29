package faultproxy

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Peer is a server in front of an engine. It forwards the bytes of its clients'
// connections to the engine. A Peer can forget a connection, as the network does while a
// client is frozen. The client does not notice this at first, but gets a reset when it
// next sends bytes.
type Peer struct {
	listener *net.TCPListener
	scheme   string
	config   *tls.Config // nil without TLS
	target   string      // the address of the engine
	trusted  string      // the path of the file with the certificate to trust

	accepting, running sync.WaitGroup

	mu       sync.Mutex
	accepted int
	current  map[*connection]bool
}

// connection is a client's connection to the peer, together with the peer's connection to
// the engine.
type connection struct {
	client    *net.TCPConn
	engine    net.Conn
	forgotten bool
}

// NewPeer starts a peer in front of the engine at targetURL. It runs until the end of
// the test.
func NewPeer(t testing.TB, targetURL string) *Peer {
	t.Helper()
	return startPeer(t, targetURL, &Peer{scheme: "http"})
}

// NewTLSPeer starts a peer that speaks TLS with clients, but not with the engine.
func NewTLSPeer(t testing.TB, targetURL string) *Peer {
	t.Helper()
	server := httptest.NewTLSServer(nil) // for its certificate
	server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	trusted := filepath.Join(t.TempDir(), "trusted.pem")
	if err := os.WriteFile(trusted, certificate, 0o600); err != nil {
		t.Fatalf("faultproxy.NewTLSPeer: %v", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: server.TLS.Certificates}
	return startPeer(t, targetURL, &Peer{scheme: "https", config: config, trusted: trusted})
}

func startPeer(t testing.TB, targetURL string, p *Peer) *Peer {
	t.Helper()
	target, err := url.Parse(targetURL)
	if err != nil {
		t.Fatalf("starting a peer: %v", err)
	}
	p.target, p.current = target.Host, make(map[*connection]bool)
	if p.listener, err = net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatalf("starting a peer: %v", err)
	}
	p.accepting.Go(p.serve)
	t.Cleanup(p.close)
	return p
}

// URL returns the address for the clients under test.
func (p *Peer) URL() string { return p.scheme + "://" + p.listener.Addr().String() }

// CABundle returns the path of a file with the certificate that clients must trust. The
// variable AWS_CA_BUNDLE of a client must contain this path.
func (p *Peer) CABundle() string { return p.trusted }

// Accepted returns the number of connections that clients have opened.
func (p *Peer) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Forget makes the peer forget all connections that are open now.
func (p *Peer) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.current {
		c.forgotten = true
	}
}

func (p *Peer) serve() {
	for {
		client, err := p.listener.AcceptTCP()
		if err != nil {
			return // the listener was closed
		}
		engine, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c := &connection{client: client, engine: engine}
		p.mu.Lock()
		p.accepted++
		p.current[c] = true
		p.mu.Unlock()
		p.running.Go(func() { p.forward(c) })
	}
}

// forward forwards the bytes of c in both directions until the client or the engine
// closes the connection, or until the client sends bytes after the peer forgot the
// connection.
func (p *Peer) forward(c *connection) {
	stream := net.Conn(c.client)
	if p.config != nil {
		stream = tls.Server(c.client, p.config)
	}
	var answers sync.WaitGroup
	answers.Go(func() {
		_, _ = io.Copy(stream, c.engine)
		if !p.forgot(c) {
			_ = stream.Close()
		}
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := stream.Read(buffer)
		if n > 0 && p.forgot(c) {
			_ = c.client.SetLinger(0) // makes Close send a reset
			_ = c.client.Close()
			break
		}
		if n > 0 {
			_, _ = c.engine.Write(buffer[:n])
		}
		if err != nil {
			break
		}
	}
	_ = c.engine.Close()
	answers.Wait()
	_ = c.client.Close()
	p.mu.Lock()
	delete(p.current, c)
	p.mu.Unlock()
}

func (p *Peer) forgot(c *connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return c.forgotten
}

func (p *Peer) close() {
	_ = p.listener.Close()
	p.accepting.Wait()
	p.mu.Lock()
	for c := range p.current {
		_ = c.client.Close()
		_ = c.engine.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}
