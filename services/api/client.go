package api

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/smsqueue/smsqueue/shared/strictjson"
)

// Client holds a deployment's settings for one client.
type Client struct {
	Owner  string   // the tenant whose messages the client sends and sees
	Scopes []string // full names, like sms/send
	Limits Limits
}

// Clients finds the clients of a deployment. Any number of goroutines may use it.
type Clients interface {
	// Client returns the client with the given id. It returns false if the deployment has
	// no such client, and an error if it cannot read the clients at the moment.
	Client(ctx context.Context, id string) (Client, bool, error)
}

// FixedClients holds clients by id. They never change.
type FixedClients map[string]Client

// Client implements Clients. It never fails.
func (f FixedClients) Client(_ context.Context, id string) (Client, bool, error) {
	c, ok := f[id]
	return c, ok, nil
}

// scopePrefix is the text before the name of each scope in a token. The configuration of
// clients contains the names without this prefix.
const scopePrefix = "sms/"

// ownerForm matches each name that an owner of messages may have.
var ownerForm = regexp.MustCompile(`^[[:graph:]]{1,128}$`)

// ReadClient reads one client from the fields f. If a field is invalid, ReadClient adds
// an error to f. Every configuration of clients uses the same names for the fields:
//
//	{"owner": "shop", "scopes": ["send", "read"],
//	  "allowedCountries": ["BR", "DE"], "partsPerDay": 5000, "messagesPerRecipientHour": 5}
//
// All fields are optional. By default, the owner has the client's name. By default, a
// client has both scopes and the limits of the deployment.
func ReadClient(name string, f *strictjson.Fields) Client {
	c := Client{Owner: name, Scopes: []string{ScopeSend, ScopeRead}}
	if owner, ok := f.String("owner"); ok {
		c.Owner = owner
		if !ownerForm.MatchString(owner) {
			f.Fail("owner", "must have 1 to 128 visible ASCII characters")
		}
	}
	if names, ok := f.Strings("scopes"); ok {
		known := c.Scopes
		c.Scopes = nil
		for _, name := range names {
			scope := scopePrefix + name
			if !slices.Contains(known, scope) {
				f.Fail("scopes", fmt.Sprintf("must be send, read or both, not %q", name))
			}
			c.Scopes = append(c.Scopes, scope)
		}
	}
	c.Limits = readLimits(f)
	return c
}

// readStored reads the clients from documents that Terraform has written. Each document
// is an object that contains clients by id. If some clients are invalid, readStored
// returns an error that names these clients, and still returns the other clients. It
// ignores fields that this release does not know, because a later release may have added
// them.
func readStored(documents []string) (FixedClients, error) {
	clients := make(FixedClients)
	var errs []error
	for _, text := range documents {
		document, err := strictjson.Decode([]byte(text))
		if err == nil {
			err = document.Each("client", func(id string, f *strictjson.Fields) {
				c := ReadClient(id, f)
				f.Ignore()
				if f.Errors() == nil {
					clients[id] = c
				}
			})
		}
		errs = append(errs, err)
	}
	return clients, errors.Join(errs...)
}
