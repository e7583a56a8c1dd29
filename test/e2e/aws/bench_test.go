package aws_test

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/environ"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
	"github.com/smsqueue/smsqueue/test/harness/functions"
	"github.com/smsqueue/smsqueue/test/harness/judge"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// The functions call the engines over TLS. The time of init is not measured.
func BenchmarkFirstSubmit(b *testing.B) {
	_, table := functions.NewTable(b, enginetest.DynamoDB(b))
	_, queueURL := functions.NewQueue(b, enginetest.SQS(b))
	records, queue := overTLS(b, enginetest.DynamoDB(b)), overTLS(b, enginetest.SQS(b))
	for name, connects := range map[string]bool{"connected at init": true, "not connected at init": false} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				store := dynamo.New(dynamo.NewClient(records), table, time.Now)
				envelopes := sqsqueue.New(sqsqueue.NewClient(queue), queueURL)
				handler, err := api.New(api.Options{Store: store, Queue: envelopes, Rules: sms.DefaultRules(), Countries: []string{"BR"}})
				if err != nil {
					b.Fatal(err)
				}
				if connects {
					environ.Connect(b.Context(), slog.New(slog.DiscardHandler), store.Connect, envelopes.Connect)
				}
				shop := user.API{HTTP: &http.Client{Transport: inProcess{handler, api.Caller{ClientID: "shop", Owner: "shop", Scopes: []string{api.ScopeSend}}}}}
				b.StartTimer()
				post(b, shop, "", text(newNumber(), "hello")).message(b, http.StatusAccepted)
			}
		})
	}
}

// BenchmarkHandOver measures how much longer a hand-over takes if it needs a new connection
// to SNS.
func BenchmarkHandOver(b *testing.B) {
	server := httptest.NewServer(judge.Handler(taker{}))
	b.Cleanup(server.Close)
	provider := sns.New(sns.NewClient(overTLS(b, server.URL)))
	for name, closes := range map[string]bool{"on an open connection": false, "on a new connection": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if closes {
					provider.CloseIdle()
				}
				if _, err := provider.HandOver(b.Context(), sms.Message{ID: "m", Request: sms.Request{Number: "+5511987654321", Text: "hello"}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type taker struct{}

func (taker) Name() sms.ProviderName { return "taker" }

func (taker) HandOver(context.Context, sms.Message) (string, error) { return "id", nil }

func overTLS(b *testing.B, url string) aws.Config {
	b.Helper()
	peer := faultproxy.NewTLSPeer(b, url)
	bundle, err := os.ReadFile(peer.CABundle())
	if err != nil {
		b.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(bundle)
	cfg := enginetest.Config(b, peer.URL())
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.RootCAs = trusted })
	return cfg
}
