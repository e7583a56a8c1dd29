package lambdatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/lambdatest"
)

var bootstrap string

func TestMain(m *testing.M) {
	os.Exit(runMain(m))
}

func runMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambdatest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bootstrap = filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./testdata/bootstrap")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the bootstrap: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

type report struct {
	PID      int
	Name     string
	Request  string
	Deadline time.Time
	Env      []string
}

func ask(t *testing.T, f *lambdatest.Function) report {
	t.Helper()
	raw, err := f.Invoke(t.Context(), []byte(`{"Do": "report"}`))
	if err != nil {
		t.Fatalf("Invoke: %v", err)
	}
	var r report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatalf("reading %s: %v", raw, err)
	}
	return r
}

func invokeError(t *testing.T, f *lambdatest.Function, event string) *lambdatest.FunctionError {
	t.Helper()
	raw, err := f.Invoke(t.Context(), []byte(event))
	failure, ok := errors.AsType[*lambdatest.FunctionError](err)
	if !ok {
		t.Fatalf("Invoke: %s, %v; want a FunctionError", raw, err)
	}
	return failure
}

// waitEvent returns an event that the function never answers.
func waitEvent(t *testing.T) []byte {
	t.Helper()
	return fmt.Appendf(nil, `{"Do": "wait", "File": %q}`, filepath.Join(t.TempDir(), "begun"))
}

func TestAFunctionSeesWhatLambdaWouldShowIt(t *testing.T) {
	t.Setenv("OF_THE_TEST", "1")
	f := lambdatest.Start(t, lambdatest.Options{Binary: bootstrap, FunctionName: "sender", Timeout: 7 * time.Second, Env: []string{"TABLE_NAME=t"}})
	before := time.Now()
	first, second := ask(t, f), ask(t, f)

	if first.Name != "sender" || first.Request == "" || first.Request == second.Request {
		t.Errorf("the function has the name %q and the request ids %q and %q, want the name sender and two different ids", first.Name, first.Request, second.Request)
	}
	if left := first.Deadline.Sub(before); left < 6*time.Second || left > 17*time.Second {
		t.Errorf("the deadline is %v away, want about 7 s", left)
	}
	if first.PID != second.PID {
		t.Error("two processes handled two successive events, want one process")
	}
	if !slices.Contains(first.Env, "TABLE_NAME") || slices.Contains(first.Env, "OF_THE_TEST") || slices.Contains(first.Env, "PATH") {
		t.Errorf("the environment is %v, want only the variables of Options", first.Env)
	}
	if !strings.Contains(f.Output(), "doing report\n") {
		t.Errorf("the output %q lacks the function's line", f.Output())
	}
}

func TestAnErrorOfTheFunctionIsAFunctionError(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Options{Binary: bootstrap})
	pid := ask(t, f).PID

	t.Run("a returned error leaves the process alive", func(t *testing.T) {
		want := &lambdatest.FunctionError{Type: "errorString", Message: "no luck"}
		if diff := cmp.Diff(want, invokeError(t, f, `{"Do": "fail"}`)); diff != "" {
			t.Errorf("the error differs (-want +got):\n%s", diff)
		}
		if now := ask(t, f).PID; now != pid {
			t.Errorf("process %d was replaced by process %d, want the same process", pid, now)
		}
	})
	t.Run("a panic is followed by a new process", func(t *testing.T) {
		if e := invokeError(t, f, `{"Do": "panic"}`); e.Message != "at the disco" {
			t.Errorf("error %v", e)
		}
		if now := ask(t, f).PID; now == pid {
			t.Errorf("process %d still runs after the panic", pid)
		}
	})
	t.Run("an exit is followed by a new process", func(t *testing.T) {
		if e := invokeError(t, f, `{"Do": "exit"}`); e.Type != lambdatest.TypeExit || !strings.HasSuffix(e.Message, "exit status 4") {
			t.Errorf("error %v", e)
		}
		ask(t, f)
	})
	t.Run("an event that cannot be decoded is a FunctionError", func(t *testing.T) {
		if e := invokeError(t, f, `[]`); e.Type == lambdatest.TypeExit {
			t.Errorf("error %v", e)
		}
	})
}

func TestNoAnswerIsNull(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Options{Binary: bootstrap})
	raw, err := f.Invoke(t.Context(), []byte(`{"Do": "null"}`))
	if err != nil || string(raw) != "null" {
		t.Errorf("Invoke: %s, %v; want null", raw, err)
	}
}

func TestAProcessThatEndsAtInitGivesItsOutput(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Options{Binary: bootstrap, Env: []string{"FAIL_AT_INIT=1"}})
	for range 2 {
		e := invokeError(t, f, `{"Do": "report"}`)
		if e.Type != lambdatest.TypeExit || !strings.Contains(e.Message, "exit status 3") || !strings.Contains(e.Message, "TABLE_NAME is missing") {
			t.Errorf("error %v", e)
		}
	}
}

func TestABinaryThatIsNotThereIsAnError(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Options{Binary: filepath.Join(t.TempDir(), "bootstrap")})
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Invoke returned %v, want os.ErrNotExist", err)
	}
}

func TestTheTimeoutKillsTheProcess(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Options{Binary: bootstrap, Timeout: 300 * time.Millisecond})
	e := invokeError(t, f, string(waitEvent(t)))
	if e.Type != lambdatest.TypeTimeout || !strings.HasSuffix(e.Message, "Task timed out after 0.30 seconds") {
		t.Errorf("error %v", e)
	}
	ask(t, f)
}

// hang keeps one process busy with an event until the test ends. It returns when the
// process has begun to handle the event.
func hang(t *testing.T, f *lambdatest.Function) <-chan error {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "begun")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := f.Invoke(context.Background(), fmt.Appendf(nil, `{"Do": "wait", "File": %q}`, pipe))
		failed <- err
	}()
	begun := make(chan error, 1)
	go func() {
		_, err := os.ReadFile(pipe) // blocks until the function opens the pipe too
		begun <- err
	}()
	select {
	case err := <-begun:
		if err != nil {
			t.Fatal(err)
		}
	case err := <-failed:
		t.Fatalf("Invoke: %v", err)
	}
	return failed
}

func TestKillEndsAnEventInHandAndTheNextStartsAfresh(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Options{Binary: bootstrap})
	failed := hang(t, f)
	f.Kill()
	err := <-failed
	if e, ok := errors.AsType[*lambdatest.FunctionError](err); !ok || e.Type != lambdatest.TypeExit || !strings.HasSuffix(e.Message, "signal: killed") {
		t.Errorf("Invoke: %v", err)
	}
	pid := ask(t, f).PID
	f.Kill()
	f.Kill()
	if now := ask(t, f).PID; now == pid {
		t.Errorf("process %d still runs after Kill", pid)
	}
}

func TestAsManyProcessesWorkAtOnceAsConcurrencySays(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Options{Binary: bootstrap, Concurrency: 2})
	hang(t, f)
	// One process stays busy, so the other handles all further events in turn.
	pids := map[int]bool{}
	for range 4 {
		pids[ask(t, f).PID] = true
	}
	if len(pids) != 1 {
		t.Errorf("%d processes besides the busy one handled events, want 1", len(pids))
	}
}

func TestInvokeEndsWithItsContext(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Options{Binary: bootstrap})
	ask(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := f.Invoke(ctx, waitEvent(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Invoke with a running event returned %v, want the context's error", err)
	}
	if _, err := f.Invoke(ctx, []byte(`{}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Invoke without an idle process returned %v, want the context's error", err)
	}
}
