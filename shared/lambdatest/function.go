// Package lambdatest runs what Lambda, its SQS event source and API Gateway
// would run, on this machine and with the binaries that are deployed: a built
// bootstrap as a process under the Runtime API, batches polled from a queue,
// and proxy events made from HTTP requests. Only tests import this package.
package lambdatest

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Options describe a function.
type Options struct {
	// Binary is the path of a built bootstrap.
	Binary string

	// Env is the whole environment as "NAME=value": nothing is inherited.
	// The variables that Lambda itself sets are added.
	Env []string

	// Timeout is the function's timeout, 30 s if zero. It gives each event its
	// deadline; a process that is still at work then is killed, as in Lambda.
	Timeout time.Duration

	// FunctionName is "function" if empty.
	FunctionName string

	// Concurrency is the number of processes, 1 if zero. Each handles one
	// event at a time.
	Concurrency int
}

// FunctionError says that a function was invoked and did not answer. It has
// the two fields of Lambda's own error object. The types that Lambda itself
// makes are those of the constants below.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Types of [FunctionError] for a process that ended without an answer.
const (
	TypeExit    = "Runtime.ExitError" // it exited or was killed, at init or with an event in hand
	TypeTimeout = "Sandbox.Timedout"  // it was killed for its timeout
)

// Function is a deployed function. Its methods may be called concurrently.
type Function struct {
	options Options
	idle    chan *sandbox // the sandboxes without an event
	all     []*sandbox
	output  output
	running sync.WaitGroup
}

// Start deploys a function until the end of the test. Its processes start with
// their first event. If the test fails, what they wrote is logged.
func Start(t testing.TB, o Options) *Function {
	t.Helper()
	if o.Binary == "" {
		t.Fatal("lambdatest.Start needs a binary")
	}
	binary, err := filepath.Abs(o.Binary) // a process starts in the binary's folder
	if err != nil {
		t.Fatalf("lambdatest.Start: %v", err)
	}
	o.Binary = binary
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.FunctionName == "" {
		o.FunctionName = "function"
	}
	o.Concurrency = max(o.Concurrency, 1)

	f := &Function{options: o, idle: make(chan *sandbox, o.Concurrency)}
	for range o.Concurrency {
		s := &sandbox{options: o, output: &f.output}
		f.all = append(f.all, s)
		f.idle <- s
	}
	t.Cleanup(func() {
		for _, s := range f.all {
			s.close()
		}
		f.running.Wait()
		if t.Failed() {
			t.Logf("output of %s:\n%s", o.FunctionName, f.Output())
		}
	})
	return f
}

// Invoke hands an event to a process that has none, waiting for one if need
// be, and returns the function's answer. A process that is not running is
// started first.
//
// The error is a [*FunctionError] when the function failed, or the context's.
// As in Lambda, the function goes on with an event whose caller has gone.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var s *sandbox
	select {
	case s = <-f.idle:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a free process of %s: %w", f.options.FunctionName, ctx.Err())
	}
	done := make(chan answer, 1)
	f.running.Go(func() {
		a := s.invoke(event)
		f.idle <- s
		done <- a
	})
	select {
	case a := <-done:
		return a.response, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("invoking %s: %w", f.options.FunctionName, ctx.Err())
	}
}

// Kill ends all processes of the function with SIGKILL and returns when they
// are gone. Events in hand end with an [TypeExit]; the next Invoke starts
// afresh.
func (f *Function) Kill() {
	for _, s := range f.all {
		s.kill()
	}
}

// Output returns what the processes have written to their standard output and
// error, in the order of arrival.
func (f *Function) Output() string { return f.output.String() }

// output collects what several processes write.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}
