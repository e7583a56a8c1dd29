package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/smsqueue/smsqueue/services/server"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func (p *program) pause() *cobra.Command {
	return p.operate(sms.OrderPause, &cobra.Command{
		Use:   "pause [reason]",
		Short: "Pause sending on this machine",
		Long: `Pause sending on this machine. Messages are still accepted. They stay queued
until sending is resumed, unless they expire first. A pause outlives restarts.

The server may be running or not. On AWS, call the relay instead: see README.md.`,
		Example: `  smsqueue pause --data ./data 'wrong texts this morning'`,
	})
}

func (p *program) resume() *cobra.Command {
	return p.operate(sms.OrderResume, &cobra.Command{
		Use:   "resume [reason]",
		Short: "Resume sending on this machine",
		Long: `Resume sending on this machine, after a pause or after trouble with the whole
account. The server may be running or not.`,
	})
}

// operate completes the command c, which is "pause" or "resume": it adds the flag, the arguments, and the
// function that carries out the order. The parameter `word` is sms.Order.Word for this command.
func (p *program) operate(word string, c *cobra.Command) *cobra.Command {
	var data string
	c.Args = cobra.ArbitraryArgs
	c.RunE = p.action(func(ctx context.Context, reason []string) error {
		b, err := server.Operate(ctx, data, sms.Order{Word: word, Detail: strings.Join(reason, " ")})
		if wrong, ok := errors.AsType[*sms.InvalidError](err); ok {
			return usageError{wrong}
		}
		if err != nil {
			return err
		}
		state := "sending"
		if b.Open {
			state = strings.TrimSuffix("paused: "+b.Detail, ": ")
		}
		_, err = fmt.Fprintln(p.stdout, state)
		return err
	})
	c.Flags().StringVar(&data, "data", "./data", "the server's `folder`")
	return c
}
