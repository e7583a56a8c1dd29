package engines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The test binary acts as an engine if its first argument is one of these constants.
const (
	answers = "engine that answers"
	dies    = "engine that dies"
	stays   = "engine that stays" // it answers and starts a child; both ignore SIGTERM
)

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && strings.HasPrefix(os.Args[1], "engine that ") {
		engineMain(os.Args[1], os.Args[2], os.Args[3])
		return
	}
	os.Exit(m.Run())
}

func engineMain(kind, port, life string) {
	switch kind {
	case dies:
		fmt.Println("no licence found")
		os.Exit(3)
	case stays:
		signal.Ignore(syscall.SIGTERM)
		out, err := os.OpenFile(life, os.O_WRONLY, 0)
		if err != nil {
			panic(err)
		}
		child := exec.Command("sleep", "600")
		child.Stdout = out
		if err := child.Start(); err != nil {
			panic(err)
		}
		_ = out.Close() // the child ends by itself after 600 s
	}
	_ = http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

// awaitEnd waits until the child of an engine that stays has ended. The child's standard
// output is a pipe, which closes only then.
func fake(t *testing.T, kind string) (e Engine, awaitEnd func()) {
	t.Helper()
	life := filepath.Join(t.TempDir(), "life")
	if err := syscall.Mkfifo(life, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	if kind == stays {
		go func() {
			pipe, err := os.Open(life) // returns when the engine opens the other end
			if err == nil {
				_, err = io.Copy(io.Discard, pipe)
				_ = pipe.Close()
			}
			ended <- err
		}()
	}
	e = Engine{
		Name:    kind,
		command: func(_, port string) []string { return []string{os.Args[0], kind, port, life} },
		ready:   get("/"),
	}
	return e, func() {
		t.Helper()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the engine's child is still running")
		}
	}
}

func TestLaunch(t *testing.T) {
	t.Run("returns when the engine answers, and stopping ends it", func(t *testing.T) {
		t.Parallel()
		e, _ := fake(t, answers)
		url, p, err := e.launch(t.Context(), "", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		p.stop()
		if !p.ended() {
			t.Error("the engine is still running")
		}
		if conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
			_ = conn.Close()
			t.Error("the engine's port is still open")
		}
	})

	t.Run("returns the engine's last output if the engine ends by itself", func(t *testing.T) {
		t.Parallel()
		e, _ := fake(t, dies)
		_, _, err := e.launch(t.Context(), "", t.TempDir())
		if err == nil || !strings.Contains(err.Error(), "no licence found") {
			t.Errorf("err = %v, want it to contain the engine's output", err)
		}
	})

	t.Run("stopping ends the engine's child too, even if they ignore signals", func(t *testing.T) {
		t.Parallel()
		e, awaitEnd := fake(t, stays)
		_, p, err := e.launch(t.Context(), "", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		p.stop()
		awaitEnd()
	})

	t.Run("leaves nothing running if its context ends", func(t *testing.T) {
		t.Parallel()
		e, awaitEnd := fake(t, stays)
		ctx, cancel := context.WithCancel(t.Context())
		e.ready = func(ctx context.Context, url string) (*http.Request, error) {
			if conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://")); err == nil {
				_ = conn.Close()
				cancel() // the engine has started
			}
			return http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		}
		if _, _, err := e.launch(ctx, "", t.TempDir()); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want %v", err, context.Canceled)
		}
		awaitEnd()
	})
}

func TestFillOnce(t *testing.T) {
	content := func(t *testing.T, dir string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, "jar"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	put := func(text string) func(string) error {
		return func(tmp string) error { return os.WriteFile(filepath.Join(tmp, "jar"), []byte(text), 0o600) }
	}

	t.Run("an interrupted download leaves nothing behind", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "engines", "x")
		broken := errors.New("connection lost")
		err := fillOnce(dir, func(tmp string) error { return errors.Join(put("half")(tmp), broken) })
		if !errors.Is(err, broken) {
			t.Errorf("err = %v, want %v", err, broken)
		}
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*")); err != nil || left != nil {
			t.Errorf("the folder contains %v, %v, want nothing", left, err)
		}
		if err := fillOnce(dir, put("whole")); err != nil {
			t.Fatal(err)
		}
		if got := content(t, dir); got != "whole" {
			t.Errorf("content = %q", got)
		}
	})

	t.Run("an existing folder is not fetched again", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "x")
		for _, text := range []string{"first", "second"} {
			if err := fillOnce(dir, put(text)); err != nil {
				t.Fatal(err)
			}
		}
		if got := content(t, dir); got != "first" {
			t.Errorf("content = %q, want first", got)
		}
	})

	t.Run("two downloads at once both return a whole folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "x")
		var both, done sync.WaitGroup
		both.Add(2)
		for range 2 {
			done.Go(func() {
				err := fillOnce(dir, func(tmp string) error {
					both.Done()
					both.Wait()
					return put("whole")(tmp)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if got := content(t, dir); got != "whole" {
			t.Errorf("content = %q", got)
		}
	})
}

func TestSelect(t *testing.T) {
	tests := map[string]struct {
		list string
		want []string
	}{
		"all engines": {"all", []string{"dynamodb-local", "elasticmq", "moto"}},
		"no engine":   {"none", nil},
		"two by name": {"moto,elasticmq", []string{"moto", "elasticmq"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			selected, err := Select(tt.list)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range selected {
				got = append(got, e.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the selected engines differ (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("the error for an unknown name lists the known names", func(t *testing.T) {
		_, err := Select("moto,kafka")
		if err == nil || !strings.Contains(err.Error(), `"kafka"`) || !strings.Contains(err.Error(), "dynamodb-local") {
			t.Errorf("err = %v", err)
		}
	})
}

func TestMissingToolsTurnAnEngineOff(t *testing.T) {
	repo, err := FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	moto, err := Select("moto")
	if err != nil {
		t.Fatal(err)
	}

	set, err := Start(t.Context(), repo, moto, "not wanted")
	defer set.Stop()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"SMSQUEUE_TEST_DYNAMODB=off: not wanted",
		"SMSQUEUE_TEST_SQS=off: not wanted",
		"SMSQUEUE_TEST_MOTO=off: moto cannot run here: python3 with venv: not installed (to get it: apt-get install python3-venv)",
	}
	if diff := cmp.Diff(want, set.Environ()); diff != "" {
		t.Errorf("the tests' environment differs (-want +got):\n%s", diff)
	}
}

// The pins must contain the versions that are displayed.
func TestPinsAreWhatIsSaid(t *testing.T) {
	repo, err := FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range All() {
		pins, err := os.ReadFile(e.pinned(repo))
		if err != nil {
			t.Fatal(err)
		}
		if text := string(pins); !strings.Contains(text, ">"+e.Version+"<") && !strings.Contains(text, "=="+e.Version+" \\\n") {
			t.Errorf("%s is displayed as %s, which its pins do not contain", e.Name, e.Version)
		}
	}
}
