package token_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/server/token"
)

func TestParseClientsReadsAFile(t *testing.T) {
	both := []string{"sms/send", "sms/read"}
	for name, test := range map[string]struct {
		file string
		want []token.Client
	}{
		"with the secret alone": {
			`{"billing": {"secret": "s"}}`,
			[]token.Client{{ID: "billing", Secret: "s", Owner: "billing", Scopes: both}},
		},
		"with every field, in the order of the file": {
			`{"b": {"scopes": ["read"], "owner": "shop", "secret": "s 1"}, "a": {"secret": "s2", "scopes": ["read", "send"], "owner": "shop"}}`,
			[]token.Client{
				{ID: "b", Secret: "s 1", Owner: "shop", Scopes: []string{"sms/read"}},
				{ID: "a", Secret: "s2", Owner: "shop", Scopes: []string{"sms/read", "sms/send"}},
			},
		},
		"with limits": {
			`{"a": {"secret": "s", "allowedCountries": ["BR", "001"], "partsPerDay": 1000, "messagesPerRecipientHour": 5}}`,
			[]token.Client{{
				ID: "a", Secret: "s", Owner: "a", Scopes: both,
				AllowedCountries: []string{"BR", "001"}, PartsPerDay: 1000, MessagesPerRecipientHour: 5,
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := token.ParseClients(strings.NewReader(test.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseClientsNamesTheFault(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"an empty file":                {``, `ends too soon`},
		"a file cut short":             {`{"a": {"secret": "geheim"`, `ends too soon`},
		"something else than JSON":     {`a: secret`, `not JSON`},
		"a list":                       {`[]`, `must be a JSON object`},
		"null":                         {`null`, `must be a JSON object`},
		"no client":                    {`{}`, `no client`},
		"two documents":                {`{"a": {"secret": "geheim"}} {}`, `more than one`},
		"bad UTF-8":                    {"{\"a\xff\": {\"secret\": \"geheim\"}}", `UTF-8`},
		"a file without end":           {`{"a": {"secret": "geheim"}}` + strings.Repeat(" ", 1<<20), `bytes`},
		"a client twice":               {`{"a": {"secret": "geheim"}, "\u0061": {"secret": "geheim"}}`, `"a" stands twice`},
		"a client that is no object":   {`{"a": "geheim"}`, `client "a": must be a JSON object`},
		"a client without a name":      {`{"": {"secret": "geheim"}}`, `client "": name`},
		"a name with a colon":          {`{"a:b": {"secret": "geheim"}}`, `client "a:b": name`},
		"a name beyond ASCII":          {`{"ä": {"secret": "geheim"}}`, `client "ä": name`},
		"a name that is too long":      {`{"` + strings.Repeat("a", 129) + `": {"secret": "geheim"}}`, `name: must be 1 to 128`},
		"a field twice":                {`{"a": {"secret": "geheim", "secret": "geheim"}}`, `client "a": "secret" stands twice`},
		"an unknown field":             {`{"a": {"secret": "geheim", "colour": "red"}}`, `client "a": colour: unknown field`},
		"a field in another case":      {`{"a": {"Secret": "geheim"}}`, `client "a": Secret: unknown field`},
		"no secret":                    {`{"a": {}}`, `client "a": secret: must be given`},
		"an empty secret":              {`{"a": {"secret": ""}}`, `client "a": secret: must be given`},
		"a secret beyond ASCII":        {`{"a": {"secret": "geheim€"}}`, `client "a": secret`},
		"a secret that is no string":   {`{"a": {"secret": 12345}}`, `client "a": secret: must be a string`},
		"an owner that is null":        {`{"a": {"secret": "geheim", "owner": null}}`, `client "a": owner: must be a string`},
		"an empty owner":               {`{"a": {"secret": "geheim", "owner": ""}}`, `client "a": owner`},
		"an unknown scope":             {`{"a": {"secret": "geheim", "scopes": ["send", "admin"]}}`, `client "a": scopes: there is no "admin"`},
		"a scope with its resource":    {`{"a": {"secret": "geheim", "scopes": ["sms/send"]}}`, `client "a": scopes: there is no "sms/send"`},
		"a scope twice":                {`{"a": {"secret": "geheim", "scopes": ["send", "send"]}}`, `client "a": scopes: "send" stands twice`},
		"no scope":                     {`{"a": {"secret": "geheim", "scopes": []}}`, `client "a": scopes: must name`},
		"scopes in one string":         {`{"a": {"secret": "geheim", "scopes": "send read"}}`, `client "a": scopes: must be a list`},
		"a scope that is no string":    {`{"a": {"secret": "geheim", "scopes": [1]}}`, `client "a": scopes: must be a list`},
		"countries in one string":      {`{"a": {"secret": "geheim", "allowedCountries": "BR"}}`, `client "a": allowedCountries: must be a list`},
		"no country":                   {`{"a": {"secret": "geheim", "allowedCountries": []}}`, `client "a": allowedCountries: must name at least one`},
		"a country in small letters":   {`{"a": {"secret": "geheim", "allowedCountries": ["BR", "de"]}}`, `client "a": allowedCountries: "de" is not two capital letters`},
		"a country twice":              {`{"a": {"secret": "geheim", "allowedCountries": ["BR", "BR"]}}`, `client "a": allowedCountries: "BR" stands twice`},
		"a limit of nothing":           {`{"a": {"secret": "geheim", "partsPerDay": 0}}`, `client "a": partsPerDay: must be a whole number from 1`},
		"a limit below nothing":        {`{"a": {"secret": "geheim", "partsPerDay": -1}}`, `client "a": partsPerDay: must be a whole number from 1`},
		"a limit with a fraction":      {`{"a": {"secret": "geheim", "messagesPerRecipientHour": 1.5}}`, `client "a": messagesPerRecipientHour: must be a whole number`},
		"a limit without end":          {`{"a": {"secret": "geheim", "partsPerDay": 1e30}}`, `client "a": partsPerDay: must be a whole number`},
		"a limit in a string":          {`{"a": {"secret": "geheim", "partsPerDay": "5"}}`, `client "a": partsPerDay: must be a whole number`},
		"a limit that is null":         {`{"a": {"secret": "geheim", "partsPerDay": null}}`, `client "a": partsPerDay: must be a whole number`},
		"a fault in the second client": {`{"a": {"secret": "geheim"}, "b": {}}`, `client "b": secret`},
	} {
		t.Run(name, func(t *testing.T) {
			clients, err := token.ParseClients(strings.NewReader(test.file))
			if err == nil {
				t.Fatalf("read %d clients", len(clients))
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("error %q shows a secret", err)
			}
		})
	}
}

func TestDefaultClientsAreLocalAlone(t *testing.T) {
	want := []token.Client{{ID: "local", Secret: "local-secret", Owner: "local", Scopes: []string{"sms/send", "sms/read"}}}
	if diff := cmp.Diff(want, token.DefaultClients()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOwnersMapsClientsToOwners(t *testing.T) {
	want := map[string]string{"local": "local", "reader": "team"}
	if diff := cmp.Diff(want, token.Owners(testClients())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClientIsLoggedWithoutItsSecret(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("client", "client", token.DefaultClients()[0])
	if strings.Contains(log.String(), "local-secret") || !strings.Contains(log.String(), `"client_id":"local"`) {
		t.Errorf("logged %s", log.String())
	}
}

func FuzzParseClients(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[]`, `null`, `{"a": {"secret": "s"}}`, `{"a": {"secret": "s"}} {}`, `{"a": {"secret": "s"}, "a": {"secret": "s"}}`,
		`{"b": {"scopes": ["read"], "owner": "shop", "secret": "s"}}`, `{"a": {"secret": {"x": [1, {"y": null}]}}}`,
		`{"a": {"secret": "s", "allowedCountries": ["BR"], "partsPerDay": 5, "messagesPerRecipientHour": 1}}`, `{"a": {"scopes": [["send"]]}}`, `{"\ud800": {"secret": "s"}}`, `{"a": {"Secret": "s"}}`, `{1: 2}`, `{"a" "b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		clients, err := token.ParseClients(bytes.NewReader(file))
		if err != nil {
			return
		}
		// Whatever is accepted is JSON for other readers too, and says the same when it is written and read again.
		if !json.Valid(file) {
			t.Fatalf("accepted what is not JSON: %q", file)
		}
		members := make([]string, len(clients))
		for at, client := range clients {
			fields := map[string]any{"secret": client.Secret, "owner": client.Owner, "scopes": shortNames(client.Scopes)}
			for name, limit := range map[string]int{"partsPerDay": client.PartsPerDay, "messagesPerRecipientHour": client.MessagesPerRecipientHour} {
				if limit != 0 {
					fields[name] = limit
				}
			}
			if client.AllowedCountries != nil {
				fields["allowedCountries"] = client.AllowedCountries
			}
			text, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			// A name is ASCII without control characters, so Go's quoting is JSON's.
			members[at] = strconv.Quote(client.ID) + ":" + string(text)
		}
		reread, err := token.ParseClients(strings.NewReader("{" + strings.Join(members, ",") + "}"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(clients, reread); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
	})
}

// shortNames are scopes as the file has them.
func shortNames(scopes []string) []string {
	short := make([]string, len(scopes))
	for at, scope := range scopes {
		short[at] = strings.TrimPrefix(scope, "sms/")
	}
	return short
}
