package engines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

const (
	readyLimit    = 90 * time.Second // long enough for a JVM on a machine that is busy compiling
	readyInterval = 100 * time.Millisecond
	startAttempts = 3 // another program can take the free port before the engine binds it
)

// Set holds the engines of one run.
type Set struct {
	URLs map[string]string // by engine name
	Off  map[string]string // the reason why an engine does not run, by engine name

	running []*process
	dir     string // the engines' logs and working folder
}

// Start starts engines concurrently, fetching them if necessary, and waits until each
// answers. An engine is off, with a reason, if its tools are missing or its download
// fails. It is an error if an engine was fetched but does not start.
//
// An engine that is not in the given list is off, and the parameter `notWanted` is the
// reason. Call Stop even after an error.
func Start(ctx context.Context, repo Repository, engines []Engine, notWanted string) (*Set, error) {
	set := &Set{URLs: make(map[string]string), Off: make(map[string]string)}
	for _, e := range All() {
		if !slices.ContainsFunc(engines, func(w Engine) bool { return w.Name == e.Name }) {
			set.Off[e.Name] = notWanted
		}
	}
	if len(engines) == 0 {
		return set, nil
	}
	if err := os.MkdirAll(repo.Path(".build"), 0o750); err != nil {
		return set, fmt.Errorf("making the folder for downloads: %w", err)
	}
	dir, err := os.MkdirTemp(repo.Path(".build"), "run-*")
	if err != nil {
		return set, fmt.Errorf("making the folder of the run: %w", err)
	}
	set.dir = dir

	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, e := range engines {
		wg.Go(func() {
			url, p, err := e.bringUp(ctx, repo, dir)
			mu.Lock()
			defer mu.Unlock()
			off, isOff := errors.AsType[*offError](err)
			switch {
			case isOff:
				set.Off[e.Name] = off.reason
			case err != nil:
				errs = append(errs, err)
			default:
				set.URLs[e.Name] = url
				set.running = append(set.running, p)
			}
		})
	}
	wg.Wait()
	return set, errors.Join(errs...)
}

// Environ returns the variables in which tests find the engines' addresses.
func (s *Set) Environ() []string {
	var env []string
	for _, e := range All() {
		value, runs := s.URLs[e.Name]
		if !runs {
			value = enginetest.Off + s.Off[e.Name]
		}
		env = append(env, e.Env+"="+value)
	}
	return env
}

// Stop ends the engines that this set started.
func (s *Set) Stop() {
	var wg sync.WaitGroup
	for _, p := range s.running {
		wg.Go(p.stop)
	}
	wg.Wait()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir) // a leftover in .build does no harm
	}
}

// offError means that this machine cannot run an engine.
type offError struct{ reason string }

func (e *offError) Error() string { return e.reason }

func (e Engine) bringUp(ctx context.Context, repo Repository, logs string) (url string, p *process, err error) {
	if missing := prereq.Missing(ctx, e.Needs...); missing != nil {
		return "", nil, &offError{e.Name + " cannot run here: " + strings.Join(missing, "; ")}
	}
	dir, err := e.Fetch(ctx, repo)
	if err != nil {
		if ctx.Err() != nil {
			return "", nil, err
		}
		return "", nil, &offError{err.Error()}
	}
	for range startAttempts {
		url, p, err = e.launch(ctx, dir, logs)
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return url, p, err
}

func (e Engine) launch(ctx context.Context, dir, logs string) (string, *process, error) {
	port, err := freePort(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("starting %s: %w", e.Name, err)
	}
	p, err := launch(e.command(dir, port), filepath.Join(logs, e.Name+".log"))
	if err != nil {
		return "", nil, err
	}
	url := "http://127.0.0.1:" + port
	if err := e.awaitReady(ctx, url, p); err != nil {
		p.stop()
		return "", nil, fmt.Errorf("starting %s: %w; it printed:\n%s", e.Name, err, p.lastWords())
	}
	return url, p, nil
}

func (e Engine) awaitReady(ctx context.Context, url string, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the engine to answer: %w", ctx.Err())
		case <-p.done:
			return fmt.Errorf("the engine ended before it answered: %v", p.cmd.ProcessState)
		case <-tick.C:
		}
		req, err := e.ready(ctx, url)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body) // read it all, so that the connection can be used again
		_ = resp.Body.Close()
		// If our engine has ended, another program took the port and answered.
		if resp.StatusCode == http.StatusOK && !p.ended() {
			return nil
		}
	}
}

// Returns a port that is free now. Another program can take it at any time.
func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
