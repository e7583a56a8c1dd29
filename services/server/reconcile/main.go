// Command reconcile adds up what became of every message on one machine, beside
// the simulated carrier's own log, and names what does not add up:
//
//	reconcile -data ./data
//
// The server must be stopped. It exits with 1 where something does not add up.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "reconcile:", err)
		os.Exit(1)
	}
}

var errFindings = errors.New("it does not add up")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("reconcile", flag.ContinueOnError)
	flags.SetOutput(stderr)
	data := flags.String("data", "./data", "the server's `folder`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// The folder is the server's to make.
	if _, err := os.Stat(filepath.Join(*data, "messages.db")); err != nil {
		return fmt.Errorf("there are no messages: %w", err)
	}
	log, err := handOvers(filepath.Join(*data, "carrier"))
	if err != nil {
		return err
	}
	db, err := sqlite.Open(*data, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	report, err := reconcile.Everything(ctx, db, log, time.Now())
	if err != nil {
		return err
	}
	report.Print(stdout)
	if report.Err() != nil {
		return errFindings
	}
	return nil
}

// handOvers is what the simulated carrier took; nil where another one was used.
func handOvers(dir string) ([]reconcile.HandOver, error) {
	entries, err := simulator.ReadLog(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	log := []reconcile.HandOver{}
	for _, e := range entries {
		if e.Verdict == simulator.Taken {
			log = append(log, reconcile.HandOver{
				At: e.At, MessageID: e.MessageID, CarrierID: e.CarrierID, Number: e.Number, Text: e.Text,
				Void: e.Fault == simulator.SpendLimit,
			})
		}
	}
	return log, nil
}
