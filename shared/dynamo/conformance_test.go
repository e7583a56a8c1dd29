package dynamo_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
)

func TestConformance(t *testing.T) {
	url := enginetest.DynamoDB(t)

	smstest.TestStore(t, func(t *testing.T, now func() time.Time) sms.Store {
		client := newClient(t, url)
		return dynamo.New(client, newTable(t, client), now)
	})

	t.Run("Reopen", func(t *testing.T) {
		smstest.TestReopen(t, func(t *testing.T, now func() time.Time) (sms.Store, func() sms.Store) {
			client := newClient(t, url)
			table := newTable(t, client)
			return dynamo.New(client, table, now), func() sms.Store {
				return dynamo.New(newClient(t, url), table, now)
			}
		})
	})

	t.Run("LostAnswer", func(t *testing.T) {
		smstest.TestLostAnswer(t, func(t *testing.T, now func() time.Time) (sms.Store, func()) {
			proxy := faultproxy.New(t, url)
			client := newClient(t, proxy.URL())
			store := dynamo.New(client, newTable(t, client), now)
			return store, func() { applyOnce(proxy, isWrite, faultproxy.LoseAnswer()) }
		})
	})
}

func applyOnce(proxy *faultproxy.Proxy, match func(op string) bool, fault faultproxy.Fault) {
	var met atomic.Bool
	proxy.Rule(func(op string, _ int) faultproxy.Fault {
		if match(op) && met.CompareAndSwap(false, true) {
			return fault
		}
		return faultproxy.Pass()
	})
}

func isWrite(op string) bool {
	return op == "PutItem" || op == "UpdateItem" || op == "DeleteItem"
}

func newClient(t *testing.T, url string) *dynamodb.Client {
	t.Helper()
	return dynamo.NewClient(enginetest.Config(t, url))
}

func newTable(t *testing.T, client *dynamodb.Client) string {
	t.Helper()
	name := "test-" + strings.ToLower(sms.NewToken())
	if err := enginetest.CreateTable(t.Context(), client, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &name})
		if err != nil {
			t.Errorf("deleting table %s: %v", name, err)
		}
	})
	return name
}
