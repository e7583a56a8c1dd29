package assumptions

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// wire calls AWS services for which the module has no SDK.
type wire struct {
	cfg      aws.Config
	endpoint string // the URL of an emulator; "" for AWS
}

// The host's first label is also the service's name in signatures, unless signAs gives another name.
type call struct {
	host, signAs string
	awsRegion    string // "" for the Region of the configuration
	method, path string
	header       map[string]string
	body         []byte
	credentials  aws.CredentialsProvider // nil for the credentials of the configuration
}

// apiError is an answer that is not 200.
type apiError struct {
	status int
	body   string
}

func (e *apiError) Error() string { return fmt.Sprintf("the answer is %d %.300s", e.status, e.body) }

// A target looks like "Logs_20140328.FilterLogEvents".
func (w wire) json(ctx context.Context, host, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("calling %s: %w", target, err)
	}
	answer, err := w.do(ctx, call{
		host: host, method: http.MethodPost, path: "/", body: body,
		header: map[string]string{"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"},
	})
	return decode(target, answer, err, json.Unmarshal, out)
}

// The method `get` reads a resource of a REST service.
func (w wire) get(ctx context.Context, host, path string, out any) error {
	answer, err := w.do(ctx, call{host: host, method: http.MethodGet, path: path, header: map[string]string{"Accept": "application/json"}})
	return decode(path, answer, err, json.Unmarshal, out)
}

// The method `query` calls an operation of a form protocol. The form must have the fields
// Action and Version.
func (w wire) query(ctx context.Context, c call, form url.Values, out any) error {
	c.method, c.path, c.body = http.MethodPost, "/", []byte(form.Encode())
	c.header = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	answer, err := w.do(ctx, c)
	return decode(form.Get("Action"), answer, err, xml.Unmarshal, out)
}

func decode(what string, answer []byte, err error, unmarshal func([]byte, any) error, out any) error {
	if err == nil && out != nil {
		err = unmarshal(answer, out)
	}
	if err != nil {
		return fmt.Errorf("calling %s: %w", what, err)
	}
	return nil
}

func (w wire) do(ctx context.Context, c call) ([]byte, error) {
	if c.signAs == "" {
		c.signAs = c.host
	}
	if c.awsRegion == "" {
		c.awsRegion = w.cfg.Region
	}
	base := w.endpoint
	if base == "" {
		base = "https://" + c.host + "." + c.awsRegion + "." + suffix(c.awsRegion)
		if c.host == "iam" {
			base = "https://iam.amazonaws.com"
		}
	}
	req, err := http.NewRequestWithContext(ctx, c.method, base+c.path, bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	provider := c.credentials
	if provider == nil {
		provider = w.cfg.Credentials
	}
	credentials, err := provider.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials: %w", err)
	}
	sum := sha256.Sum256(c.body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), c.signAs, c.awsRegion, time.Now()); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, &apiError{resp.StatusCode, string(answer)}
	}
	return answer, nil
}

// Returns the domain of a Region's partition.
func suffix(awsRegion string) string {
	if strings.HasPrefix(awsRegion, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func (e *apiError) says(code string) bool { return strings.Contains(e.body, code) }
