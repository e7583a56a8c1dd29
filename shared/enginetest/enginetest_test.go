package enginetest_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/enginetest"
)

type recorder struct {
	testing.TB

	Attrs      []string
	SkipReason string
	Failure    string
}

func (r *recorder) Helper()                { /* nothing to mark */ }
func (r *recorder) Attr(key, value string) { r.Attrs = append(r.Attrs, key+"="+value) }
func (r *recorder) Skip(args ...any)       { r.SkipReason = fmt.Sprint(args...); runtime.Goexit() }
func (r *recorder) Fatal(args ...any)      { r.Failure = fmt.Sprint(args...); runtime.Goexit() }

func ask(lookup func(testing.TB) string) (*recorder, string) {
	r, url := new(recorder), ""
	done := make(chan struct{})
	go func() {
		defer close(done)
		url = lookup(r)
	}()
	<-done
	return r, url
}

func TestEngineLookup(t *testing.T) {
	notRunning := "dynamodb-local is not running: run `make test`, which starts it"
	attrs := []string{"engine=dynamodb-local"}

	tests := map[string]struct {
		address, ci string
		wantURL     string
		want        recorder
	}{
		"a running engine": {
			address: "http://127.0.0.1:4711",
			wantURL: "http://127.0.0.1:4711",
			want:    recorder{Attrs: attrs},
		},
		"no address skips the test": {
			want: recorder{Attrs: attrs, SkipReason: notRunning},
		},
		"no address fails the test in CI": {
			ci:   "true",
			want: recorder{Attrs: attrs, Failure: notRunning},
		},
		"an engine that is off skips the test with the reason, even in CI": {
			address: "off: java is missing",
			ci:      "true",
			want:    recorder{Attrs: attrs, SkipReason: "java is missing"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(enginetest.EnvDynamoDB, tt.address)
			t.Setenv("CI", tt.ci)

			got, url := ask(enginetest.DynamoDB)

			if url != tt.wantURL {
				t.Errorf("url = %q, want %q", url, tt.wantURL)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("the effect on the test differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfigCannotReachAWS(t *testing.T) {
	cfg := enginetest.Config(t, "http://127.0.0.1:4711")

	if got := *cfg.BaseEndpoint; got != "http://127.0.0.1:4711" {
		t.Errorf("endpoint = %q", got)
	}
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if creds.AccessKeyID != "test" {
		t.Errorf("access key = %q, want an invented one", creds.AccessKeyID)
	}
}
