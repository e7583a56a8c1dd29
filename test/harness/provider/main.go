// Command provider runs the simulated provider as a process of its own. It serves the
// part of SNS's protocol that sends an SMS. It syncs its log to disk before it answers.
// So tests that kill senders can rely on the log.
//
//	provider -log folder [-addr 127.0.0.1:0] [-delay 20ms]
//
// The command prints its URL, which is the value for the variable AWS_ENDPOINT_URL_SNS.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/test/harness/judge"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	addr := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	dir := flag.String("log", "", "`folder` of the log")
	delay := flag.Duration("delay", 0, "how `long` an answer takes")
	flag.Parse()
	if *dir == "" {
		return errors.New("-log must name a folder")
	}
	provider, err := simulator.Open(*dir, simulator.Options{Delay: *delay, LogTexts: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, provider.Close()) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: judge.Handler(provider), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close() // pending requests get no answer
	}()
	fmt.Println("http://" + listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
