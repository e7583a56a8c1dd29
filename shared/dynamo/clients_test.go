package dynamo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// putItem writes an item in the form in which Terraform writes it.
func putItem(t *testing.T, client *dynamodb.Client, table, digit, clients string) {
	t.Helper()
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"id":      &types.AttributeValueMemberS{Value: "clients#" + digit},
		"clients": &types.AttributeValueMemberS{Value: clients},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestClients(t *testing.T) {
	proxy := faultproxy.New(t, enginetest.DynamoDB(t))
	proxy.KeepBodies()
	client := newClient(t, proxy.URL())
	table := newTable(t, client)
	store := dynamo.New(client, table, time.Now)
	read := func(t *testing.T) []string {
		t.Helper()
		proxy.Reset()
		documents, err := store.Clients(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{"BatchGetItem": 1}, proxy.Counts()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		slices.Sort(documents)
		return documents
	}

	t.Run("are none in a new table", func(t *testing.T) {
		if documents := read(t); len(documents) != 0 {
			t.Errorf("a new table has the clients %q", documents)
		}
	})
	var want []string
	for _, digit := range "0123456789abcdef" {
		text := fmt.Sprintf(`{"client-%c": {}}`, digit)
		putItem(t, client, table, string(digit), text)
		want = append(want, text)
	}
	t.Run("come from every item", func(t *testing.T) {
		if diff := cmp.Diff(want, read(t)); diff != "" {
			t.Errorf("clients (-want +got):\n%s", diff)
		}
	})
	t.Run("are no messages, and nothing is due for them", func(t *testing.T) {
		if _, err := store.Get(t.Context(), "clients#0"); err == nil {
			t.Error("the clients are a message")
		}
		err := store.Every(t.Context(), func(m sms.Message) error { return fmt.Errorf("message %+v", m) })
		if err != nil {
			t.Errorf("a table with clients alone has a message: %v", err)
		}
		for _, index := range enginetest.Table(table).GlobalSecondaryIndexes {
			out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table, IndexName: index.IndexName})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Items) != 0 {
				t.Errorf("the index %s has %v", *index.IndexName, out.Items)
			}
		}
	})
	t.Run("may fill their items", func(t *testing.T) {
		full := `{"client": {"x": "` + strings.Repeat("x", 390_000) + `"}}`
		for _, digit := range "0123456789abcdef" {
			putItem(t, client, table, string(digit), full)
		}
		if documents := read(t); len(documents) != 16 || documents[0] != full {
			t.Errorf("%d documents were read, want 16 full ones", len(documents))
		}
	})
	t.Run("cost half as much if they may be a second behind", func(t *testing.T) {
		for _, strong := range []bool{true, false} {
			proxy.Reset()
			if _, err := store.Clients(t.Context(), strong); err != nil {
				t.Fatal(err)
			}
			body := string(proxy.Requests()[0].Body)
			if want := fmt.Sprintf(`"ConsistentRead":%t`, strong); !strings.Contains(body, want) {
				t.Errorf("the request lacks %s: %s", want, body)
			}
		}
	})
	t.Run("are read on if DynamoDB stops in the middle", func(t *testing.T) {
		half := &halfReader{}
		cfg := enginetest.Config(t, proxy.URL())
		cfg.HTTPClient = half
		documents, err := dynamo.New(dynamo.NewClient(cfg), table, time.Now).Clients(t.Context(), true)
		if err != nil || len(documents) != 16 {
			t.Errorf("%d documents were read, want 16: %v", len(documents), err)
		}
		// The requests must have 16, 8, 4, 2 and 1 keys.
		if half.requests != 5 {
			t.Errorf("the read took %d requests, want 5", half.requests)
		}
	})
	t.Run("are not half read", func(t *testing.T) {
		applyOnce(proxy, func(op string) bool { return op == "BatchGetItem" }, faultproxy.Throttle())
		documents, err := store.Clients(t.Context(), true)
		if err != nil || len(documents) != 16 {
			t.Errorf("after one throttled request, %d documents were read: %v", len(documents), err)
		}
		proxy.Rule(func(string, int) faultproxy.Fault { return faultproxy.Throttle() })
		if documents, err := store.Clients(t.Context(), true); err == nil {
			t.Errorf("%d documents were read although every request was throttled", len(documents))
		}
		proxy.Rule(nil)
	})
}

// halfReader leaves half of the keys of each BatchGetItem unprocessed, like a table that
// lacks capacity.
type halfReader struct {
	requests int
}

func (h *halfReader) Do(r *http.Request) (*http.Response, error) {
	h.requests++
	type request struct {
		Keys           []any
		ConsistentRead bool
	}
	var whole struct{ RequestItems map[string]request }
	if err := json.NewDecoder(r.Body).Decode(&whole); err != nil {
		return nil, err
	}
	later := make(map[string]request)
	for table, keys := range whole.RequestItems {
		if n := len(keys.Keys) / 2; n > 0 {
			later[table] = request{keys.Keys[n:], keys.ConsistentRead}
			whole.RequestItems[table] = request{keys.Keys[:n], keys.ConsistentRead}
		}
	}
	text, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var half map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&half); err != nil {
		return nil, err
	}
	half["UnprocessedKeys"] = later
	if text, err = json.Marshal(half); err != nil {
		return nil, err
	}
	answer.Header.Del("X-Amz-Crc32")
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return answer, nil
}
