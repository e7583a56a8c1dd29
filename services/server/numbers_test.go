package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/simulator"
)

// TestEveryNumberForFaultsIsAccepted previews a message to each of these numbers on a
// server that accepts only numbers in known ranges.
func TestEveryNumberForFaultsIsAccepted(t *testing.T) {
	server := start(t, Config{StrictNumbers: true})
	token := bearer(t, server, "local", "local-secret")
	for _, p := range simulator.Prefixes {
		for _, n := range simulator.Numbers {
			number := p.Digits + string(n.Number[len(n.Number)-2:])
			got := previewOf(t, server, token, number)
			if !got.Acceptable || got.Country != p.Country || got.Warning != "" {
				t.Errorf("the preview for %s of %s is %+v", number, p.Country, got)
			}
		}
	}
}

func TestTheMachineHasADefaultCountryAndTypes(t *testing.T) {
	server := start(t, Config{DefaultCountry: "DE", NumberTypes: []string{"mobile"}})
	token := bearer(t, server, "local", "local-secret")
	if got := previewOf(t, server, token, "0171/1234567"); !got.Acceptable || got.Country != "DE" || got.NumberType != "mobile" {
		t.Errorf("the preview for a mobile number is %+v", got)
	}
	if got := previewOf(t, server, token, "030 23125000"); got.Acceptable || got.Country != "DE" || got.NumberType != "fixed-line" {
		t.Errorf("the preview for a landline is %+v", got)
	}
	for flag, c := range map[string]Config{"--default-country": {DefaultCountry: "UK"}, "--number-types": {NumberTypes: []string{"landline"}}} {
		c.Addr, c.Provider, c.Data = "localhost:0", Simulated, t.TempDir()
		if err := c.check(); err == nil || !strings.Contains(err.Error(), flag+": ") {
			t.Errorf("the error for a bad %s is %v", flag, err)
		}
	}
}

type previewAnswer struct {
	Acceptable                   bool
	Country, NumberType, Warning string
}

func previewOf(t *testing.T, server *httptest.Server, token http.Header, number string) (preview previewAnswer) {
	t.Helper()
	got := ask(t, server, http.MethodPost, "/v1/sms/preview", "localhost", token, fmt.Sprintf(`{"phoneNumber": %q, "message": "hi"}`, number))
	if err := json.Unmarshal([]byte(got.text), &preview); err != nil || got.status != http.StatusOK {
		t.Fatalf("the preview was answered with status %d: %s", got.status, got.text)
	}
	return preview
}
