// Package server runs all of smsqueue in one process: the API, the sender, the relay and
// the receipts. They share a store on SQLite. The package adds a token endpoint like
// Cognito's, a simulated provider and an inbox page.
package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// shutdownTime is the longest time that a shutdown waits for running requests and
// hand-overs.
const shutdownTime = 10 * time.Second

// Run runs the server until ctx ends. It prints the addresses of the API and of all pages
// to stdout, and writes the log to stderr. If c is invalid, Run returns a *ConfigError.
func Run(ctx context.Context, c Config, stdout, stderr io.Writer) (err error) {
	if err = c.check(); err != nil {
		return &ConfigError{err}
	}
	ignoreSignals()
	listeners, err := listen(ctx, c.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = closeAll(listeners) }() // closing again is harmless if the server has already closed the listeners
	m, err := open(ctx, c, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	orders, err := listenControl(ctx, c.Data)
	if err != nil {
		return err
	}
	defer func() { _ = orders.close() }() // closing again is harmless
	base := baseURL(c.Addr, listeners[0].Addr())
	handler, err := m.handler(base)
	if err != nil {
		return err
	}
	server := newServer(handler)
	server.RegisterOnShutdown(func() { close(m.closing) })
	return m.serve(ctx, server, listeners, orders, func() { m.greet(stdout, base) })
}

// newServer returns the HTTP server for handler. Because of its ReadTimeout, the server
// answers a request within 10 s even if the body of the request never arrives.
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

// serve answers requests, delivers messages and takes orders until ctx ends. Then it
// waits for running requests and hand-overs.
func (m *machine) serve(ctx context.Context, server *http.Server, listeners []net.Listener, orders *control, ready func()) error {
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() { m.worker.run(working) })
	work.Go(func() { repeat(working, checkInterval, m.check) })
	work.Go(func() { m.serveControl(working, orders) })
	served := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { served <- server.Serve(l) }()
	}
	ready()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		// ctx has ended, so the shutdown needs another context.
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

// baseURL returns the URL that a client on this machine must use. If the server listens
// on all addresses, the host in the URL is localhost.
func baseURL(addr string, listening net.Addr) string {
	host, _, _ := net.SplitHostPort(addr) // an error is impossible, because the address was checked with the command line
	_, port, _ := net.SplitHostPort(listening.String())
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
