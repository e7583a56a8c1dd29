// Command emulate runs a whole deployment on this machine, without an AWS account or a
// container. It applies terraform/ to ministack, prints commands that send a message and
// report it as delivered, and runs until it is interrupted.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/smsqueue/smsqueue/tools/emulation"
	"github.com/smsqueue/smsqueue/tools/engines"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "emulate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	repo, err := engines.FindRepository(ctx)
	if err != nil {
		return err
	}
	dir, remove, err := emulation.TempDir(repo)
	if err != nil {
		return err
	}
	defer remove()
	running, err := emulation.Emulate(ctx, repo, dir, os.Stdout, nil)
	if err != nil {
		return err
	}
	defer running.Stop()
	fmt.Println("\nPaste this into another terminal; Ctrl-C here ends everything.\n" + running.Commands() +
		"\nWith this, the AWS CLI looks at the emulation, for example with `aws dynamodb list-tables`:\n\n" + running.CLI())
	<-ctx.Done()
	return nil
}
