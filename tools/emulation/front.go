package emulation

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Call is one AWS call of a function, as IAM sees it.
type Call struct {
	Key      string // the access key id, different for each function
	Action   string // for example dynamodb:PutItem
	Resource string // the table, index or queue that the call names; "phone" or "topic" for SNS
	Status   int    // the status of the answer
}

// Front is a proxy in front of ministack that records calls. It marks each call as made
// over TLS, because the queues' policies require TLS and ministack enforces policies.
type Front struct {
	URL string

	server *http.Server
	mu     sync.Mutex
	target *url.URL
	calls  []Call
	broken func(Call) bool
}

// NewFront starts a proxy on the loopback interface. It answers 502 until Forward is
// called. The proxy calls the function `observe`, if it is not nil, with every request
// and its body. These calls can be concurrent.
func NewFront(observe func(req *http.Request, body []byte)) (*Front, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // this call does not block
	if err != nil {
		return nil, err
	}
	f := &Front{URL: "http://" + listener.Addr().String()}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.target != nil {
				p.SetURL(f.target)
			}
			p.Out.Host = p.In.Host // the host is part of the signature
			p.Out.Header.Set("X-Forwarded-Proto", "https")
		},
	}
	f.server = &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			if observe != nil {
				observe(req, body)
			}
			req.Body = io.NopCloser(bytes.NewReader(body))
			answer := &statusWriter{ResponseWriter: w}
			call, known := callOf(req, body)
			if known && f.breaks(call) {
				http.Error(answer, "a test made this call fail", http.StatusInternalServerError)
			} else {
				proxy.ServeHTTP(answer, req)
			}
			if known {
				call.Status = answer.status
				f.mu.Lock()
				defer f.mu.Unlock()
				f.calls = append(f.calls, call)
			}
		}),
	}
	go func() { _ = f.server.Serve(listener) }() // ends when Close is called
	return f, nil
}

// Forward sends calls to the engine at the URL target from now on.
func (f *Front) Forward(target string) error {
	u, err := url.Parse(target)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.target = u
	return err
}

// Calls returns the calls seen so far.
func (f *Front) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Break makes every call fail for which the function `broken` returns true. After
// Break(nil), no call fails any more.
func (f *Front) Break(broken func(Call) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = broken
}

func (f *Front) breaks(c Call) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken != nil && f.broken(c)
}

// Close stops the proxy.
func (f *Front) Close() { _ = f.server.Close() }

var credential = regexp.MustCompile(`Credential=([^/]+)/`)

// callOf reads an AWS SDK request in the protocol of DynamoDB, SQS or SNS.
func callOf(r *http.Request, body []byte) (Call, bool) {
	var c Call
	if found := credential.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		c.Key = found[1]
	}
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case strings.HasPrefix(service, "DynamoDB_"):
		var in struct {
			TableName, IndexName string
			RequestItems         map[string]json.RawMessage // the items of a batch, keyed by table
		}
		_ = json.Unmarshal(body, &in) // missing fields leave the resource empty
		for table := range in.RequestItems {
			in.TableName = table
		}
		c.Action, c.Resource = "dynamodb:"+operation, "table/"+in.TableName
		if in.IndexName != "" {
			c.Resource += "/index/" + in.IndexName
		}
		return c, true
	case service == "AmazonSQS":
		var in struct {
			QueueURL string `json:"QueueUrl"`
		}
		_ = json.Unmarshal(body, &in)
		c.Action = "sqs:" + strings.TrimSuffix(operation, "Batch")
		c.Resource = in.QueueURL[strings.LastIndex(in.QueueURL, "/")+1:]
		return c, true
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") != "Publish" {
		return Call{}, false
	}
	c.Action, c.Resource = "sns:Publish", "topic"
	if form.Has("PhoneNumber") {
		c.Resource = "phone"
	}
	return c, true
}

type statusWriter struct {
	http.ResponseWriter

	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
