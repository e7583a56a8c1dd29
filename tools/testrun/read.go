package testrun

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Read adds every event in stream to r. If a line is not an event, for example an error
// of the go command, Read prints it unchanged.
func (r *Report) Read(stream io.Reader) error {
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		if text := bytes.TrimSpace(line); len(text) > 0 {
			var ev Event
			if json.Unmarshal(text, &ev) == nil && ev.Action != "" {
				r.Add(ev)
			} else {
				fmt.Fprintf(r.out, "%s\n", text)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the output of go test: %w", err)
		}
	}
}

// Matches the first line of a log entry of a test: the place and the text.
var logged = regexp.MustCompile(`^ {4,}\S+\.go:\d+: (.*)`)

// The reason for a skip is the last entry that the test logged. Only the first line of an
// entry matches the expression `logged`, because the other lines are indented more.
func skipReason(output []string) string {
	var reason []string
	for _, line := range output {
		line = strings.TrimRight(line, "\n")
		if first := logged.FindStringSubmatch(line); first != nil {
			reason = []string{first[1]}
		} else if rest := strings.TrimSpace(line); reason != nil && rest != "" && !strings.HasPrefix(rest, "--- ") {
			reason = append(reason, rest)
		}
	}
	if reason == nil {
		return "no reason given"
	}
	return strings.Join(reason, " ")
}
