package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The scopes that a client may have, by the full names that tokens carry: resource server, slash, scope.
const (
	ScopeSend = scopePrefix + "send"
	ScopeRead = scopePrefix + "read"

	scopePrefix = "sms/"
)

const (
	// maxClientsFile bounds the file of clients, in bytes.
	maxClientsFile = 1 << 20
	// maxName and maxSecret bound client names, owners and secrets, in characters. Cognito's client ids have at
	// most 128.
	maxName   = 128
	maxSecret = 256
	maxLimit  = 1_000_000_000
)

// Client is an application that may ask for tokens, as an app client of a Cognito user pool.
type Client struct {
	// ID is the client_id: 1 to 128 visible ASCII characters without a colon, which HTTP Basic ends the name with.
	ID string
	// Secret is the client_secret: 1 to 256 printable ASCII characters.
	Secret string
	// Owner is whom the client's messages belong to; several clients may share one, so that secrets can be rotated.
	Owner string
	// Scopes are full names: [ScopeSend], [ScopeRead], each at most once and at least one.
	Scopes []string

	// AllowedCountries are those whose numbers the client may send to, in ISO 3166-1 alpha-2 or 001 for numbers of no
	// country. PartsPerDay and MessagesPerRecipientHour bound what its owner may send. Empty and 0: no limit.
	AllowedCountries         []string
	PartsPerDay              int
	MessagesPerRecipientHour int
}

// LogValue leaves the secret out.
func (c Client) LogValue() slog.Value {
	return slog.GroupValue(slog.String("client_id", c.ID), slog.String("owner", c.Owner), slog.Any("scopes", c.Scopes))
}

// DefaultClients are those of a server that was given none: the client local with the secret local-secret, which
// may do everything. Everybody knows the secret, so it must only be reachable from the machine itself.
func DefaultClients() []Client {
	return []Client{{ID: "local", Secret: "local-secret", Owner: "local", Scopes: allScopes()}}
}

// Owners maps each client's id to its owner.
func Owners(clients []Client) map[string]string {
	owners := make(map[string]string, len(clients))
	for _, client := range clients {
		owners[client.ID] = client.Owner
	}
	return owners
}

// ParseClients reads a file of clients, one JSON object by client name:
//
//	{"billing": {"secret": "...", "owner": "shop", "scopes": ["send", "read"],
//	  "allowedCountries": ["BR", "DE"], "partsPerDay": 5000, "messagesPerRecipientHour": 5}}
//
// The secret is required; the owner is the name, the scopes are both, and there are no limits unless given. They come
// back in the order of the file, with full scope names. Every error names the client and the field at fault, and never
// shows a secret. Whether a country code of the right form exists is not known here.
func ParseClients(r io.Reader) ([]Client, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxClientsFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the clients: %w", err)
	}
	if len(text) > maxClientsFile {
		return nil, fmt.Errorf("reading the clients: over %d bytes", maxClientsFile)
	}
	clients, err := parseClients(text)
	if err != nil {
		return nil, fmt.Errorf("reading the clients: %w", err)
	}
	return clients, nil
}

func parseClients(text []byte) ([]Client, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not in UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var clients []Client
	err := readObject(decoder, func(name string) error {
		client := Client{ID: name, Owner: name, Scopes: allScopes()}
		if err := readObject(decoder, func(field string) error { return client.readField(decoder, field) }); err != nil {
			return fmt.Errorf("client %q: %w", name, err)
		}
		clients = append(clients, client)
		return client.check()
	})
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON document")
	}
	if len(clients) == 0 {
		return nil, errors.New("no client in it")
	}
	return clients, nil
}

// readField reads the value of one field of the file into the client.
func (c *Client) readField(decoder *json.Decoder, field string) error {
	var err error
	switch field {
	case "secret":
		c.Secret, err = readText(decoder)
	case "owner":
		c.Owner, err = readText(decoder)
	case "scopes":
		c.Scopes, err = readScopes(decoder)
	case "allowedCountries":
		c.AllowedCountries, err = readCountries(decoder)
	case "partsPerDay":
		c.PartsPerDay, err = readLimit(decoder)
	case "messagesPerRecipientHour":
		c.MessagesPerRecipientHour, err = readLimit(decoder)
	default:
		err = errors.New("unknown field")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	return nil
}

// check holds the client against the rules on its fields.
func (c Client) check() error {
	switch {
	case !printable(c.ID, maxName) || strings.ContainsAny(c.ID, " :"):
		return fmt.Errorf("client %q: name: must be 1 to %d visible ASCII characters, without a colon", c.ID, maxName)
	case !printable(c.Secret, maxSecret):
		return fmt.Errorf("client %q: secret: must be given, 1 to %d printable ASCII characters", c.ID, maxSecret)
	case !printable(c.Owner, maxName) || strings.Contains(c.Owner, " "):
		return fmt.Errorf("client %q: owner: must be 1 to %d visible ASCII characters", c.ID, maxName)
	case len(c.Scopes) == 0:
		return fmt.Errorf("client %q: scopes: must name at least one", c.ID)
	}
	for at, scope := range c.Scopes {
		if !slices.Contains(allScopes(), scope) {
			return fmt.Errorf("client %q: scopes: there is no %q", c.ID, strings.TrimPrefix(scope, scopePrefix))
		}
		if slices.Contains(c.Scopes[:at], scope) {
			return fmt.Errorf("client %q: scopes: %q stands twice", c.ID, strings.TrimPrefix(scope, scopePrefix))
		}
	}
	return nil
}

// readObject reads a JSON object and calls read for each of its names, which has to read the value. It is here because
// decoding into a map or struct lets a name stand twice or in another letter case.
func readObject(decoder *json.Decoder, read func(name string) error) error {
	open, err := decoder.Token()
	if err != nil {
		return badJSON(err)
	}
	if open != json.Delim('{') {
		return errors.New("must be a JSON object")
	}
	seen := make(map[string]bool)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return badJSON(err)
		}
		name, ok := token.(string)
		if !ok {
			return errors.New("must be a JSON object")
		}
		if seen[name] {
			return fmt.Errorf("%q stands twice", name)
		}
		seen[name] = true
		if err := read(name); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return badJSON(err)
	}
	return nil
}

func readText(decoder *json.Decoder) (string, error) {
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", badJSON(err)
	}
	text, ok := value.(string)
	if !ok {
		return "", errors.New("must be a string")
	}
	return text, nil
}

func readTexts(decoder *json.Decoder) ([]string, error) {
	var values any
	if err := decoder.Decode(&values); err != nil {
		return nil, badJSON(err)
	}
	list, ok := values.([]any)
	if !ok {
		return nil, errors.New("must be a list of strings")
	}
	texts := make([]string, len(list))
	for i, value := range list {
		if texts[i], ok = value.(string); !ok {
			return nil, errors.New("must be a list of strings")
		}
	}
	return texts, nil
}

// readScopes reads a list of scopes by their short names and returns the full ones.
func readScopes(decoder *json.Decoder) ([]string, error) {
	scopes, err := readTexts(decoder)
	for i := range scopes {
		scopes[i] = scopePrefix + scopes[i]
	}
	return scopes, err
}

var countryForm = regexp.MustCompile(`^([A-Z]{2}|001)$`)

func readCountries(decoder *json.Decoder) ([]string, error) {
	countries, err := readTexts(decoder)
	switch {
	case err != nil:
		return nil, err
	case len(countries) == 0:
		return nil, errors.New("must name at least one; leave it out to allow all")
	}
	for i, country := range countries {
		if !countryForm.MatchString(country) {
			return nil, fmt.Errorf("%q is not two capital letters as in ISO 3166-1, like BR", country)
		}
		if slices.Contains(countries[:i], country) {
			return nil, fmt.Errorf("%q stands twice", country)
		}
	}
	return countries, nil
}

func readLimit(decoder *json.Decoder) (int, error) {
	var value any
	if err := decoder.Decode(&value); err != nil {
		return 0, badJSON(err)
	}
	number, _ := value.(json.Number)
	limit, err := strconv.Atoi(number.String())
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, fmt.Errorf("must be a whole number from 1 to %d; leave it out for none", maxLimit)
	}
	return limit, nil
}

// badJSON says of an error of the decoder what is wrong with the document.
func badJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON document ends too soon")
	}
	return fmt.Errorf("not JSON: %w", err)
}

// printable reports whether text has 1 to limit characters, all of them printable ASCII or the space: what RFC 6749,
// appendix A, allows in client ids and secrets.
func printable(text string, limit int) bool {
	return text != "" && len(text) <= limit && strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func allScopes() []string { return []string{ScopeSend, ScopeRead} }
