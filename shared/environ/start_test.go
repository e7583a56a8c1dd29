package environ_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/shared/environ"
)

func TestAnUnreachableServiceDelaysInitForASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		opened := false
		began := time.Now()
		environ.Connect(t.Context(), slog.New(slog.NewTextHandler(&logs, nil)),
			func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			func(context.Context) error { return errors.New("no such host") },
			func(context.Context) error { opened = true; return nil },
		)
		if took := time.Since(began); took != time.Second {
			t.Errorf("Connect took %v, want a second", took)
		}
		if !opened {
			t.Error("the reachable service has no connection")
		}
		for _, cause := range []string{"deadline exceeded", "no such host"} {
			if !strings.Contains(logs.String(), cause) {
				t.Errorf("the log does not say %q: %s", cause, &logs)
			}
		}
	})
}
