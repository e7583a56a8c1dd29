package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitFailure = 1 // the command failed, or found what it looks for
	exitUsage   = 2 // the command line is wrong
)

// errUsage marks an error as the command line's fault. Errors that come before a
// command begins to work are marked without it.
type errUsage struct{ error }

// program is one run of smsqueue.
type program struct {
	stdout, stderr io.Writer
	working        bool // the command line was read, and its command works
}

// run carries out the command that args name, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr}
	root := p.root()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "smsqueue:", err)
	if _, usage := errors.AsType[errUsage](err); p.working && !usage {
		return exitFailure
	}
	fmt.Fprintf(stderr, "`%s --help` shows how it is used.\n", command.CommandPath())
	return exitUsage
}

// root returns the program's commands. Each has a file of its own.
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
	root.AddCommand(p.serve(), p.reconcile(), p.version())
	return root
}

// does returns work as a command's RunE.
func (p *program) does(work func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		p.working = true
		return work(c.Context(), args)
	}
}
