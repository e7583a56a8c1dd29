package token_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestClientIsLoggedWithoutItsSecret(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("client", "client", testClients()[0])
	if strings.Contains(log.String(), "local-secret") || !strings.Contains(log.String(), `"client_id":"local"`) {
		t.Errorf("logged %s", log.String())
	}
}
