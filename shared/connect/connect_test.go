package connect_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/connect"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
)

// The SDK call ends early only if the HTTP client returns an error.
func listQueues(ctx context.Context, cfg aws.Config) func(aws.HTTPClient) error {
	return func(client aws.HTTPClient) error {
		cfg.HTTPClient, cfg.RetryMaxAttempts = client, 1
		_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, nil)
		return err
	}
}

func TestTheFirstRequestUsesTheOpenedConnection(t *testing.T) {
	var requests []string
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r.Method+" "+r.Header.Get("X-Amz-Target"))
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusNotFound) // Open must accept even this answer
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(engine.Close)
	peer := faultproxy.NewTLSPeer(t, engine.URL)
	t.Setenv("AWS_CA_BUNDLE", peer.CABundle())
	t.Setenv("AWS_ENDPOINT_URL_SQS", peer.URL())
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	cfg, err := awsconfig.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := connect.NewClient(cfg, connect.Options{Idle: time.Minute})

	if err := connect.Open(client, listQueues(t.Context(), cfg)); err != nil {
		t.Fatalf("Open: %v", err)
	}
	if err := listQueues(t.Context(), cfg)(client); err != nil {
		t.Fatalf("the first call: %v", err)
	}
	if diff := cmp.Diff([]string{"GET ", "POST AmazonSQS.ListQueues"}, requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if n := peer.Accepted(); n != 1 {
		t.Errorf("the client opened %d connections, want 1", n)
	}
}

func TestOpenReportsThatThereIsNoConnection(t *testing.T) {
	closing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
	}))
	t.Cleanup(closing.Close)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for _, tc := range []struct {
		name, url string
		expires   bool // whether the context ends first
	}{
		{"the host closes the connection", closing.URL, false},
		{"nobody listens", "http://127.0.0.1:1", false},
		{"nobody answers", "http://" + silent.Addr().String(), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			limit := time.Minute
			if tc.expires {
				limit = 50 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			cfg := enginetest.Config(t, tc.url)
			if err := connect.Open(connect.NewClient(cfg, connect.Options{}), listQueues(ctx, cfg)); err == nil {
				t.Error("Open returned no error")
			}
			if (ctx.Err() != nil) != tc.expires {
				t.Errorf("when Open returned, the context had the error %v", ctx.Err())
			}
		})
	}
}

func TestConnections(t *testing.T) {
	for _, tc := range []struct {
		name    string
		idle    time.Duration
		between func(client aws.HTTPClient)
		want    int
	}{
		{"one that is idle for a short time is used again", time.Minute, func(aws.HTTPClient) {}, 1},
		{"one that is idle for too long is not used again", time.Nanosecond, func(aws.HTTPClient) {}, 2},
		{"one that was closed is not used again", time.Minute, connect.CloseIdle, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			engine := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			t.Cleanup(engine.Close)
			peer := faultproxy.NewPeer(t, engine.URL)
			client := connect.NewClient(aws.Config{}, connect.Options{Idle: tc.idle})
			do(t, client, peer.URL())
			tc.between(client)
			do(t, client, peer.URL())
			if n := peer.Accepted(); n != tc.want {
				t.Errorf("the client opened %d connections, want %d", n, tc.want)
			}
		})
	}
}

func TestRequestsGoOutAsTheyAre(t *testing.T) {
	var protocols []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocols = append(protocols, r.Proto)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	trusting := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.RootCAs = trusted })
	status := do(t, connect.NewClient(aws.Config{HTTPClient: trusting}, connect.Options{}), server.URL)
	if diff := cmp.Diff([]string{"HTTP/1.1"}, protocols); diff != "" || status != http.StatusTemporaryRedirect {
		t.Errorf("status %d, want the redirection itself; protocols of requests (-want +got):\n%s", status, diff)
	}
}

func TestAnHTTPClientOfTheCallersStays(t *testing.T) {
	given := &http.Client{}
	if got := connect.NewClient(aws.Config{HTTPClient: given}, connect.Options{}); got != aws.HTTPClient(given) {
		t.Errorf("NewClient returned %v, want the client that was given", got)
	}
}

func do(t *testing.T, client aws.HTTPClient, url string) (status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}
