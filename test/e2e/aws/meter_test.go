package aws_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

type meter struct {
	mu            sync.Mutex
	writes, reads float64 // request units, including those of the indexes
}

// The proxy asks DynamoDB for the capacity that each request consumes.
func (m *meter) start(t *testing.T, engineURL string) string {
	t.Helper()
	engine, err := url.Parse(engineURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(engine)
			if r.In.Header.Get("X-Amz-Target") == "" {
				return // this request only opens a function's connection
			}
			r.Out.Header.Set("Accept-Encoding", "identity") // so that answers can be read
			body, err := io.ReadAll(r.In.Body)
			var input map[string]json.RawMessage
			if err == nil {
				err = json.Unmarshal(body, &input)
			}
			if err != nil {
				t.Errorf("reading a request to DynamoDB: %v", err)
				return
			}
			m.addBatch(input["RequestItems"])
			input["ReturnConsumedCapacity"] = json.RawMessage(`"TOTAL"`)
			body, _ = json.Marshal(input) // cannot fail
			r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Out.Header.Set("Content-Length", strconv.Itoa(len(body)))
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			m.add(r.Request.Header.Get("X-Amz-Target"), body)
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}

// On AWS, the read of an item that does not exist consumes as much as the read of a small
// item.
func (m *meter) addBatch(items json.RawMessage) {
	var tables map[string]struct {
		Keys           []json.RawMessage
		ConsistentRead bool
	}
	_ = json.Unmarshal(items, &tables) // other operations have no such member
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, of := range tables {
		each := 0.5
		if of.ConsistentRead {
			each = 1
		}
		m.reads += each * float64(len(of.Keys))
	}
}

func (m *meter) add(target string, answer []byte) {
	var output struct {
		ConsumedCapacity struct{ CapacityUnits float64 }
	}
	_ = json.Unmarshal(answer, &output) // the answer to a failed request does not say what it consumed
	_, operation, _ := strings.Cut(target, ".")
	m.mu.Lock()
	defer m.mu.Unlock()
	switch operation {
	case "BatchGetItem": // see addBatch
	case "GetItem":
		m.reads += output.ConsumedCapacity.CapacityUnits
	case "Query": // on AWS, even a query without results consumes half a unit
		m.reads += max(output.ConsumedCapacity.CapacityUnits, 0.5)
	default:
		m.writes += output.ConsumedCapacity.CapacityUnits
	}
}

// The method `take` returns the units that were consumed since its last call.
func (m *meter) take() (writes, reads float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	writes, reads = m.writes, m.reads
	m.writes, m.reads = 0, 0
	return writes, reads
}
