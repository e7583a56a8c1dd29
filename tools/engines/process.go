package engines

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const (
	stopSignal = syscall.SIGTERM
	killSignal = syscall.SIGKILL

	// Engines have nothing to save, but the JVM needs a moment to end.
	stopGrace = 3 * time.Second
)

// A process runs in a process group of its own. So Ctrl-C in a terminal reaches only the
// runner, and the method `stop` can end the program together with its children.
type process struct {
	cmd  *exec.Cmd
	log  string        // the file with its output
	done chan struct{} // closed when the process has ended
}

// The command writes its output to the file log, and runs in the folder of this file.
func launch(command []string, log string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("creating the log: %w", err)
	}
	cmd := exec.Command(command[0], command[1:]...) //nolint:noctx // it runs until it is stopped
	cmd.Dir = filepath.Dir(log)
	cmd.Stdout, cmd.Stderr = out, out
	ownGroup(cmd)
	endWithParent(cmd)

	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Linux kills the child when the thread that started it ends, so this thread must
		// last as long as the child. It is never unlocked, and ends with this goroutine.
		runtime.LockOSThread()
		defer close(p.done)
		defer out.Close() //nolint:errcheck // the child writes the file, and this process does not
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ProcessState says how it ended
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return p, nil
}

// The method `stop` ends the process and its children. It returns when all of them are
// gone.
func (p *process) stop() {
	if p.ended() {
		return
	}
	// An error means that the group is already gone.
	_ = signalGroup(p.cmd.Process.Pid, stopSignal)
	select {
	case <-p.done:
	case <-time.After(stopGrace):
		_ = signalGroup(p.cmd.Process.Pid, killSignal)
		<-p.done
	}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) lastWords() string {
	out, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return tail(out)
}

func ownGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid = true
}

// The process `pid` is the leader of its process group.
func signalGroup(pid int, sig syscall.Signal) error { return syscall.Kill(-pid, sig) }

func tail(out []byte) string {
	const most = 20
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-most):], []byte("\n")))
}
