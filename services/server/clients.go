package server

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/services/server/token"
	"github.com/smsqueue/smsqueue/shared/strictjson"
)

type client struct {
	token.Client
	owner  string
	limits api.Limits
}

// wellKnown returns the client of a server without a file of clients. Everybody knows its
// secret, so only this machine may reach such a server.
func wellKnown() client {
	return client{
		Client: token.Client{ID: "local", Secret: "local-secret", Scopes: []string{api.ScopeSend, api.ScopeRead}},
		owner:  "local",
	}
}

// maxClientsFile limits the file of clients, in bytes.
const maxClientsFile = 1 << 20

// readClients reads a file of clients: one JSON object, keyed by the name of the
// client.
//
//	{"billing": {"secret": "...", "owner": "shop", "scopes": ["send", "read"],
//	  "allowedCountries": ["BR", "DE"], "partsPerDay": 5000, "messagesPerRecipientHour": 5}}
//
// Only the secret is required. The default owner is the name of the client, the default
// scopes are both, and by default there are no limits. The clients are returned in the
// order of the file. The error names every client and field that is wrong, and shows no
// secret.
func readClients(r io.Reader) ([]client, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxClientsFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxClientsFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxClientsFile)
	}
	document, err := strictjson.Decode(text)
	if err != nil {
		return nil, err
	}
	var clients []client
	err = document.Each("client", func(name string, f *strictjson.Fields) {
		clients = append(clients, readClient(name, f))
	})
	if err == nil && len(clients) == 0 {
		err = errors.New("it has no client")
	}
	return clients, err
}

// ownerForm matches an owner as the API can store it.
var ownerForm = regexp.MustCompile(`^[[:graph:]]{1,128}$`)

func readClient(name string, f *strictjson.Fields) client {
	c := wellKnown()
	c.ID, c.owner = name, name
	f.Require("secret")
	c.Secret, _ = f.String("secret")
	if owner, ok := f.String("owner"); ok {
		c.owner = owner
		if !ownerForm.MatchString(owner) {
			f.Fail("owner", "must have 1 to 128 visible ASCII characters")
		}
	}
	if names, ok := f.Strings("scopes"); ok {
		c.Scopes = nil
		for _, name := range names {
			scope := scopePrefix + name
			if !slices.Contains(wellKnown().Scopes, scope) {
				f.Fail("scopes", fmt.Sprintf("must be send, read or both, not %q", name))
			}
			c.Scopes = append(c.Scopes, scope)
		}
	}
	c.limits = api.ReadLimits(f)
	if f.Errors() == nil {
		if err := c.Check(); err != nil {
			f.Fail("", err.Error())
		}
	}
	return c
}

// scopePrefix comes before the names of scopes in tokens. The file does not have it.
const scopePrefix = "sms/"
