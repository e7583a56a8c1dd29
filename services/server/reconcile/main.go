// Command reconcile adds up what became of every message, and names what does
// not add up:
//
//	reconcile -data ./data
//	reconcile -table smsqueue-messages
//
// On one machine that is beside the simulated provider's own log; the server must
// be stopped. Of a deployment it scans the table, by the AWS credentials of the
// environment, while that is in use. It exits with 1 where something does not
// add up.
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

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/smsqueue/smsqueue/shared/dynamo"
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

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("reconcile", flag.ContinueOnError)
	flags.SetOutput(stderr)
	data := flags.String("data", "./data", "the server's `folder`")
	table := flags.String("table", "", "the `name` of a deployment's table, instead of a folder")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var report reconcile.Report
	var err error
	if *table != "" {
		report, err = deployment(ctx, *table)
	} else {
		report, err = machine(ctx, *data)
	}
	if err != nil {
		return err
	}
	report.Print(stdout)
	if report.Err() != nil {
		return errFindings
	}
	return nil
}

func deployment(ctx context.Context, table string) (reconcile.Report, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return reconcile.Report{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return reconcile.Everything(ctx, dynamo.New(dynamo.NewClient(cfg), table), nil, time.Now())
}

func machine(ctx context.Context, dir string) (report reconcile.Report, err error) {
	// The folder is the server's to make.
	if _, err := os.Stat(filepath.Join(dir, "messages.db")); err != nil {
		return report, fmt.Errorf("there are no messages: %w", err)
	}
	log, err := handOvers(filepath.Join(dir, "provider"))
	if err != nil {
		return report, err
	}
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return reconcile.Everything(ctx, db, log, time.Now())
}

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
				At: e.At, MessageID: e.MessageID, ProviderMessageID: e.ProviderMessageID, Number: e.Number, Text: e.Text,
				Void: e.Fault == simulator.SpendLimit,
			})
		}
	}
	return log, nil
}
