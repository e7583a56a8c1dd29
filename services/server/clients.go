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

// credentials returns the data of c that the token endpoint needs.
func (c client) credentials() token.Client {
	return token.Client{ID: c.id, Secret: c.secret, Scopes: c.Scopes}
}

// wellKnown returns the client of a server that has no file of clients. Everybody knows
// the secret of this client, so such a server must be reachable only from this machine.
func wellKnown() client {
	return client{
		Client: api.Client{Owner: "local", Scopes: []string{api.ScopeSend, api.ScopeRead}},
		id:     "local", secret: "local-secret",
	}
}

// maxClientsFile limits the file of clients, in bytes.
const maxClientsFile = 1 << 20

// readClients reads a file of clients. The file is one JSON object, whose keys are the
// names of the clients.
//
//	{"billing": {"secret": "...", "owner": "shop", "scopes": ["send", "read"],
//	  "allowedCountries": ["BR", "DE"], "partsPerDay": 5000, "messagesPerRecipientHour": 5}}
//
// Only the secret is required. api.ReadClient reads the other fields, and its comment
// explains them. readClients returns the clients in the order of the file. Its error
// names every client and every field that is invalid, and contains no secret.
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
