package assumptions

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A preview needs the scope sms/send and sends nothing.
func (r *run) preview(ctx context.Context, token string, body []byte) (answer, error) {
	if body == nil {
		body = []byte(`{"phoneNumber": "+12025550142", "message": "x"}`)
	}
	return r.ask(ctx, http.MethodPost, "/sms/preview", token, body)
}

func missingScope(ctx context.Context, r *run) (Result, error) {
	token, err := r.getToken(ctx, r.Deployment.clients[r.Client], "sms/read")
	if err != nil {
		return Result{}, err
	}
	got, err := r.preview(ctx, token, nil)
	if err != nil {
		return Result{}, err
	}
	return judge(got.status == http.StatusForbidden && got.problem() == "insufficient-scope", "the answer is %v", got), nil
}

func ownAnswers(ctx context.Context, r *run) (Result, error) {
	token, err := r.token()
	if err != nil {
		return Result{}, err
	}
	var seen []string
	holds := true
	for _, tc := range []struct {
		what, method, path, token string
		status                    int
		problem                   string
	}{
		{"no token", http.MethodGet, "/sms", "", http.StatusUnauthorized, "unauthorized"},
		{"a bad token", http.MethodGet, "/sms", "x.y.z", http.StatusUnauthorized, "unauthorized"},
		{"an unknown path", http.MethodGet, "/nothing", token, http.StatusNotFound, "not-found"},
		{"an unknown method", http.MethodPut, "/sms", token, http.StatusNotFound, "not-found"},
	} {
		got, err := r.ask(ctx, tc.method, tc.path, tc.token, nil)
		if err != nil {
			return Result{}, err
		}
		id := "with a request id"
		if got.header.Get("X-Request-Id") == "" {
			id, holds = "without a request id", false
		}
		holds = holds && got.status == tc.status && got.problem() == tc.problem
		seen = append(seen, fmt.Sprintf("%s: %v, %s", tc.what, got, id))
	}
	return judge(holds, "%s", strings.Join(seen, "; ")), nil
}

func rawBytes(ctx context.Context, r *run) (Result, error) {
	token, err := r.token()
	if err != nil {
		return Result{}, err
	}
	got, err := r.preview(ctx, token, []byte("{\"phoneNumber\": \"+12025550142\", \"message\": \"\xff\"}"))
	if err != nil {
		return Result{}, err
	}
	return judge(got.status == http.StatusBadRequest && got.problem() == "malformed-request", "the answer is %v", got), nil
}

func largeBody(ctx context.Context, r *run) (Result, error) {
	token, err := r.token()
	if err != nil {
		return Result{}, err
	}
	got, err := r.preview(ctx, token, bytes.Repeat([]byte(" "), 5_000_000))
	if err != nil {
		return Result{}, err
	}
	return judge(got.status == http.StatusRequestEntityTooLarge && got.problem() == "body-too-large", "the answer to 5 MB is %v", got), nil
}

// The common managed rules of AWS WAF take this request for an attack.
func blockedRequest(ctx context.Context, r *run) (Result, error) {
	var stage struct {
		WebACL string `json:"webAclArn"`
	}
	if err := r.get(ctx, "apigateway", "/restapis/"+r.Deployment.RestAPI+"/stages/v1", &stage); err != nil {
		return Result{}, err
	}
	if stage.WebACL == "" {
		return notChecked("the stage has no web ACL"), nil
	}
	got, err := r.ask(ctx, http.MethodGet, "/sms?reference="+url.QueryEscape("<script>alert(1)</script>../../etc/passwd"), "", nil)
	if err != nil {
		return Result{}, err
	}
	if got.status == http.StatusUnauthorized {
		return notChecked("the web ACL does not block what looks like an attack"), nil
	}
	return judge(got.status == http.StatusForbidden && got.problem() != "", "the answer is %v", got), nil
}

func location(ctx context.Context, r *run) (Result, error) {
	m, err := r.plain()
	if err != nil {
		return Result{}, err
	}
	base, err := url.Parse(r.Deployment.APIURL)
	if err != nil {
		return Result{}, err
	}
	// Location begins with /v1. On an emulator, the path of the API's URL has more segments
	// before /v1.
	base.Path = strings.TrimSuffix(base.Path, "/v1")
	if !strings.HasPrefix(m.location, "/v1/") {
		return differs("Location is %q", m.location), nil
	}
	token, err := r.token()
	if err != nil {
		return Result{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String()+m.location, http.NoBody)
	if err != nil {
		return Result{}, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	got, err := do(req)
	if err != nil {
		return Result{}, err
	}
	return judge(got.status == http.StatusOK, "GET of %s is answered with %d", strings.TrimSuffix(m.location, m.ID)+"{id}", got.status), nil
}

// The gateway chooses the id of the request in its access log.
func accessLog(ctx context.Context, r *run) (Result, error) {
	if r.Deployment.AccessLog == "" {
		return notChecked("the gateway has no access log (manage_api_gateway_log_role)"), nil
	}
	got, err := r.ask(ctx, http.MethodGet, "/status", "", nil)
	if err != nil {
		return Result{}, err
	}
	id := got.header.Get("X-Amzn-Requestid")
	if id == "" {
		return notChecked("the answer has no x-amzn-RequestId"), nil
	}
	lines, err := r.awaitLines(ctx, id, r.Deployment.AccessLog)
	if err != nil {
		return Result{}, err
	}
	return judge(len(lines) > 0, "%d lines about a request after %v", len(lines), time.Since(r.began).Round(time.Second)), nil
}
