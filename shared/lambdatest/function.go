// Package lambdatest emulates Lambda, its SQS event source and API Gateway on this
// machine, so that tests can run the same binaries that are deployed. It runs a built
// bootstrap as a process under Lambda's Runtime API, polls batches from a queue, and
// makes proxy events from HTTP requests. Only tests import this package.
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

	// Env contains the function's variables in the form "NAME=value". The function also
	// gets the variables that Lambda sets, but no other variables of the test.
	Env []string

	// Timeout is the time that the function has for one event. Zero means 30 s. As in
	// Lambda, a process that exceeds the timeout is killed.
	Timeout time.Duration

	// FunctionName names the function. The default is "function".
	FunctionName string

	// Concurrency is the number of processes. Zero means 1. Each process handles one
	// event at a time.
	Concurrency int
}

// FunctionError is the error of a function that failed to handle an event. Its fields are
// those of Lambda's own error object.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// These are the types of a [FunctionError] for a process that ended without an answer.
const (
	TypeExit    = "Runtime.ExitError" // it exited or was killed, at init or during an event
	TypeTimeout = "Sandbox.Timedout"  // it was killed at its timeout
)

// Function is a deployed function. Its methods are safe for concurrent use.
type Function struct {
	options Options
	idle    chan *sandbox // those that handle no event
	all     []*sandbox
	output  output
	running sync.WaitGroup
}

// Start deploys a function until the test ends. Its processes start with their first
// event. If the test fails, Start logs their output.
func Start(t testing.TB, o Options) *Function {
	t.Helper()
	if o.Binary == "" {
		t.Fatal("lambdatest.Start needs a binary")
	}
	binary, err := filepath.Abs(o.Binary) // because a process starts in the binary's folder
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

// Invoke passes an event to an idle process and returns the function's answer. If all
// processes are busy, Invoke waits for one to become idle. If the process is not running,
// Invoke starts it.
//
// If the function failed, the error is a [*FunctionError]. If the context ended first, the
// error wraps the context's error. As in Lambda, the function finishes an event that it
// has begun even if the caller has left.
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

// Kill ends all processes of the function with SIGKILL, and returns when they are gone.
// Current events fail with [TypeExit]. The next Invoke starts a new process.
func (f *Function) Kill() {
	for _, s := range f.all {
		s.kill()
	}
}

// Output returns what the processes have written to standard output and standard error,
// in order of arrival.
func (f *Function) Output() string { return f.output.String() }

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
