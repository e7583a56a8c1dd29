// Package routes contains tests of what the API's routes promise. They run on both
// stores, SQLite and DynamoDB.
package routes_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func onEveryStore(t *testing.T, test func(t *testing.T, store sms.Store)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, openSQLite(t, t.TempDir(), time.Now))
	})
	t.Run("DynamoDB", func(t *testing.T) {
		client := dynamo.NewClient(enginetest.Config(t, enginetest.DynamoDB(t)))
		test(t, dynamo.New(client, newTable(t, client), time.Now))
	})
}

func openSQLite(t testing.TB, dir string, now func() time.Time) *sqlite.DB {
	t.Helper()
	enginetest.SQLite(t)
	db, err := sqlite.Open(dir, sqlite.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func newTable(t testing.TB, client *dynamodb.Client) string {
	t.Helper()
	name := "routes-" + sms.NewToken()
	if err := enginetest.CreateTable(t.Context(), client, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			t.Errorf("deleting table %s: %v", name, err)
		}
	})
	return name
}

type noQueue struct{}

func (noQueue) Send(context.Context, ...sms.Envelope) error { return nil }

func (noQueue) Backlog(context.Context) (int, error) { return 0, nil }

func newAPI(t testing.TB, store api.Store, edit func(*api.Options)) http.Handler {
	t.Helper()
	options := api.Options{Store: store, Queue: noQueue{}, Rules: sms.DefaultRules(), Countries: []string{api.AllCountries}}
	if edit != nil {
		edit(&options)
	}
	handler, err := api.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func callAs[T any](ctx context.Context, handler http.Handler, owner, method, target, body string) (status int, answer T) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	caller := api.Caller{ClientID: owner, Owner: owner, Scopes: []string{api.ScopeSend, api.ScopeRead}}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r.WithContext(api.WithCaller(ctx, caller)))
	text, err := io.ReadAll(w.Body)
	if err == nil && w.Code < http.StatusBadRequest {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		panic(err) // the API answers with JSON
	}
	return w.Code, answer
}

type message struct {
	ID, Status string
	CreatedAt  time.Time
}

type page struct {
	Messages []message
	Next     string
}

func draft(owner string) sms.Draft {
	return sms.Draft{Owner: owner, Client: owner, Request: sms.Request{Number: "+5511999999999", Text: "Hi"}}
}
