// Command runtests runs the tests of all modules over the engines that stand in
// for AWS, and says at the end how many ran on which engine, and what did not
// run and why. Its last line is the total. It is what `make test` calls:
//
//	runtests [flags] [packages]
//
// It exits with 1 when a test failed and, where CI=true, when one was skipped
// or a tool is missing; unless -engines or -short asked for less.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
	"github.com/smsqueue/smsqueue/tools/testrun"
)

// module is left out of the import paths that are shown.
const module = "github.com/smsqueue/smsqueue/"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "runtests:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run reports whether the run counts as passed. The error says what kept it from
// being a run at all.
func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) (ok bool, err error) {
	opts, err := parse(args)
	if err != nil {
		return false, err
	}
	repo, err := engines.FindRepository(ctx)
	if err != nil {
		return false, err
	}
	strict := getenv("CI") == "true"

	if opts.race {
		if missing := prereq.Missing(ctx, prereq.CC); missing != nil {
			if strict {
				return false, errors.New("the race detector needs a " + missing[0])
			}
			opts.race = false
			fmt.Fprintln(out, "Without the race detector, which needs a", missing[0])
		}
	}

	set, missing, err := startEngines(ctx, repo, opts, out)
	defer set.Stop()
	if err != nil {
		return false, err
	}
	if strict && missing != nil {
		return false, errors.New("with CI=true every engine has to run")
	}

	env, remove := scratch()
	report := testrun.New(out, module)
	err = goTest(ctx, repo, opts, append(env, set.Environ()...), report)
	if err := errors.Join(err, remove()); err != nil {
		return false, err
	}
	return conclude(report, strict && !opts.reduced(), out), nil
}

// startEngines starts the engines that opts ask for, or none if no package to be
// tested would ask for one. It returns, besides, the reason for each that was
// asked for and cannot be had.
func startEngines(ctx context.Context, repo engines.Repository, opts options, out io.Writer) (set *engines.Set, missing []string, err error) {
	wanted, err := engines.Select(opts.engines)
	if err != nil {
		return new(engines.Set), nil, err
	}
	notWanted := "this run is without it (-engines=" + opts.engines + "); `make test` has it"
	if len(wanted) > 0 && !usesEngines(ctx, repo, opts.packages) {
		wanted, notWanted = nil, "no package of this run was seen to need it"
	}
	if len(wanted) > 0 {
		fmt.Fprintln(out, "Starting the engines; the first time they are fetched, which takes about 2 minutes.")
	}
	set, err = engines.Start(ctx, repo, wanted, notWanted)
	for _, e := range wanted {
		if url, ok := set.URLs[e.Name]; ok {
			fmt.Fprintf(out, "%s %s at %s\n", e.Name, e.Version, url)
		} else if reason, ok := set.Off[e.Name]; ok {
			missing = append(missing, reason)
			fmt.Fprintln(out, reason)
		}
	}
	return set, missing, err
}

// conclude prints the sums. In a strict run a skipped test is a failure.
func conclude(report *testrun.Report, strict bool, out io.Writer) bool {
	versions := map[string]string{enginetest.SQLiteEngine: "(modernc.org/sqlite)"}
	for _, e := range engines.All() {
		versions[e.Name] = e.Version
	}
	report.Summarize(out, versions)
	ok := report.Total.Failed == 0
	if strict && report.Total.Skipped > 0 {
		ok = false
		fmt.Fprintln(out, "With CI=true every test has to run: skipped ones count as a failure.")
	}
	if report.Total == (testrun.Count{}) {
		ok = false
		fmt.Fprintln(out, "No test ran.")
	}
	fmt.Fprintln(out, report.Total)
	return ok
}
