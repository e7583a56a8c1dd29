// Command runtests runs the tests of both modules on the engines that emulate AWS. At the
// end it prints how many tests ran on each engine, and which tests did not run and why.
// Its last line is the total. `make test` calls it:
//
//	runtests [flags] [packages]
//
// It exits with 1 if a test failed. With CI=true it also exits with 1 if a test was
// skipped or a tool is missing, unless the flags -engines or -short asked for this.
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

// The output leaves out this prefix of our import paths.
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

// Runs the tests, and reports whether they passed. It returns an error if they could not
// run.
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
			fmt.Fprintln(out, "Running without the race detector, which needs a", missing[0])
		}
	}

	set, missing, err := startEngines(ctx, repo, opts, out)
	defer set.Stop()
	if err != nil {
		return false, err
	}
	if strict && missing != nil {
		return false, errors.New("with CI=true every engine must run")
	}

	env, remove := scratch()
	report := testrun.New(out, module)
	err = goTest(ctx, repo, opts, append(env, set.Environ()...), report)
	if err := errors.Join(err, remove()); err != nil {
		return false, err
	}
	return conclude(report, strict && !opts.reduced(), out), nil
}

// The result `missing` has a sentence for each engine that could not be started.
func startEngines(ctx context.Context, repo engines.Repository, opts options, out io.Writer) (set *engines.Set, missing []string, err error) {
	wanted, err := engines.Select(opts.engines)
	if err != nil {
		return new(engines.Set), nil, err
	}
	notWanted := "-engines=" + opts.engines + " leaves it out; `make test` runs it"
	if len(wanted) > 0 && !usesEngines(ctx, repo, opts.packages) {
		wanted, notWanted = nil, "no tested package needs it"
	}
	if len(wanted) > 0 {
		fmt.Fprintln(out, "Starting the engines. The first time, this downloads them in about 2 minutes.")
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

// If strict is set, a skipped test counts as a failure.
func conclude(report *testrun.Report, strict bool, out io.Writer) bool {
	versions := map[string]string{enginetest.SQLiteEngine: "(modernc.org/sqlite)"}
	for _, e := range engines.All() {
		versions[e.Name] = e.Version
	}
	report.Summarize(out, versions)
	ok := report.Total.Failed == 0
	if strict && report.Total.Skipped > 0 {
		ok = false
		fmt.Fprintln(out, "With CI=true every test must run: a skipped test counts as a failure.")
	}
	if report.Total == (testrun.Count{}) {
		ok = false
		fmt.Fprintln(out, "No test ran.")
	}
	fmt.Fprintln(out, report.Total)
	return ok
}
