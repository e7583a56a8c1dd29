// Command licensefile writes the licences of everything that a Go program contains:
//
//	licensefile -o bin/smsqueue.licenses.txt bin/smsqueue
//
// Give this file to whoever gets the program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/smsqueue/smsqueue/tools/licenses"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "licensefile:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("licensefile", flag.ContinueOnError)
	target := flags.String("o", "", "the file to write")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading the command line: %w", err)
	}
	if *target == "" || flags.NArg() != 1 {
		return errors.New("usage: licensefile -o licenses.txt program")
	}
	text, err := licenses.Text(ctx, flags.Arg(0))
	if err != nil {
		return err
	}
	if err := os.WriteFile(*target, text, 0o644); err != nil { //nolint:gosec // whoever gets the program must be able to read it
		return fmt.Errorf("writing the licences: %w", err)
	}
	return nil
}
