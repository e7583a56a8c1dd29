package machine_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

type wire struct {
	mu      sync.Mutex
	fetches int      // the number of tokens that were fetched
	tokens  []string // the different tokens that were used
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	if r.URL.Path == "/oauth2/token" {
		w.fetches++
	} else if token := r.Header.Get("Authorization"); !slices.Contains(w.tokens, token) {
		w.tokens = append(w.tokens, token)
	}
	w.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// Go programs use this OAuth client with Cognito.
func TestAnOrdinaryOAuthClient(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir())
	config := func() clientcredentials.Config {
		return clientcredentials.Config{
			ClientID: "local", ClientSecret: "local-secret", TokenURL: m.Base + "/oauth2/token",
			Scopes: []string{"sms/send", "sms/read"},
		}
	}
	use := func(t *testing.T, client *http.Client) {
		t.Helper()
		api := user.API{HTTP: client, Base: m.Base}
		sent, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": "+12025550100", "message": "hello"})
		if err != nil {
			t.Fatal(err)
		}
		api.Await(t, sent.ID, 10*time.Second, "delivered")
	}

	for name, style := range map[string]oauth2.AuthStyle{
		"tries out how to authenticate": oauth2.AuthStyleAutoDetect,
		"authenticates by Basic":        oauth2.AuthStyleInHeader,
		"authenticates in the body":     oauth2.AuthStyleInParams,
	} {
		t.Run(name+" and keeps its token", func(t *testing.T) {
			seen := &wire{}
			c := config()
			c.AuthStyle = style
			use(t, c.Client(context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: seen})))
			if seen.fetches != 1 || len(seen.tokens) != 1 {
				t.Errorf("%d tokens were fetched and %d used, want 1 of each", seen.fetches, len(seen.tokens))
			}
		})
	}
	t.Run("fetches a new token when its own has expired", func(t *testing.T) {
		seen := &wire{}
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: seen})
		c := config()
		old, err := c.Token(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(old.Expiry); left < time.Minute || !old.Valid() {
			t.Errorf("a new token expires in %v, want at least 1m", left)
		}
		old.Expiry = time.Now().Add(-time.Second) // as if the client had been idle
		use(t, oauth2.NewClient(ctx, oauth2.ReuseTokenSource(old, c.TokenSource(ctx))))
		if seen.fetches != 2 || len(seen.tokens) != 1 || seen.tokens[0] == "Bearer "+old.AccessToken {
			t.Errorf("%d tokens were fetched and %d used, want 2 fetched and only the second used", seen.fetches, len(seen.tokens))
		}
	})
	t.Run("learns why it gets no token", func(t *testing.T) {
		for want, change := range map[string]func(*clientcredentials.Config){
			"invalid_client": func(c *clientcredentials.Config) { c.ClientSecret = "wrong" },
			"invalid_scope":  func(c *clientcredentials.Config) { c.Scopes = []string{"sms/everything"} },
		} {
			c := config()
			change(&c)
			_, err := c.Token(t.Context())
			if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.ErrorCode != want {
				t.Errorf("error %v, want the code %s", err, want)
			}
		}
	})
	t.Run("is refused without the scope to send", func(t *testing.T) {
		c := config()
		c.Scopes = []string{"sms/read"}
		_, err := user.API{HTTP: c.Client(t.Context()), Base: m.Base}.Submit(t.Context(), "", map[string]any{"phoneNumber": "+12025550100", "message": "hello"})
		if err == nil {
			t.Error("a client without the scope sms/send could send")
		}
	})
}
