package kill

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
	"github.com/smsqueue/smsqueue/test/harness/judge"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

func TestTheServerIsKilledUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("this test waits for rescues, which takes minutes: run make test")
	}
	t.Parallel()
	enginetest.SQLite(t)
	size := size()
	provider := judge.Start(t, 20*time.Millisecond)
	env := []string{
		"AWS_ENDPOINT_URL_SNS=" + provider.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
	}
	dir := t.TempDir()
	clients := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(clients, []byte(`{"local": {"secret": "local-secret", "allowedCountries": ["BR"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var now atomic.Pointer[user.API]
	start := func() *machine.Machine {
		m := machine.StartIn(t, env, dir, "--provider", "sns", "--clients", clients, "--log-level", "error")
		now.Store(&user.API{HTTP: m.Client(t.Context()), Base: m.Base})
		return m
	}
	m := start()
	l := &load{api: func() user.API { return *now.Load() }}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.run(t.Context(), t, size.messages)
	}()
	for i := range size.kills {
		l.reach(t, size.messages*(i+1)/(size.kills+1))
		m.Kill()
		m = start()
	}
	<-ended

	var report reconcile.Report
	var db *sqlite.DB
	atRest := func() bool {
		// Only one process can open the folder, so the server must be stopped.
		if err := m.Stop(); err != nil {
			t.Fatal(err)
		}
		var err error
		if db, err = sqlite.Open(dir, sqlite.Options{}); err != nil {
			t.Fatal(err)
		}
		report, err = world.Accepted(t.Context(), db, l.ids, provider.Log(t), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if report.OnTheWay == 0 {
			return true
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		m = start()
		pause(t.Context(), 5*time.Second)
		return false
	}
	await(t, 3*time.Minute, "all at rest", atRest)
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	show(t, report, size)
	whole, err := reconcile.Everything(t.Context(), db, provider.Log(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if whole.Accepted != size.messages {
		t.Errorf("the folder has %d records, want %d", whole.Accepted, size.messages)
	}
}

func show(t *testing.T, report reconcile.Report, size campaign) {
	t.Helper()
	var printed strings.Builder
	report.Print(&printed)
	t.Logf("%d kills:\n%s", size.kills, printed.String())
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	if report.Accepted != size.messages || report.OnTheWay > 0 {
		t.Errorf("%d messages were accepted and %d are on the way; want %d and none", report.Accepted, report.OnTheWay, size.messages)
	}
	if failed := report.ByStatus[sms.Failed] + report.ByStatus[sms.Expired]; failed > 0 {
		t.Errorf("%d messages failed or expired, want none", failed)
	}
}
