package lambdatest

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// initTimeout is the time that Lambda gives a new process to ask for its first event.
const initTimeout = 10 * time.Second

type answer struct {
	response []byte
	err      error
}

// sandbox handles one event at a time. It replaces a process that has ended with a new
// one.
type sandbox struct {
	options Options
	output  *output

	mu      sync.Mutex
	closed  bool
	process *process // may have ended
}

// invoke must not be called concurrently.
func (s *sandbox) invoke(event []byte) answer {
	for {
		p, err := s.running()
		if err != nil {
			return answer{err: err}
		}
		i := &invocation{id: uuid.NewString(), event: event, done: make(chan answer, 1)}
		initial := time.NewTimer(initTimeout)
		select {
		case p.events <- i:
			initial.Stop()
			return p.wait(i, s.options.Timeout)
		case <-p.ended:
			initial.Stop()
			if p.polled.Load() {
				continue // the process ended between two events, for example after a panic
			}
			return answer{err: p.exitError(i)}
		case <-initial.C:
			p.kill()
			return answer{err: &FunctionError{Type: TypeTimeout, Message: fmt.Sprintf("init did not end in %v; output:\n%s", initTimeout, p.own.String())}}
		}
	}
}

// running returns the current process. If this process has ended, running starts a new
// one.
func (s *sandbox) running() (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("invoking %s: the test has ended", s.options.FunctionName)
	}
	if s.process != nil && !s.process.hasEnded() {
		return s.process, nil
	}
	p, err := startProcess(s.options, s.output)
	if err != nil {
		return nil, err
	}
	s.process = p
	return p, nil
}

func (s *sandbox) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.kill()
	}
}

func (s *sandbox) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.kill()
}

// Each process has a Runtime API of its own, so that no request of an earlier process can
// reach a later process.
type process struct {
	command *exec.Cmd
	api     *httptest.Server
	events  chan *invocation // the event for the process's next GET
	polled  atomic.Bool      // the process has asked for an event, so init is over
	own     output           // the output of this process only
	ended   chan struct{}    // closed when the process has ended and err is set
	err     error

	mu      sync.Mutex
	current *invocation    // the unanswered event, or nil
	initErr *FunctionError // the error that the process reported at init
}

func startProcess(o Options, all *output) (*process, error) {
	p := &process{events: make(chan *invocation), ended: make(chan struct{})}
	p.api = httptest.NewServer(p.routes(o))

	p.command = &exec.Cmd{
		Path: o.Binary,
		Args: []string{o.Binary},
		Dir:  filepath.Dir(o.Binary),
		Env:  environment(o, strings.TrimPrefix(p.api.URL, "http://")),
	}
	both := io.MultiWriter(all, &p.own)
	p.command.Stdout, p.command.Stderr = both, both // if both are the same writer, exec makes one pipe, which keeps the order of lines
	p.command.WaitDelay = 5 * time.Second           // a child of the process can keep the output open
	if err := p.command.Start(); err != nil {
		p.api.Close()
		return nil, fmt.Errorf("starting %s: %w", o.FunctionName, err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.ended)
		p.api.CloseClientConnections()
		p.api.Close()
	}()
	return p, nil
}

// Options.Env can override each of Lambda's own variables except the address of the
// Runtime API.
func environment(o Options, api string) []string {
	env := []string{
		"AWS_LAMBDA_FUNCTION_NAME=" + o.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + o.FunctionName,
		"AWS_LAMBDA_LOG_STREAM_NAME=local",
		"AWS_REGION=" + awsRegion,
		"AWS_DEFAULT_REGION=" + awsRegion,
		"TZ=:UTC",
		"_HANDLER=bootstrap",
	}
	env = append(env, o.Env...)
	return append(env, "AWS_LAMBDA_RUNTIME_API="+api)
}

func (p *process) wait(i *invocation, timeout time.Duration) answer {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case a := <-i.done:
		return a
	case <-p.ended:
		select {
		case a := <-i.done: // the process answered and then ended
			return a
		default:
			return answer{err: p.exitError(i)}
		}
	case <-timer.C:
		p.kill()
		return answer{err: &FunctionError{Type: TypeTimeout, Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", i.id, timeout.Seconds())}}
	}
}

func (p *process) exitError(i *invocation) *FunctionError {
	p.mu.Lock()
	reported := p.initErr
	p.mu.Unlock()
	if reported != nil {
		return reported
	}
	status := "exit status 0"
	if p.err != nil {
		status = p.err.Error()
	}
	message := fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", i.id, status)
	if !p.polled.Load() {
		message += "; output at init:\n" + p.own.String()
	}
	return &FunctionError{Type: TypeExit, Message: message}
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *process) kill() {
	_ = p.command.Process.Kill() // an error means that it has already ended
	<-p.ended
}
