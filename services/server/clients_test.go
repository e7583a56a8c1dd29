package server

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
)

func TestReadClientsReadsAFile(t *testing.T) {
	both := []string{"sms/send", "sms/read"}
	for name, test := range map[string]struct {
		file string
		want []client
	}{
		"with only the secret": {
			`{"billing": {"secret": "s-secret-secret"}}`,
			[]client{{Client: api.Client{Owner: "billing", Scopes: both}, id: "billing", secret: "s-secret-secret"}},
		},
		"with every field, in the order of the file": {
			`{"b": {"scopes": ["read"], "owner": "shop", "secret": "s 1-secret-secret"}, "a": {"secret": "s2-secret-secret", "scopes": ["read", "send"], "owner": "shop"}}`,
			[]client{
				{Client: api.Client{Owner: "shop", Scopes: []string{"sms/read"}}, id: "b", secret: "s 1-secret-secret"},
				{Client: api.Client{Owner: "shop", Scopes: []string{"sms/read", "sms/send"}}, id: "a", secret: "s2-secret-secret"},
			},
		},
		"with limits": {
			`{"a": {"secret": "s-secret-secret", "allowedCountries": ["BR", "001"], "partsPerDay": 1000, "messagesPerRecipientHour": 5}}`,
			[]client{{
				Client: api.Client{Owner: "a", Scopes: both, Limits: api.Limits{AllowedCountries: []string{"BR", "001"}, PartsPerDay: 1000, MessagesPerRecipientHour: 5}},
				id:     "a", secret: "s-secret-secret",
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readClients(strings.NewReader(test.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(client{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadClientsNamesTheFault(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"an empty file":                  {``, `is empty`},
		"a file cut short":               {`{"a": {"secret": "secret-secret"`, `not one JSON document`},
		"a text that is not JSON":        {`a: secret`, `not one JSON document`},
		"a list":                         {`[]`, `must be a JSON object`},
		"null":                           {`null`, `must be a JSON object`},
		"no client":                      {`{}`, `no client`},
		"two documents":                  {`{"a": {"secret": "secret-secret"}} {}`, `not one JSON document`},
		"bad UTF-8":                      {"{\"a\xff\": {\"secret\": \"secret-secret\"}}", `UTF-8`},
		"a file that is too long":        {`{"a": {"secret": "secret-secret"}}` + strings.Repeat(" ", 1<<20), `bytes`},
		"a repeated client":              {`{"a": {"secret": "secret-secret"}, "\u0061": {"secret": "secret-secret"}}`, `a is repeated`},
		"a client that is not an object": {`{"a": "geheim"}`, `client "a": must be a JSON object`},
		"a client without a name":        {`{"": {"secret": "secret-secret"}}`, `client "": the name`},
		"a name with a colon":            {`{"a:b": {"secret": "secret-secret"}}`, `client "a:b": the name`},
		"a name beyond ASCII":            {`{"ä": {"secret": "secret-secret"}}`, `client "ä": the name`},
		"a name that is too long":        {`{"` + strings.Repeat("a", 129) + `": {"secret": "secret-secret"}}`, `must have 1 to 128`},
		"a repeated field":               {`{"a": {"secret": "secret-secret", "secret": "secret-secret"}}`, `client "a": secret is repeated`},
		"an unknown field":               {`{"a": {"secret": "secret-secret", "colour": "red"}}`, `client "a": colour is not a known field`},
		"a field in another case":        {`{"a": {"Secret": "geheim"}}`, `client "a": Secret is not a known field`},
		"no secret":                      {`{"a": {}}`, `client "a": secret is missing`},
		"a secret that can be guessed":   {`{"a": {"secret": "elevenchars"}}`, `client "a": secret must have 12 to 256`},
		"an empty secret":                {`{"a": {"secret": ""}}`, `client "a": secret must have`},
		"a secret beyond ASCII":          {`{"a": {"secret": "secret-secret€-secret-secret"}}`, `client "a": secret`},
		"a secret that is not a string":  {`{"a": {"secret": 12345}}`, `client "a": secret must be a string`},
		"an owner that is null":          {`{"a": {"secret": "secret-secret", "owner": null}}`, `client "a": owner must not be null`},
		"an empty owner":                 {`{"a": {"secret": "secret-secret", "owner": ""}}`, `client "a": owner`},
		"an unknown scope":               {`{"a": {"secret": "secret-secret", "scopes": ["send", "admin"]}}`, `client "a": scopes must be send, read or both, not "admin"`},
		"a scope with its resource":      {`{"a": {"secret": "secret-secret", "scopes": ["sms/send"]}}`, `not "sms/send"`},
		"a repeated scope":               {`{"a": {"secret": "secret-secret", "scopes": ["send", "send"]}}`, `client "a": scopes must not repeat "send"`},
		"no scope":                       {`{"a": {"secret": "secret-secret", "scopes": []}}`, `client "a": scopes must not be empty`},
		"scopes in one string":           {`{"a": {"secret": "secret-secret", "scopes": "send read"}}`, `client "a": scopes must be an array`},
		"a scope that is not a string":   {`{"a": {"secret": "secret-secret", "scopes": [1]}}`, `client "a": scopes must be an array`},
		"a country that does not exist":  {`{"a": {"secret": "secret-secret", "allowedCountries": ["BR", "UK"]}}`, `client "a": allowedCountries has "UK"`},
		"a limit of 0":                   {`{"a": {"secret": "secret-secret", "partsPerDay": 0}}`, `client "a": partsPerDay must not be 0`},
		"a fault in the second client":   {`{"a": {"secret": "secret-secret"}, "b": {}}`, `client "b": secret`},
		"a fault in each client":         {`{"a": {"secret": "secret-secret", "x": 1}, "b": {}}`, "x is not a known field\nclient \"b\": secret is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			clients, err := readClients(strings.NewReader(test.file))
			if err == nil {
				t.Fatalf("read %d clients", len(clients))
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want it to contain %q", err, test.want)
			}
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("error %q shows a secret", err)
			}
		})
	}
}

func TestTheWellKnownClientIsLocal(t *testing.T) {
	want := client{Client: api.Client{Owner: "local", Scopes: []string{"sms/send", "sms/read"}}, id: "local", secret: "local-secret"}
	if diff := cmp.Diff(want, wellKnown(), cmp.AllowUnexported(client{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzReadClients(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[]`, `null`, `{"a": {"secret": "s-secret-secret"}}`, `{"a": {"secret": "s-secret-secret"}} {}`, `{"a": {"secret": "s-secret-secret"}, "a": {"secret": "s-secret-secret"}}`,
		`{"b": {"scopes": ["read"], "owner": "shop", "secret": "s-secret-secret"}}`, `{"a": {"secret": {"x": [1, {"y": null}]}}}`,
		`{"a": {"secret": "s-secret-secret", "allowedCountries": ["BR"], "partsPerDay": 5, "messagesPerRecipientHour": 1}}`, `{"a": {"scopes": [["send"]]}}`, `{"\ud800": {"secret": "s-secret-secret"}}`, `{"a": {"Secret": "s"}}`, `{1: 2}`, `{"a" "b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		clients, err := readClients(bytes.NewReader(file))
		if err != nil {
			return
		}
		// If readClients accepts a file, the file must be valid JSON, and its clients
		// must be the same after they were written and read again.
		if !json.Valid(file) {
			t.Fatalf("accepted invalid JSON: %q", file)
		}
		members := make([]string, len(clients))
		for at, client := range clients {
			fields := map[string]any{"secret": client.secret, "owner": client.Owner, "scopes": shortNames(client.Scopes)}
			for name, limit := range map[string]int{"partsPerDay": client.Limits.PartsPerDay, "messagesPerRecipientHour": client.Limits.MessagesPerRecipientHour} {
				if limit != 0 {
					fields[name] = limit
				}
			}
			if client.Limits.AllowedCountries != nil {
				fields["allowedCountries"] = client.Limits.AllowedCountries
			}
			text, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			// A name consists of visible ASCII, so Go quotes it as JSON does.
			members[at] = strconv.Quote(client.id) + ":" + string(text)
		}
		reread, err := readClients(strings.NewReader("{" + strings.Join(members, ",") + "}"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(clients, reread, cmp.AllowUnexported(client{})); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
	})
}

func shortNames(scopes []string) []string {
	short := make([]string, len(scopes))
	for at, scope := range scopes {
		short[at] = strings.TrimPrefix(scope, "sms/")
	}
	return short
}
