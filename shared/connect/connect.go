// Package connect makes the HTTP clients that call AWS. Each client has its own
// connections, and its own limit for the time that a connection may be idle.
//
// AWS closes idle connections. A Lambda function that is frozen at that moment does not
// notice this. It sends its next request on a dead connection and gets no answer, and
// net/http does not repeat a POST request.
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
	// dialTime is the longest time that looking up the host's name and dialing may take
	// together. handshakeTime is the longest time that the TLS handshake may take. A
	// hand-over may take 5 s, so at least 2 s are left for the provider's answer.
	dialTime      = 2 * time.Second
	handshakeTime = time.Second
	// idleConnections is the highest number of idle connections that a client keeps. No
	// program makes more calls than this number at the same time.
	idleConnections = 100
)

// Options are the settings for the connections of a client.
type Options struct {
	// Idle is the longest time that a connection may be idle and still be used for the
	// next request. Go measures the idle time by the wall clock, so the time for which a
	// process is frozen counts as idle time.
	Idle time.Duration

	// Timeout is the longest time that a request may take. 0 means that there is no
	// limit.
	Timeout time.Duration
}

// NewClient returns an HTTP client with the SDK's settings, except those of its
// connections. It trusts the certificates that cfg trusts. If cfg already has an HTTP
// client that is not of the SDK's own type, NewClient returns that client.
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
	// With HTTP/2, all requests would share one connection. If this connection died, all of these requests
	// would be lost. A copied transport already offers HTTP/2 in its TLS settings.
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	transport.TLSClientConfig.NextProtos = nil
	return &http.Client{
		Transport:     transport,
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// CloseIdle closes all connections of client that are not in use for a request.
func CloseIdle(client aws.HTTPClient) {
	if c, ok := client.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Open makes client open a connection, which stays open for the client's next request.
// The parameter `call` is a function that makes an SDK call with the HTTP client that Open
// passes to it. This SDK call is not sent: Open only learns the host from it, and then
// requests the path "/" from that host. This request needs no permission and costs
// nothing.
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

// get sends a GET request for url, and leaves the connection open. It accepts any answer.
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
