package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/strictjson"
)

var bothScopes = []string{api.ScopeSend, api.ScopeRead}

func TestReadClient(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want api.Client
	}{
		"without fields": {`{}`, api.Client{Owner: "a", Scopes: bothScopes}},
		"with every field": {
			`{"owner": "shop", "scopes": ["read"], "allowedCountries": ["US", "001"], "partsPerDay": -1, "messagesPerRecipientHour": 2}`,
			api.Client{
				Owner: "shop", Scopes: []string{api.ScopeRead},
				Limits: api.Limits{AllowedCountries: []string{"US", "001"}, PartsPerDay: api.Unlimited, MessagesPerRecipientHour: 2},
			},
		},
	} {
		t.Run("reads a client "+name, func(t *testing.T) {
			f, err := strictjson.Decode([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			got := api.ReadClient("a", f)
			f.Unknown()
			if diff := cmp.Diff(tt.want, got); diff != "" || f.Errors() != nil {
				t.Errorf("errors %v (-want +got):\n%s", f.Errors(), diff)
			}
		})
	}
	for name, tt := range map[string]struct{ text, want string }{
		"countries in one string":       {`{"allowedCountries": "BR"}`, "allowedCountries must be an array"},
		"no country":                    {`{"allowedCountries": []}`, "allowedCountries must not be empty"},
		"a country in lower case":       {`{"allowedCountries": ["BR", "de"]}`, `allowedCountries has "de"`},
		"a country that does not exist": {`{"allowedCountries": ["UK"]}`, `allowedCountries has "UK"`},
		"all countries":                 {`{"allowedCountries": ["*"]}`, `allowedCountries has "*"`},
		"a repeated country":            {`{"allowedCountries": ["BR", "BR"]}`, `allowedCountries must not repeat "BR"`},
		"a limit of 0":                  {`{"partsPerDay": 0}`, "partsPerDay must not be 0"},
		"a limit below -1":              {`{"partsPerDay": -2}`, "partsPerDay must be a whole number from -1"},
		"a limit with a fraction":       {`{"messagesPerRecipientHour": 1.5}`, "messagesPerRecipientHour must be a whole number"},
		"a limit that is too large":     {`{"partsPerDay": 1e30}`, "partsPerDay must be a whole number"},
		"a limit in a string":           {`{"partsPerDay": "5"}`, "partsPerDay must be a whole number"},
		"a limit that is null":          {`{"partsPerDay": null}`, "partsPerDay must not be null"},
		"an owner with a space":         {`{"owner": "the shop"}`, "owner must have 1 to 128"},
		"an empty owner":                {`{"owner": ""}`, "owner must have 1 to 128"},
		"a scope that does not exist":   {`{"scopes": ["admin"]}`, `scopes must be send, read or both, not "admin"`},
		"no scope":                      {`{"scopes": []}`, "scopes must not be empty"},
		"another spelling":              {`{"parts_per_day": 5}`, "parts_per_day is not a known field"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			f, err := strictjson.Decode([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			api.ReadClient("a", f)
			f.Unknown()
			if errs := f.Errors(); len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), tt.want) {
				t.Errorf("got the errors %v, want one that begins with %q", errs, tt.want)
			}
		})
	}
}

func stored(documents ...string) (*api.FreshClients, *logBuffer) {
	log := &logBuffer{}
	read := func(context.Context, bool) ([]string, error) { return documents, nil }
	return api.NewFreshClients(read, time.Now, slog.New(slog.NewJSONHandler(log, nil))), log
}

func TestStoredClients(t *testing.T) {
	const good = `{"good": {"owner": "shop"}}`
	for name, tt := range map[string]struct{ document, want string }{
		"with a fault":                      {`{"bad": {"partsPerDay": 0}}`, `client "bad": partsPerDay must not be 0`},
		"whose document is no JSON":         {`{"bad": `, `not one JSON document`},
		"that stands twice in its document": {`{"bad": {}, "bad": {}}`, `bad is repeated`},
		"that is not an object":             {`{"bad": 1}`, `client "bad": must be a JSON object`},
		"that stands beside a good one":     {`{"bad": {"scopes": []}, "good": {"owner": "shop"}}`, `client "bad": scopes must not be empty`},
	} {
		t.Run("leave out a client "+name+", and say so", func(t *testing.T) {
			clients, log := stored(tt.document, good)
			if _, ok, err := clients.Client(t.Context(), "bad"); ok || err != nil {
				t.Errorf("the client is known: %t, %v", ok, err)
			}
			if c, ok, err := clients.Client(t.Context(), "good"); !ok || err != nil || c.Owner != "shop" {
				t.Errorf("the good client is %+v, %t, %v", c, ok, err)
			}
			lines := log.lines(t, "client unreadable")
			if len(lines) != 1 || lines[0]["level"] != "ERROR" || !strings.Contains(fmt.Sprint(lines[0]["error"]), tt.want) {
				t.Errorf("the log has %v, want an error that contains %q", lines, tt.want)
			}
		})
	}
	t.Run("may have fields of a newer release", func(t *testing.T) {
		clients, log := stored(`{"a": {"owner": "shop", "messagesPerSecond": {"x": 1}}}`)
		if c, ok, err := clients.Client(t.Context(), "a"); !ok || err != nil || c.Owner != "shop" {
			t.Errorf("the client is %+v, %t, %v", c, ok, err)
		}
		if log.String() != "" {
			t.Errorf("the log has %s", log)
		}
	})
	t.Run("may be a thousand", func(t *testing.T) {
		documents := make([]string, 16)
		for i := range documents {
			var clients []string
			for j := range 63 {
				clients = append(clients, fmt.Sprintf(`"id-%d-%d": {"owner": "owner-%d", "allowedCountries": ["BR", "DE"], "partsPerDay": %d}`, i, j, j, j+1))
			}
			documents[i] = "{" + strings.Join(clients, ", ") + "}"
		}
		clients, log := stored(documents...)
		for i := range documents {
			for j := range 63 {
				want := api.Client{
					Owner: fmt.Sprintf("owner-%d", j), Scopes: bothScopes,
					Limits: api.Limits{AllowedCountries: []string{"BR", "DE"}, PartsPerDay: j + 1},
				}
				got, _, err := clients.Client(t.Context(), fmt.Sprintf("id-%d-%d", i, j))
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Fatalf("client %d-%d: %v (-want +got):\n%s", i, j, err, diff)
				}
			}
		}
		if log.String() != "" {
			t.Errorf("the log has %s", log)
		}
	})
}
