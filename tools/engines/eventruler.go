package engines

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/smsqueue/smsqueue/tools/prereq"
)

// EventRuler returns AWS's matcher of event patterns, which is not an engine but is
// fetched like one. See [OpenMatcher].
func EventRuler() Engine {
	return Engine{
		Name:    "event-ruler",
		Version: "2.1.0",
		Needs:   []prereq.Tool{prereq.Java, prereq.JavaCompiler, prereq.Maven},
		pin:     "event-ruler/pom.xml",
		install: installJars,
	}
}

// Matcher finds out whether an event matches a pattern. It asks EventRuler, the library
// that EventBridge uses. Its methods are safe for concurrent use.
type Matcher struct {
	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
}

// OpenMatcher fetches and starts EventRuler, and returns a matcher that asks it.
// [Matcher.Close] ends EventRuler. The function [Unavailable] distinguishes the errors.
func OpenMatcher(ctx context.Context, repo Repository) (*Matcher, error) {
	e := EventRuler()
	if missing := prereq.Missing(ctx, e.Needs...); missing != nil {
		return nil, &offError{e.Name + " cannot run here: " + strings.Join(missing, "; ")}
	}
	dir, err := e.Fetch(ctx, repo)
	if err != nil {
		return nil, &offError{err.Error()}
	}
	cmd := exec.Command("java", "-Xmx128m", "-cp", jars(dir), repo.Path("tools", "engines", "event-ruler", "Match.java")) //nolint:noctx // it runs until its input ends
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("opening the input of %s: %w", e.Name, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("opening the output of %s: %w", e.Name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", e.Name, err)
	}
	return &Matcher{cmd: cmd, in: in, answers: bufio.NewScanner(out)}, nil
}

// Matches reports whether event matches pattern. Both are values that encoding/json
// can write as objects. A wrong pattern is an error.
func (m *Matcher) Matches(pattern, event any) (bool, error) {
	line, err := json.Marshal(map[string]any{"pattern": pattern, "event": event})
	if err != nil {
		return false, fmt.Errorf("writing the pattern and the event: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.in.Write(append(line, '\n')); err != nil {
		return false, fmt.Errorf("asking the matcher: %w", err)
	}
	if !m.answers.Scan() {
		return false, errors.Join(errors.New("the matcher ended without an answer"), m.answers.Err())
	}
	matches, err := strconv.ParseBool(m.answers.Text())
	if err != nil {
		return false, fmt.Errorf("the pattern is wrong: %s", m.answers.Text())
	}
	return matches, nil
}

// Close ends the matcher.
func (m *Matcher) Close() error {
	if err := m.in.Close(); err != nil {
		return fmt.Errorf("closing the matcher's input: %w", err)
	}
	return m.cmd.Wait()
}
