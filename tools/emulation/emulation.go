package emulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

// Emulation is a whole deployment on this machine: terraform/ applied to
// ministack, which runs the functions.
type Emulation struct {
	APIURL   string // the API's URL; append /sms
	TokenURL string
	Front    *Front            // all calls to ministack go through this proxy
	Clients  map[string]Client // the clients "shop", "watcher" and "other", which Settings defines
	Queues   map[string]string // the queues' URLs, by their names in the outputs

	Workspace *Workspace

	stops []func()
}

// Client holds the credentials of one client.
type Client struct{ ID, Secret string }

// Emulate builds the functions, starts ministack and applies terraform/ to it. This takes
// about two minutes, and Emulate reports its progress to out. If this machine lacks
// something, the error names it, and engines.Unavailable returns true for the error. The
// comment of [NewFront] explains the parameter `observe`.
func Emulate(ctx context.Context, repo engines.Repository, dir string, out io.Writer, observe func(*http.Request, []byte)) (e *Emulation, err error) {
	if missing := prereq.Missing(ctx, prereq.Terraform); missing != nil {
		return nil, errors.New(missing[0])
	}
	e = new(Emulation)
	defer func() {
		if err != nil {
			e.Stop()
		}
	}()
	begin := time.Now()
	say := func(what string) { fmt.Fprintf(out, "%4.0f s  %s\n", time.Since(begin).Seconds(), what) }

	say("building the functions for this machine")
	zips := filepath.Join(dir, "zips")
	if err := BuildZips(ctx, repo, zips); err != nil {
		return nil, err
	}
	say("starting ministack; the first time this downloads it")
	if e.Front, err = NewFront(observe); err != nil {
		return nil, err
	}
	e.stops = append(e.stops, e.Front.Close)
	engine, stop, err := engines.Ministack(e.Front.URL).Alone(ctx, repo, filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	e.stops = append(e.stops, stop)
	if err := e.Front.Forward(engine); err != nil {
		return nil, err
	}
	url := e.Front.URL
	if err := CreateDeliveryLogs(ctx, url, ministackAccount); err != nil {
		return nil, err
	}
	say("applying terraform/, which takes over a minute")
	e.Workspace, err = NewWorkspace(ctx, repo, filepath.Join(dir, "copy"), DeploymentRoot, "AWS_ENDPOINT_URL="+url)
	if err != nil {
		return nil, err
	}
	if err := e.Workspace.Apply(ctx, Settings(zips)); err != nil {
		return nil, err
	}
	if err := e.ReadOutputs(ctx); err != nil {
		return nil, err
	}
	say("ready")
	return e, nil
}

// Settings returns the variables of a deployment with the functions in the folder zips.
// It uses every feature except settings of the account, which some engines do not
// support. SNS's log groups must exist.
func Settings(zips string) map[string]any {
	type object = map[string]any
	return object{
		"packages":            zips,
		"architecture":        Architecture(),
		"allowed_countries":   []string{"BR", "DE"},
		"default_country":     "DE",
		"deletion_protection": false,
		"receipts":            true,
		"events":              true,

		"manage_api_gateway_log_role": false, // no engine needs a role to log

		"clients": object{
			"shop":    object{"owner": "shop"},
			"watcher": object{"owner": "shop", "scopes": []string{"read"}},
			"other":   object{},
			"guest":   object{}, // this client shares an item of the table with "shop"
		},
	}
}

// ReadOutputs reads again those outputs that another apply can have changed.
func (e *Emulation) ReadOutputs(ctx context.Context) error {
	var api string
	ids, secrets := make(map[string]string), make(map[string]string)
	if err := errors.Join(
		e.Workspace.Output(ctx, "rest_api_id", &api),
		e.Workspace.Output(ctx, "client_ids", &ids),
		e.Workspace.Output(ctx, "client_secrets", &secrets),
		e.Workspace.Output(ctx, "queue_urls", &e.Queues),
	); err != nil {
		return err
	}
	e.Clients = make(map[string]Client)
	for name, id := range ids {
		e.Clients[name] = Client{ID: id, Secret: secrets[name]}
	}
	// AWS uses a host for each deployment; the engine uses a path.
	e.APIURL = e.Front.URL + "/_aws/execute-api/" + api + "/v1"
	e.TokenURL = e.Front.URL + "/oauth2/token"
	return nil
}

// Stop ends the processes. The deployment ends with them.
func (e *Emulation) Stop() {
	for _, stop := range slices.Backward(e.stops) {
		stop()
	}
	e.stops = nil
}

// TempDir makes an empty folder for one emulation. It also returns a function that
// removes the folder.
func TempDir(repo engines.Repository) (dir string, remove func(), err error) {
	if err := os.MkdirAll(repo.Path(".build"), 0o750); err != nil {
		return "", nil, err
	}
	dir, err = os.MkdirTemp(repo.Path(".build"), "emulate-*")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}
