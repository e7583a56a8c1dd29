//go:build unix

package server

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// TestOrdersAreTakenAfterTheSocketWasRemoved removes the socket of a running server.
func TestOrdersAreTakenAfterTheSocketWasRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{Addr: "localhost:0", Data: dir, Provider: Simulated, LogLevel: slog.LevelError + 1}, io.Discard, io.Discard)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	socket := filepath.Join(dir, controlName)
	await := func(what string, so func() error) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			err := so()
			if err == nil {
				return
			}
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("the server ended with %v", err)
			default:
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	await("the server has no socket", func() error { _, err := os.Lstat(socket); return err })
	for _, word := range []string{sms.OrderPause, sms.OrderResume} {
		if err := os.Remove(socket); err != nil {
			t.Fatal(err)
		}
		await("the server takes no orders after its socket was removed", func() error {
			b, err := Operate(t.Context(), dir, sms.Order{Word: word})
			if err == nil && b.Open != (word == sms.OrderPause) {
				t.Errorf("after the order to %s, the breaker is %+v", word, b)
			}
			return err
		})
	}
}
