package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// listen listens at addr. For some programs localhost is 127.0.0.1, and for others ::1, so
// for that name listen uses both. Otherwise another program could use the other address,
// and get the requests of some clients.
func listen(ctx context.Context, addr string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	hosts := []string{host}
	if strings.EqualFold(host, "localhost") {
		hosts = loopbacks()
	}
	listeners, err := listenOn(ctx, hosts, port)
	for range 9 {
		if err == nil || port != "0" {
			break
		}
		// The port was free on one address, but not on the other.
		listeners, err = listenOn(ctx, hosts, port)
	}
	if err != nil {
		return nil, fmt.Errorf("listening: %w (choose another address with --addr; --addr localhost:0 takes a free port)", err)
	}
	return listeners, nil
}

// listenOn listens at the same port on all hosts. If port is "0", the system chooses the
// port for the first host.
func listenOn(ctx context.Context, hosts []string, port string) (listeners []net.Listener, err error) {
	var config net.ListenConfig
	for _, host := range hosts {
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
		if err != nil {
			return nil, errors.Join(err, closeAll(listeners))
		}
		listeners = append(listeners, l)
		_, port, _ = net.SplitHostPort(l.Addr().String()) // the address of a listener is always host:port
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// loopbacks returns the addresses of localhost that this machine has. If it cannot list the machine's
// addresses, it returns the name "localhost".
func loopbacks() []string {
	addrs, _ := net.InterfaceAddrs() // without addresses, the name is used
	var found []string
	for _, host := range []string{"127.0.0.1", "::1"} {
		if slices.ContainsFunc(addrs, func(a net.Addr) bool {
			network, ok := a.(*net.IPNet)
			return ok && network.IP.Equal(net.ParseIP(host))
		}) {
			found = append(found, host)
		}
	}
	if found == nil {
		return []string{"localhost"}
	}
	return found
}
