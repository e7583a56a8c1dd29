// Package schemathesis sends the running server requests that openapi.yaml allows, and
// requests that it forbids.
package schemathesis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
	"github.com/smsqueue/smsqueue/tools/engines"
	"github.com/smsqueue/smsqueue/tools/prereq"
)

// leastGood is the minimum number of calls of each operation that must be answered with
// 2xx.
const leastGood = 20

func TestServerKeepsItsContract(t *testing.T) {
	if testing.Short() {
		t.Skip("this test needs Python: run make test")
	}
	enginetest.SQLite(t)
	python := fetch(t)
	m := machine.Start(t, t.TempDir(), "--log-level", "error")
	client := m.Client(t.Context())
	transport, ok := client.Transport.(*oauth2.Transport)
	if !ok {
		t.Fatal("the client has no tokens")
	}
	token, err := transport.Source.Token()
	if err != nil {
		t.Fatal(err)
	}
	messages, err := json.Marshal(prepare(t, user.API{HTTP: client, Base: m.Base}))
	if err != nil {
		t.Fatal(err)
	}

	run := func(seconds int) (few []string) {
		report := filepath.Join(t.TempDir(), "report.ndjson")
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seconds)*time.Second+4*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, python, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml",
			"run", m.Base+"/openapi.yaml", "--header", "Authorization: Bearer "+token.AccessToken, "--checks", "all",
			"--max-time", strconv.Itoa(seconds), "--seed", seed(), "--continue-on-failure", "--report", "ndjson", "--report-ndjson-path", report)
		cmd.Env = append(os.Environ(), "SCHEMATHESIS_HOOKS=hooks", "SMSQUEUE_MESSAGES="+string(messages), "PYTHONDONTWRITEBYTECODE=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		for operation, calls := range readReport(t, report) {
			t.Logf("%-26s %4d calls, %4d ended in 2xx", operation, calls.all, calls.good)
			if calls.good < leastGood {
				few = append(few, fmt.Sprintf("%d of %s", calls.good, operation))
			}
		}
		return few
	}
	few := run(duration())
	if few != nil && !t.Failed() { // on a busy machine, a run makes few calls
		few = run(4 * duration())
	}
	if few != nil {
		t.Errorf("too few calls ended in 2xx, want at least %d of each operation: %s", leastGood, strings.Join(few, ", "))
	}
}

// Returns the time limit of the random phases, in seconds.
func duration() int {
	if os.Getenv("SMSQUEUE_SOAK") != "" {
		return 600
	}
	return 30
}

// The seed is fixed, so that two runs differ only if the code differs. In the long campaign
// each run has a new seed.
func seed() string {
	if os.Getenv("SMSQUEUE_SOAK") != "" {
		return strconv.FormatInt(time.Now().UnixNano(), 10)
	}
	return "1"
}

func fetch(t *testing.T) (python string) {
	t.Helper()
	repo, err := engines.FindRepository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := engines.Schemathesis()
	if missing := prereq.Missing(t.Context(), e.Needs...); missing != nil {
		enginetest.Lack(t, strings.Join(missing, "; "))
	}
	dir, err := e.Fetch(t.Context(), repo)
	if err != nil {
		enginetest.Lack(t, err.Error())
	}
	return engines.VenvPython(dir)
}

// prepare makes messages, so that each operation on a message can succeed.
func prepare(t *testing.T, api user.API) map[string][]string {
	t.Helper()
	submit := func(fields map[string]any) string {
		fields["message"] = "prepared"
		m, err := api.Submit(t.Context(), "", fields)
		if err != nil {
			t.Fatal(err)
		}
		return m.ID
	}
	nextMonth := time.Now().AddDate(0, 1, 0).Format(time.RFC3339)
	waiting := submit(map[string]any{"phoneNumber": "+5511999999999", "sendAt": nextMonth})
	done := submit(map[string]any{"phoneNumber": "+5511999999999"})
	api.Await(t, done, 20*time.Second, "delivered")
	again := submit(map[string]any{"phoneNumber": "+5511999999999", "sendAt": nextMonth})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api.Base+"/v1/sms/"+again+"/cancel", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := api.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		dump, _ := httputil.DumpResponse(response, true)
		t.Fatalf("%s", dump)
	}
	return map[string][]string{
		"getMessage": {waiting, done, again}, "cancelMessage": {waiting}, "resendMessage": {again}, "deleteText": {done},
	}
}

type calls struct{ all, good int }

func readReport(t *testing.T, path string) map[string]calls {
	t.Helper()
	report, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	counted := make(map[string]calls)
	for _, name := range []string{
		"POST /sms", "GET /sms", "POST /sms/batch", "POST /sms/preview", "GET /sms/{id}",
		"POST /sms/{id}/cancel", "POST /sms/{id}/resend", "DELETE /sms/{id}/message", "GET /status",
	} {
		counted[name] = calls{}
	}
	lines := json.NewDecoder(bytes.NewReader(report))
	for lines.More() {
		var line struct {
			ScenarioFinished struct {
				Recorder struct {
					Cases map[string]struct {
						Value struct{ Method, Path string }
					}
					Interactions map[string]struct {
						Response *struct {
							StatusCode int `json:"status_code"`
						}
					}
				}
			}
		}
		if err := lines.Decode(&line); err != nil {
			t.Fatalf("reading the report: %v", err)
		}
		recorder := line.ScenarioFinished.Recorder
		for id, interaction := range recorder.Interactions {
			name := recorder.Cases[id].Value.Method + " " + recorder.Cases[id].Value.Path
			c, known := counted[name]
			if !known || interaction.Response == nil {
				continue
			}
			c.all++
			if status := interaction.Response.StatusCode; status >= 200 && status < 300 {
				c.good++
			}
			counted[name] = c
		}
	}
	return counted
}
