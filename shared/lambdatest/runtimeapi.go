package lambdatest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// All made-up ARNs contain this Region and this account.
const (
	awsRegion = "us-east-1"
	account   = "123456789012"
)

type invocation struct {
	id    string
	event []byte
	done  chan answer // buffers one answer
}

// routes returns Lambda's Runtime API, version 2018-06-01:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (p *process) routes(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		p.polled.Store(true)
		select {
		case i := <-p.events:
			p.mu.Lock()
			p.current = i
			p.mu.Unlock()
			deadline := time.Now().Add(o.Timeout).UnixMilli()
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", i.id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline, 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+awsRegion+":"+account+":function:"+o.FunctionName)
			w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0")
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(i.event)
		case <-p.ended:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		p.finish(w, r, func(body []byte) answer { return answer{response: body} })
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		p.finish(w, r, func(body []byte) answer { return answer{err: functionError(body)} })
	})
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.initErr = functionError(body)
		p.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

// finish passes on the answer to an event. It refuses a second answer to the same event.
func (p *process) finish(w http.ResponseWriter, r *http.Request, read func([]byte) answer) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the process died while it sent the answer
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil || p.current.id != r.PathValue("id") {
		http.Error(w, `{"errorType":"InvalidRequestID","errorMessage":"no such invocation"}`, http.StatusBadRequest)
		return
	}
	p.current.done <- read(body)
	p.current = nil
	w.WriteHeader(http.StatusAccepted)
}

func functionError(body []byte) *FunctionError {
	e := &FunctionError{}
	if err := json.Unmarshal(body, e); err != nil {
		return &FunctionError{Type: "Unknown", Message: string(body)}
	}
	return e
}
