// Command livetest checks what smsqueue assumes about AWS, against a deployment in a
// real account or in an emulator. See terraform/live-test.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const (
	exitFailed   = 1 // an assumption on which the code relies did not hold
	exitRefused  = 2 // nothing was checked
	exitLeftover = 3 // something temporary could not be removed
)

// exitError ends the program with a code and without a message.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := livetest(ctx, os.Args[1:])
	stop()
	if code, ok := errors.AsType[exitError](err); ok {
		os.Exit(int(code))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "livetest:", err)
		os.Exit(exitRefused)
	}
}
