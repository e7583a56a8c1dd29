package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: p.action(func(context.Context, []string) error {
			_, err := fmt.Fprintln(p.stdout, versionName())
			return err
		}),
	}
}
