// Command server is all of smsqueue in one process: the API, the sender, the
// relay and the receipts on SQLite, with a token endpoint like Cognito's, a
// simulated provider and an inbox page.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// version is set by the linker.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "smsqueue:", err)
		os.Exit(1)
	}
}

// shutdownTime is how long requests and hand-overs in hand may take to end.
const shutdownTime = 10 * time.Second

// run is the server from its command line to its end.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	c, err := configFromArgs(args, stderr)
	if err != nil {
		return err
	}
	if c.version {
		_, err = fmt.Fprintln(stdout, version)
		return err
	}
	signals, stop := operatorSignals()
	defer stop()
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", c.addr)
	if err != nil {
		return fmt.Errorf("listening: %w; -addr names another address, and -addr localhost:0 takes a free port", err)
	}
	defer listener.Close() // a second time, where the server took it: no matter
	m, err := open(ctx, c, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	base := baseURL(c.addr, listener.Addr())
	handler, err := m.handler(base)
	if err != nil {
		return err
	}
	server := newServer(handler)
	server.RegisterOnShutdown(func() { close(m.closing) })
	return m.serve(ctx, server, listener, signals, func() { m.greet(stdout, base) })
}

// newServer is the HTTP server of handler. A request must have come within
// ReadTimeout, so that also one that never does is answered in 10 s.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       9 * time.Second,
		WriteTimeout:      45 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

// serve answers requests, works on messages and obeys signals until ctx ends,
// and then lets what is in hand end.
func (m *machine) serve(ctx context.Context, server *http.Server, listener net.Listener, signals <-chan os.Signal, ready func()) error {
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() { m.worker.run(working) })
	work.Go(func() { m.obey(working, signals) })
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	ready()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		// Not the parent's context: it has ended.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		err = server.Shutdown(closing)
	}
	stopWork()
	work.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// baseURL is what a client on this machine types; a listener on every address
// is called localhost.
func baseURL(addr string, listening net.Addr) string {
	host, _, _ := net.SplitHostPort(addr) // checked with the command line
	_, port, _ := net.SplitHostPort(listening.String())
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
