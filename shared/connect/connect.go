// Package connect makes the HTTP clients that call AWS. Each has its own connections and
// its own limit for how long they may be idle.
//
// AWS closes idle connections. A function that is frozen meanwhile does not notice. Its
// next request goes out on a dead connection and gets no answer, and net/http does not
// repeat a POST.
package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	// dialTime bounds the look-up of a name and the dial, and handshakeTime bounds
	// the TLS handshake. A hand-over has 5 s, so at least 2 s are left for its answer.
	dialTime      = 2 * time.Second
	handshakeTime = time.Second
	// idleConnections is how many idle connections a client keeps. No program makes
	// more calls than that at the same time.
	idleConnections = 100
)

// Options say how a client treats its connections.
type Options struct {
	// Idle is how long a connection may be idle and still be used for the next request.
	// Go measures this by the wall clock, so the time in which a process is frozen
	// counts.
	Idle time.Duration

	// Timeout bounds each request, 0 for no bound.
	Timeout time.Duration
}

// NewClient returns an HTTP client with the SDK's settings, except for its connections.
// It trusts the certificates that cfg trusts. If cfg has an HTTP client that is not of
// the SDK's own type, NewClient returns that one.
func NewClient(cfg aws.Config, o Options) aws.HTTPClient {
	settings := awshttp.NewBuildableClient()
	switch given := cfg.HTTPClient.(type) {
	case nil:
	case *awshttp.BuildableClient:
		settings = given
	default:
		return given
	}
	dialer := settings.GetDialer()
	dialer.Timeout = dialTime
	transport := settings.GetTransport()
	transport.DialContext = dialer.DialContext
	transport.TLSHandshakeTimeout = handshakeTime
	transport.IdleConnTimeout = o.Idle
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = idleConnections, idleConnections
	// With HTTP/2, all requests would share one connection, and would be lost with it.
	// A copied transport already offers HTTP/2 in its TLS settings.
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	transport.TLSClientConfig.NextProtos = nil
	return &http.Client{
		Transport:     transport,
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// CloseIdle closes those connections of client that carry no request.
func CloseIdle(client aws.HTTPClient) {
	if c, ok := client.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Open opens a connection with client, and leaves it open for client's next request. call
// is a function that must make an SDK call with the HTTP client that it gets. That HTTP
// client does not send the SDK call, but takes the host from it and gets the host's page
// /. This needs no permission and costs nothing.
func Open(client aws.HTTPClient, call func(aws.HTTPClient) error) error {
	if err := call(opener{client}); !errors.Is(err, errOpened) {
		return err
	}
	return nil
}

var (
	errOpened = errors.New("a connection was opened instead")
	errClosed = errors.New("the host closed the connection after its answer")
)

type opener struct{ client aws.HTTPClient }

// Do opens a connection to the host of r, and returns errOpened.
func (o opener) Do(r *http.Request) (*http.Response, error) {
	if err := get(r.Context(), o.client, r.URL.Scheme+"://"+r.URL.Host+"/"); err != nil {
		return nil, err
	}
	return nil, errOpened
}

// get gets url and leaves the connection open. Any answer will do.
func get(ctx context.Context, client aws.HTTPClient, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil) //nolint:gosec // the SDK chose the host
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", url, err)
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Errorf("connecting to %s: %w", url, err)
	}
	if answer.Close {
		return fmt.Errorf("connecting to %s: %w", url, errClosed)
	}
	return nil
}
