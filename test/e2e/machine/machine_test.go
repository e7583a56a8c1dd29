package machine_test

import (
	"net"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

func client(t *testing.T, m *machine.Machine) user.API {
	t.Helper()
	return user.API{HTTP: m.Client(t.Context()), Base: m.Base}
}

func providerLog(t *testing.T, dir string) map[string][]simulator.Entry {
	t.Helper()
	entries, err := simulator.ReadLog(filepath.Join(dir, "provider"))
	if err != nil {
		t.Fatal(err)
	}
	byMessage := make(map[string][]simulator.Entry)
	for _, e := range entries {
		if e.Taken() {
			byMessage[e.MessageID] = append(byMessage[e.MessageID], e)
		}
	}
	return byMessage
}

// The commands are those that the server prints.
func TestNewcomersPath(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	enginetest.Tool(t, "curl", "apt-get install curl")
	m := machine.Start(t, t.TempDir())
	_, paste, found := strings.Cut(m.Banner(), "\nTOKEN=")
	paste, _, closed := strings.Cut(paste, "\nCtrl-C")
	if !found || !closed {
		t.Fatalf("the banner has no commands to paste:\n%s", m.Banner())
	}
	out, err := exec.CommandContext(t.Context(), "bash", "-c", "TOKEN="+paste).CombinedOutput()
	if err != nil {
		t.Fatalf("pasting: %v\n%s", err, out)
	}
	for _, want := range []string{"202 Accepted", "Location: /v1/sms/", `"status":"delivered"`, "hand-over 1 begins", "receipt: "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in the output of the pasted commands:\n%s", want, out)
		}
	}
}

func TestAKilledServerComesBackWithEverything(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	dir := t.TempDir()
	m := machine.Start(t, dir)
	old := client(t, m)
	sent, err := old.Submit(t.Context(), "key", map[string]any{"phoneNumber": "+12025550100", "message": "before"})
	if err != nil {
		t.Fatal(err)
	}
	old.Await(t, sent.ID, 10*time.Second, "delivered")
	m.Kill()
	m = machine.Start(t, dir)
	old.Base = m.Base // the same client, whose token is from before the restart
	got := old.Await(t, sent.ID, time.Second, "delivered")
	if got.Message != "before" || got.HandOvers() != 1 {
		t.Errorf("after the restart, the message is %+v", got)
	}
	again, err := old.Submit(t.Context(), "key", map[string]any{"phoneNumber": "+12025550100", "message": "before"})
	if err != nil || again.ID != sent.ID {
		t.Errorf("after the restart, the same key returned message %v, %v", again.ID, err)
	}
	if err = m.Stop(); err != nil {
		t.Error(err)
	}
}

func TestAStoppingServerKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir())
	api := client(t, m)
	later := time.Now().Add(time.Hour).Format(time.RFC3339)
	sent, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": "+12025550100", "message": "later", "sendAt": later})
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { close(waiting) },
	})
	answered := make(chan time.Duration, 1)
	begin := time.Now()
	go func() {
		// The error is ignored, because the server can stop before it has read the
		// request.
		_, _ = api.Get(ctx, sent.ID+"?wait=20")
		answered <- time.Since(begin)
	}()
	<-waiting
	if err = m.Stop(); err != nil {
		t.Error(err)
	}
	if took := <-answered; took > 10*time.Second {
		t.Errorf("the client waited %v, want at most 10s", took)
	}
}

func TestASecondServerIsRefusedByName(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	dir := t.TempDir()
	machine.Start(t, dir)
	out, err := exec.CommandContext(t.Context(), machine.Binary(t), "serve", "--addr", "localhost:0", "--data", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), dir) {
		t.Errorf("a second server on the folder %s ended with %v, want an error that names the folder\n%s", dir, err, out)
	}
}

func TestCommandLinesThatAreRefused(t *testing.T) {
	t.Parallel()
	clients := filepath.Join(t.TempDir(), "clients.json")
	nowhere := filepath.Join(t.TempDir(), "nowhere.json")
	anywhere := filepath.Join(t.TempDir(), "anywhere.json")
	for path, text := range map[string]string{
		clients:  `{"a": {"secret": ""}}`,
		nowhere:  `{"a": {"secret": "secret-secret", "allowedCountries": ["UK"]}}`,
		anywhere: `{"a": {"secret": "secret-secret", "allowedCountries": ["BR"]}, "b": {"secret": "secret-secret"}}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var listening net.ListenConfig
	taken, err := listening.Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"the well-known client on all addresses", []string{"--addr", ":0"}, "is reachable from outside"},
		{"a provider that does not exist", []string{"--provider", "pigeon"}, "--provider must be simulated or sns"},
		{"real messages by the well-known client", []string{"--provider", "sns"}, "each with allowedCountries"},
		{"real messages to anywhere", []string{"--provider", "sns", "--clients", anywhere}, `client "b": --provider sns sends to real phones`},
		{"an address without a port", []string{"--addr", "localhost"}, "--addr must be host:port"},
		{"an address that is taken", []string{"--addr", taken.Addr().String()}, "choose another address"},
		{"a negative delay", []string{"--provider-delay", "-1s"}, "at least 0"},
		{"a delay that is longer than senders wait", []string{"--provider-delay", "5s"}, "less than 5s"},
		{"a flag that does not exist", []string{"--x"}, "unknown flag: --x"},
		{"an argument", []string{"x"}, "unknown command"},
		{"a client without a secret", []string{"--clients", clients}, "secret"},
		{"a country that does not exist", []string{"--clients", nowhere}, `client "a": allowedCountries has "UK"`},
		{"a file of clients that is not there", []string{"--clients", clients + "x"}, "no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			args := append([]string{"serve", "--data", data}, tc.args...)
			out, err := exec.CommandContext(t.Context(), machine.Binary(t), args...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), tc.want) {
				t.Errorf("%v: %v\n%s", tc.args, err, out)
			}
			if strings.Contains(string(out), "is reachable from outside") && tc.want != "is reachable from outside" {
				t.Errorf("the output also warns about clients:\n%s", out)
			}
			if _, err := os.Stat(data); err == nil {
				t.Error("the refused server made its data folder")
			}
		})
	}
}

func TestDocumentedNumbers(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	want := map[string]struct {
		status, failure string
		handOvers       int // the number of hand-overs that the provider took
	}{
		simulator.Refused:       {"failed", "number-refused", 0},
		simulator.OptedOut:      {"failed", "opted-out", 0},
		simulator.Unreachable:   {"undelivered", "unreachable", 1},
		simulator.Throttled:     {"delivered", "", 1},
		simulator.NoAnswer:      {"delivered", "", 1},
		simulator.SpendLimit:    {"delivered", "", 2},
		simulator.EarlyReceipt:  {"delivered", "", 1},
		simulator.DoubleReceipt: {"delivered", "", 1},
		simulator.RateExceeded:  {"delivered", "", 2},
		simulator.Sandboxed:     {"undelivered", "sandboxed", 1},
	}
	for _, n := range simulator.Numbers {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			api := client(t, machine.Start(t, dir))
			sent, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": n.Number, "message": n.Happens})
			if err != nil {
				t.Fatal(err)
			}
			w, ok := want[n.Name]
			if !ok {
				t.Fatalf("this test has no case for %q", n.Name)
			}
			got := api.Await(t, sent.ID, time.Minute, "delivered", "undelivered", "failed", "expired", "unknown")
			if got.Status != w.status || got.Failure.Code != w.failure {
				t.Errorf("the status is %q and the failure %q, want %q and %q", got.Status, got.Failure.Code, w.status, w.failure)
			}
			if handed := len(providerLog(t, dir)[sent.ID]); handed != w.handOvers {
				t.Errorf("the provider took the message %d times, want %d; %+v", handed, w.handOvers, got.Events)
			}
		})
	}
}
