package api

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/smsqueue/smsqueue/shared/strictjson"
)

// Client holds what a deployment knows about one client.
type Client struct {
	Owner  string   // the tenant whose messages the client sends and sees
	Scopes []string // full names, like sms/send
	Limits Limits
}

// Clients finds the clients of a deployment. Any number of goroutines may use it.
type Clients interface {
	// Client returns the client with this id. It reports false if the deployment has no
	// such client. It returns an error if this cannot be found out at the moment.
	Client(ctx context.Context, id string) (Client, bool, error)
}

// FixedClients holds clients by id. They never change.
type FixedClients map[string]Client

// Client implements Clients. It never fails.
func (f FixedClients) Client(_ context.Context, id string) (Client, bool, error) {
	c, ok := f[id]
	return c, ok, nil
}

// scopePrefix comes before the names of scopes in tokens. Where clients are configured,
// the names have no prefix.
const scopePrefix = "sms/"

// ownerForm matches what the API can keep as the owner of a message.
var ownerForm = regexp.MustCompile(`^[[:graph:]]{1,128}$`)

// ReadClient reads one client, and adds the errors in its fields to f. The fields have
// the same names wherever clients are configured:
//
//	{"owner": "shop", "scopes": ["send", "read"],
//	  "allowedCountries": ["BR", "DE"], "partsPerDay": 5000, "messagesPerRecipientHour": 5}
//
// All fields are optional. The default owner is name, the default scopes are both, and
// the default limits are the deployment's.
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

// readStored reads documents as Terraform writes them: each contains clients by id. The
// error names every client that has an error. The other clients are returned even then.
// Fields that this release does not know are ignored, because a later release may have
// added them.
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
