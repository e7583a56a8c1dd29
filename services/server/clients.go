package server

import (
	"errors"
	"fmt"
	"io"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/services/server/token"
	"github.com/smsqueue/smsqueue/shared/strictjson"
)

// client is a client of the server, and its credentials.
type client struct {
	api.Client
	id, secret string
}

// credentials returns what the token endpoint needs to know about c.
func (c client) credentials() token.Client {
	return token.Client{ID: c.id, Secret: c.secret, Scopes: c.Scopes}
}

// wellKnown returns the client of a server without a file of clients. Everybody knows its
// secret, so only this machine may reach such a server.
func wellKnown() client {
	return client{
		Client: api.Client{Owner: "local", Scopes: []string{api.ScopeSend, api.ScopeRead}},
		id:     "local", secret: "local-secret",
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
// Only the secret is required. api.ReadClient explains and reads the other fields. The
// clients are returned in the order of the file. The error names every client and field
// that is wrong, and shows no secret.
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

func readClient(name string, f *strictjson.Fields) client {
	f.Require("secret")
	c := client{Client: api.ReadClient(name, f), id: name}
	c.secret, _ = f.String("secret")
	if f.Errors() == nil {
		if err := c.credentials().Check(); err != nil {
			f.Fail("", err.Error())
		}
	}
	return c
}
