// Command doctor lists the tools for building and testing: the version found, what each
// tool is for, and how to get it. It exits with 1 if a tool for `make test` is missing.
// `make run`, `make build` and `make check` need only Go.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

func main() {
	ok, err := run(context.Background(), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "doctor:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (ok bool, err error) {
	repo, err := engines.FindRepository(ctx)
	if err != nil {
		return false, err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	ok = true
	for _, t := range []prereq.Tool{prereq.Go, prereq.Git, prereq.Make, prereq.CC, prereq.Java, prereq.JavaCompiler, prereq.Maven, prereq.Python, prereq.NPM, prereq.Terraform} {
		version, err := t.Find(ctx)
		if err != nil {
			ok = false
			fmt.Fprintf(table, "MISSING\t%s\t%v\t%s\tget it: %s\n", t.Name, err, t.Why, t.Get)
			continue
		}
		fmt.Fprintf(table, "ok\t%s\t%s\t%s\t\n", t.Name, version, t.Why)
	}
	// The targets that need these tools fetch them.
	linter := prereq.Linter(repo.Path(".build", "bin", "golangci-lint"))
	if version, err := linter.Find(ctx); err != nil {
		fmt.Fprintf(table, "later\t%s\t%v\t%s\tget it: %s\n", linter.Name, err, linter.Why, linter.Get)
	} else {
		fmt.Fprintf(table, "ok\t%s\t%s\t%s\t\n", linter.Name, version, linter.Why)
	}
	// Without this tool, `make test` leaves a part of one test out.
	if found, err := prereq.FUSE.Find(ctx); err != nil {
		fmt.Fprintf(table, "without\t%s\t%v\t%s\tget it: %s\n", prereq.FUSE.Name, err, prereq.FUSE.Why, prereq.FUSE.Get)
	} else {
		fmt.Fprintf(table, "ok\t%s\t%s\t%s\t\n", prereq.FUSE.Name, found, prereq.FUSE.Why)
	}
	for _, e := range engines.All() {
		if e.Fetched(ctx, repo) {
			fmt.Fprintf(table, "ok\t%s\t%s\tan engine of `make test`\t\n", e.Name, e.Version)
		} else {
			fmt.Fprintf(table, "later\t%s\tnot fetched yet\tan engine of `make test`\tget it: make test fetches %s\n", e.Name, e.Version)
		}
	}
	if err := table.Flush(); err != nil {
		return false, fmt.Errorf("printing: %w", err)
	}
	return ok, nil
}
