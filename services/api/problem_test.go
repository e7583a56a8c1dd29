package api

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const problemsPage = "../../docs/problems.md"

func TestProblemsPageIsTheTable(t *testing.T) {
	want := problemsMarkdown()
	if *update {
		if err := os.WriteFile(problemsPage, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(problemsPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/problems.md differs from the table; run go test -update (-table +page):\n%s", diff)
	}
}

func problemsMarkdown() []byte {
	var b bytes.Buffer
	b.WriteString(`# Problems

Every error of the API is a problem as defined by RFC 9457, with the content type ` + "`application/problem+json`" + `. Its ` + "`type`" + `
is ` + "`" + problemType + "`" + ` followed by one of the slugs below. Its ` + "`instance`" + ` is the id of the request in the logs.
This page is generated from the table in services/api/problem.go.

`)
	for _, k := range kinds {
		fmt.Fprintf(&b, "## %s\n\nStatus %d. %s.\n\n%s\n\nWhat to do: %s\n\n", k.slug, k.status, k.title, k.means, k.action)
	}
	b.WriteString(`# Answers that are not problem documents

A request that is not proper HTTP does not reach the API. On one machine, Go's HTTP server answers it by itself, in plain
text, without an ` + "`X-Request-Id`" + ` and without a line in the log, and closes the connection. Nothing was accepted.

| status | the request |
|---|---|
| 400 | is not HTTP/1.x, has no or several ` + "`Host`" + ` headers, or has a broken path, header or ` + "`Content-Length`" + ` |
| 417 | has an ` + "`Expect`" + ` header other than ` + "`100-continue`" + ` |
| 421 | has a proxy's headers or a name that is not loopback, and the server was started without ` + "`--clients`" + ` |
| 431 | has more than 32 KiB of headers |
| 501 | has a ` + "`Transfer-Encoding`" + ` other than ` + "`chunked`" + ` |
| 505 | has another version of HTTP |

A client that is too slow gets no answer: the connection is closed if the headers do not arrive within 5 s. On AWS, API
Gateway answers such requests, as it documents.

# Failures

The values of ` + "`failure`" + ` in a message. After a permanent failure, resending the same message fails again.

| code | permanent | what it means | what to do |
|---|---|---|---|
`)
	for _, f := range sms.Failures {
		permanent := "no"
		if f.Permanent {
			permanent = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Code, permanent, f.Detail, f.Action)
	}
	return b.Bytes()
}

func TestContractListsEverySlug(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, k := range kinds {
		want = append(want, problemType+string(k.slug))
	}
	description := doc.Components.Schemas["Problem"].Value.Properties["type"].Value.Description
	listed := regexp.MustCompile(problemType+"[a-z-]+").FindAllString(description, -1)
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("the list of Problem.type differs from the table's slugs (-table +list):\n%s", diff)
	}
}

func TestProblemAnswerNeverShowsACause(t *testing.T) {
	secret := errors.New("table smsqueue-messages in account 123456789012")
	for _, err := range []error{
		secret,
		fmt.Errorf("%w: %w", sms.ErrNotFound, secret),
		fmt.Errorf("%w: %w", sms.ErrUnavailable, secret),
		&apiError{slug: outcomeUnknown, cause: secret},
		&apiError{slug: internal, cause: secret},
	} {
		if body := string(problemAnswer(err, "request-1").body); strings.Contains(body, "smsqueue-messages") {
			t.Errorf("%v: the answer shows the cause: %s", err, body)
		}
	}
}
