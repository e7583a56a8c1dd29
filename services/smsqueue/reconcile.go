package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

var errFindings = errors.New("found discrepancies")

func (p *program) reconcile() *cobra.Command {
	var data, table string
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Account for every message, and report discrepancies",
		Long: `Account for every message, and report discrepancies. The exit code is 1 if
there are any.

With --data it compares the messages of a server with the simulated provider's
own log. The server must be stopped. With --table it scans the table of a
deployment, with the AWS credentials of the environment. The deployment may be
in use.`,
		Example: `  smsqueue reconcile --data ./data
  smsqueue reconcile --table smsqueue-messages`,
		Args: cobra.NoArgs,
		RunE: p.action(func(ctx context.Context, _ []string) (err error) {
			var report reconcile.Report
			if table != "" {
				report, err = reconcileTable(ctx, table)
			} else {
				report, err = reconcileFolder(ctx, data)
			}
			_, damaged := errors.AsType[*simulator.DamagedError](err)
			if err != nil && !damaged {
				return err
			}
			report.Print(p.stdout)
			if damaged {
				return fmt.Errorf("the hand-overs of damaged lines are missing above: %w", err)
			}
			if report.Err() != nil {
				return errFindings
			}
			return nil
		}),
	}
	f := c.Flags()
	f.StringVar(&data, "data", "./data", "the server's `folder`")
	f.StringVar(&table, "table", "", "the `name` of a deployment's table")
	c.MarkFlagsMutuallyExclusive("data", "table")
	return c
}

func reconcileTable(ctx context.Context, table string) (reconcile.Report, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return reconcile.Report{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return reconcile.Everything(ctx, dynamo.New(dynamo.NewClient(cfg), table, clock.Now), nil, clock.Now())
}

func reconcileFolder(ctx context.Context, dir string) (report reconcile.Report, err error) {
	// Check for the file first, because sqlite.Open would create a missing folder.
	if _, err := os.Stat(filepath.Join(dir, "messages.db")); err != nil {
		return report, fmt.Errorf("there are no messages: %w", err)
	}
	log, damaged, err := handOvers(filepath.Join(dir, "provider"))
	if err != nil {
		return report, err
	}
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if report, err = reconcile.Everything(ctx, db, log, clock.Now()); err == nil {
		err = damaged
	}
	return report, err
}

// handOvers returns the hand-overs that the simulated provider took, or nil if the
// provider has no log. If lines of the log are damaged, handOvers also returns an error as its result
// "damaged".
func handOvers(dir string) (log []reconcile.HandOver, damaged, err error) {
	entries, err := simulator.ReadLog(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if lines, ok := errors.AsType[*simulator.DamagedError](err); ok {
		damaged, err = lines, nil
	}
	if err != nil {
		return nil, nil, err
	}
	log = []reconcile.HandOver{}
	for _, e := range entries {
		if e.Taken() {
			log = append(log, reconcile.HandOver{
				At: e.At, MessageID: e.MessageID, ProviderMessageID: e.ProviderMessageID, Number: e.Number,
				Void: e.Void(),
			})
		}
	}
	return log, damaged, nil
}
