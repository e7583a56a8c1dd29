package machine_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
)

// Every file of the folder is read while the server runs.
func TestADeletedTextIsInNoFileWithinAMinute(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	dir := t.TempDir()
	m := machine.Start(t, dir)
	api := client(t, m)
	const gone, kept = "hush 7421", "keep 7421"
	var ids []string
	for _, text := range []string{gone, kept} {
		sent, err := api.Submit(t.Context(), text, map[string]any{"phoneNumber": "+12025550100", "message": text})
		if err != nil {
			t.Fatal(err)
		}
		api.Await(t, sent.ID, 10*time.Second, "delivered")
		ids = append(ids, sent.ID)
	}
	for _, text := range []string{gone, kept} {
		if len(filesWith(t, dir, text)) == 0 {
			t.Errorf("no file has the text %q, so this test shows nothing", text)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, m.Base+"/v1/sms/"+ids[0]+"/message", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := api.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Fatalf("deleting the text was answered with %s", response.Status)
	}
	begin := time.Now()
	found := filesWith(t, dir, gone)
	for len(found) > 0 && time.Since(begin) < time.Minute {
		time.Sleep(100 * time.Millisecond)
		found = filesWith(t, dir, gone)
	}
	if len(found) > 0 {
		t.Errorf("a minute after its deletion, the text is still in %v", found)
	}
	t.Logf("the text was gone after %v", time.Since(begin).Round(time.Millisecond))
	if got := api.Await(t, ids[1], time.Second, "delivered"); got.Message != kept {
		t.Errorf("the other message has the text %q, want %q", got.Message, kept)
	}
}

func filesWith(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
