package assumptions

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// An answer comes from the API, or from the gateway in front of it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string {
	if slug := a.problem(); slug != "" {
		return fmt.Sprintf("%d %s", a.status, slug)
	}
	return fmt.Sprintf("%d %.100s", a.status, a.body)
}

// Returns the slug of the problem, or "".
func (a answer) problem() string {
	var problem struct{ Type string }
	if json.Unmarshal(a.body, &problem) != nil {
		return ""
	}
	slug, ok := strings.CutPrefix(problem.Type, "urn:smsqueue:problem:")
	if !ok {
		return ""
	}
	return slug
}

// The token can be empty.
func (r *run) ask(ctx context.Context, method, path, token string, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.Deployment.APIURL+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return do(req)
}

func do(req *http.Request) (answer, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, body}, err
}

// If the parameter `scope` is empty, the token has all scopes of the client.
func (r *run) getToken(ctx context.Context, c login, scope string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if scope != "" {
		form.Set("scope", scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Deployment.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(c.id, c.secret)
	got, err := do(req)
	if err != nil {
		return "", fmt.Errorf("getting a token: %w", err)
	}
	var out struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(got.body, &out); err != nil || out.Token == "" {
		return "", fmt.Errorf("getting a token: the answer has none, and status %d", got.status)
	}
	return out.Token, nil
}
