// Command withengines starts the engines that emulate AWS, runs a command, and stops the
// engines when the command has ended. The command finds the engines' addresses in its
// environment:
//
//	go run ./tools/withengines go test -run TestConformance ./shared/dynamo
//
// The engines run as long as the command does. `withengines sh` keeps them running for a
// whole session.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/smsqueue/smsqueue/tools/engines"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "withengines:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command []string) error {
	if len(command) == 0 {
		return errors.New("no command given, for example: withengines go test ./shared/dynamo")
	}
	repo, err := engines.FindRepository(ctx)
	if err != nil {
		return err
	}
	set, err := engines.Start(ctx, repo, engines.All(), "")
	defer set.Stop()
	if err != nil {
		return err
	}
	env := set.Environ()
	fmt.Fprintln(os.Stderr, strings.Join(env, "\n"))

	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // the purpose of this program is to run any command
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s: %w", command[0], err)
	}
	return nil
}
