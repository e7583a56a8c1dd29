package world_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/sqlite"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

func TestAcceptedFindsMessagesWithoutARecord(t *testing.T) {
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	report, err := world.Accepted(t.Context(), store, []string{"lost"}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := []reconcile.Finding{{MessageID: "lost", What: "accepted, but has no record"}}
	if diff := cmp.Diff(want, report.Findings); diff != "" || report.Accepted != 1 {
		t.Errorf("the report counts %d accepted messages; its findings differ (-want +got):\n%s", report.Accepted, diff)
	}
}
