package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/testrun"
)

// Most options are passed to go test unchanged.
type options struct {
	engines  string
	packages []string

	run, skip string
	short     bool
	race      bool
	shuffle   string
	count     int
	timeout   time.Duration
	atOnce    int // how many packages to test at once
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("runtests", flag.ContinueOnError)
	flags.StringVar(&o.engines, "engines", "all", "engines to start: all, none, or names separated by commas")
	flags.StringVar(&o.run, "run", "", "run only tests matching this `pattern`")
	flags.StringVar(&o.skip, "skip", "", "leave out tests matching this `pattern`")
	flags.BoolVar(&o.short, "short", false, "ask long tests to be short")
	flags.BoolVar(&o.race, "race", true, "look for data races")
	flags.StringVar(&o.shuffle, "shuffle", "on", "order of the tests: on, off, or the `seed` of an earlier run; off lets results be cached")
	flags.IntVar(&o.count, "count", 0, "run each test this many times; 0 is once, cached if possible")
	// Test one more package at once than there are processors, because many tests wait.
	flags.IntVar(&o.atOnce, "p", runtime.NumCPU()+1, "test this many packages at once")
	flags.DurationVar(&o.timeout, "timeout", 20*time.Minute, "time limit of one package")
	if err := flags.Parse(args); err != nil {
		return o, fmt.Errorf("reading the command line: %w", err)
	}
	o.packages = flags.Args()
	if len(o.packages) == 0 {
		o.packages = []string{"work"} // every module of go.work
	}
	return o, nil
}

// Reports whether only a part of the tests runs. Skipped tests are then expected.
func (o options) reduced() bool { return o.engines != "all" || o.short }

func (o options) goTestArgs() []string {
	args := []string{
		"test", "-json", "-shuffle=" + o.shuffle, "-timeout=" + o.timeout.String(),
		fmt.Sprintf("-p=%d", o.atOnce),
	}
	if o.race {
		args = append(args, "-race")
	}
	if o.short {
		args = append(args, "-short")
	}
	if o.run != "" {
		args = append(args, "-run="+o.run)
	}
	if o.skip != "" {
		args = append(args, "-skip="+o.skip)
	}
	if o.count > 0 {
		args = append(args, fmt.Sprintf("-count=%d", o.count))
	}
	return append(args, o.packages...)
}

// goTest runs go test with env added to the environment.
func goTest(ctx context.Context, repo engines.Repository, opts options, env []string, report *testrun.Report) error {
	cmd := exec.CommandContext(ctx, "go", opts.goTestArgs()...)
	cmd.Dir = repo.Path()
	cmd.Env = append(os.Environ(), env...)
	// This value differs in every run, so the go command never reuses a cached result of a test that reads
	// the variable.
	cmd.Env = append(cmd.Env, "SMSQUEUE_TEST_RUN="+time.Now().Format(time.RFC3339Nano))
	if opts.race {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	cmd.Stderr = os.Stderr
	// The go command and the test binaries get a process group of their own, so that Ctrl-C reaches them only
	// through this program.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second

	events, stdout := io.Pipe()
	cmd.Stdout = stdout
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Run()
		_ = stdout.Close() // cannot fail
	}()
	readErr := report.Read(events)
	err := <-ended
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err != nil && report.Total.Failed == 0 {
		return fmt.Errorf("running go test, although no test failed: %w", err)
	}
	return readErr
}

// usesEngines reports whether any of the packages uses engines. It also returns true if
// this cannot be found out, for example because the code does not build.
func usesEngines(ctx context.Context, repo engines.Repository, packages []string) bool {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-deps", "-test"}, packages...)...)
	cmd.Dir = repo.Path()
	out, err := cmd.Output()
	if err != nil {
		return true
	}
	for dep := range strings.Lines(string(out)) {
		if strings.TrimSpace(dep) == module+"shared/enginetest" {
			return true
		}
	}
	return false
}
