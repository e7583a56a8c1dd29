package assumptions

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Deployment describes a deployment, as Terraform's outputs do.
type Deployment struct {
	Name      string // the prefix of all names
	APIURL    string
	TokenURL  string
	RestAPI   string
	Table     string
	EventBus  string // "" if events are off
	AccessLog string // "" if the gateway has no access log
	Relay     string // the function
	Receipts  bool

	AccountWide Settings // what the deployment writes for the whole account

	clients map[string]login
}

type login struct{ id, secret string }

// ReadDeployment reads what `terraform output -json` prints. The parameter `endpoint` is
// the URL of an emulator, or "" for AWS. An emulator uses a path for each deployment
// where AWS uses a host.
func ReadDeployment(outputs []byte, endpoint string) (Deployment, error) {
	var all map[string]struct{ Value json.RawMessage }
	if err := json.Unmarshal(outputs, &all); err != nil {
		return Deployment{}, fmt.Errorf("reading Terraform's outputs: %w", err)
	}
	var errs []error
	read := func(name string, into any) {
		if output, ok := all[name]; ok {
			if err := json.Unmarshal(output.Value, into); err != nil {
				errs = append(errs, fmt.Errorf("reading Terraform's output %s: %w", name, err))
			}
			return
		}
		errs = append(errs, fmt.Errorf("terraform has no output %s: run `make deploy` first", name))
	}
	var d Deployment
	var ids, secrets, groups map[string]string
	var bus *struct{ Name string }
	var relay struct {
		FunctionName string `json:"function_name"`
	}
	for name, into := range map[string]any{
		"api_url": &d.APIURL, "token_url": &d.TokenURL, "rest_api_id": &d.RestAPI, "table_name": &d.Table,
		"client_ids": &ids, "client_secrets": &secrets, "log_groups": &groups, "event_bus": &bus,
		"relay": &relay, "account_wide": &d.AccountWide,
	} {
		read(name, into)
	}
	if err := errors.Join(errs...); err != nil {
		return Deployment{}, err
	}
	if bus != nil {
		d.EventBus = bus.Name
	}
	d.Name = strings.TrimSuffix(d.Table, "-messages")
	d.AccessLog, d.Relay = groups["gateway"], relay.FunctionName
	_, d.Receipts = groups["receipts"]
	d.clients = make(map[string]login)
	for name, id := range ids {
		d.clients[name] = login{id, secrets[name]}
	}
	if endpoint != "" {
		stage, err := url.Parse(d.APIURL)
		if err != nil {
			return Deployment{}, fmt.Errorf("reading the address of the API: %w", err)
		}
		d.APIURL = endpoint + "/_aws/execute-api/" + d.RestAPI + stage.Path
		d.TokenURL = endpoint + "/oauth2/token"
	}
	return d, nil
}

// Clients returns the names of the clients, sorted.
func (d Deployment) Clients() []string { return slices.Sorted(maps.Keys(d.clients)) }

// Choose returns the client with the given name, or the first client if name is empty.
func (d Deployment) Choose(name string) (string, error) {
	names := d.Clients()
	if len(names) == 0 {
		return "", errors.New("the deployment has no clients")
	}
	if name == "" {
		return names[0], nil
	}
	if !slices.Contains(names, name) {
		return "", fmt.Errorf("the deployment has no client %q", name)
	}
	return name, nil
}
