package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestAnInvocationClosesIdleConnectionsBeforeItDelivers(t *testing.T) {
	var steps bytes.Buffer
	s := sender.New(nil, nil, nil, sms.DefaultRules(), time.Now, slog.New(slog.NewTextHandler(&steps, nil)))
	handler := handle(s, func() { fmt.Fprintln(&steps, "idle connections closed") }, 4)
	malformed := events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m-1", Body: "?"}}}
	for range 2 {
		answer, err := handler(t.Context(), malformed)
		if err != nil || len(answer.BatchItemFailures) != 1 {
			t.Fatalf("the handler answered %+v, %v", answer, err)
		}
	}
	var got []string
	for line := range strings.Lines(steps.String()) {
		switch {
		case strings.Contains(line, "closed"):
			got = append(got, "close")
		case strings.Contains(line, "malformed queue item"):
			got = append(got, "deliver")
		}
	}
	if want := "close deliver close deliver"; strings.Join(got, " ") != want {
		t.Errorf("two invocations did %q, want %q", got, want)
	}
}
