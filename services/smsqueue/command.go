package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// These constants are the exit codes of the program.
const (
	exitFailure = 1 // the command failed, or reported findings
	exitUsage   = 2 // the command line is wrong
)

// usageError reports that the command line is wrong. Any error that occurs before a
// command has started counts as a usage error too, even if it is not of this type.
type usageError struct{ error }

type program struct {
	stdout, stderr io.Writer
	started        bool // whether the command line was valid and the command has started
}

// run runs the command whose name and arguments are in args, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr}
	root := p.root()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "smsqueue:", err)
	if _, usage := errors.AsType[usageError](err); p.started && !usage {
		return exitFailure
	}
	fmt.Fprintf(stderr, "Run `%s --help` for usage.\n", command.CommandPath())
	return exitUsage
}

// root returns the command smsqueue with its subcommands. Each subcommand is in a file of
// its own.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "smsqueue",
		Short:         "An SMS API that answers at once and never loses a message",
		Version:       versionName(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(p.serve(), p.pause(), p.resume(), p.reconcile(), p.version())
	return root
}

// action returns a function that calls work. It is for the field RunE of a command. An error
// of the function `work` means that the command has failed, unless it is a usage error.
func (p *program) action(work func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		p.started = true
		return work(c.Context(), args)
	}
}
