package world_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

// The API must either refuse the key, or return the same message each time.
func FuzzIdempotencyKey(f *testing.F) {
	enginetest.SQLite(f)
	for _, key := range []string{"key", " ", "a b", "~", "\x1f", "\x7f", "é", "\x00", strings.Repeat("k", 255), strings.Repeat("k", 256), `"quoted"`, "a,b"} {
		f.Add(key)
	}
	db, err := sqlite.Open(f.TempDir(), sqlite.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := db.Close(); err != nil {
			f.Error(err)
		}
	})
	network := world.NewNetwork(time.Now)
	w := world.New(world.Options{
		Now: time.Now, Sleep: time.Sleep, Store: db, Queue: db.Queue(), Network: network, Provider: network, Rules: sms.DefaultRules(), Interval: time.Minute,
	})
	f.Fuzz(func(t *testing.T, key string) {
		if key == "" {
			return // an empty key is the same as no header
		}
		good := len(key) <= 255 && strings.TrimSpace(key) == key && strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) < 0
		var ids [2]string
		for i := range ids {
			status, answer, err := w.Call(t.Context(), http.MethodPost, "/v1/sms", key, `{"phoneNumber": "+5511999999999", "message": "hi"}`)
			switch {
			case err != nil:
				t.Fatal(err)
			case !good && status != http.StatusBadRequest, good && status != http.StatusAccepted:
				t.Fatalf("the answer to the key %q is %d %s", key, status, answer)
			case !good:
				return
			}
			var m struct{ ID string }
			if err := json.Unmarshal(answer, &m); err != nil {
				t.Fatal(err)
			}
			ids[i] = m.ID
		}
		if ids[0] != ids[1] || !sms.ValidID(ids[0]) {
			t.Errorf("the key %q returned the messages %q, want the same one each time", key, ids)
		}
	})
}
