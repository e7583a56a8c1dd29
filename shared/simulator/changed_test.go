package simulator_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// TestReceiptsGoOnAfterTheLogWasChanged changes the log of a running provider: once after
// all receipts have come, and once before any has come. If the change destroys a line
// before its receipt has come, the provider is allowed to lose the receipt.
func TestReceiptsGoOnAfterTheLogWasChanged(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, path string, content []byte)
		lost   []int // the change destroys these of the three lines
	}{
		{"it was emptied", func(t *testing.T, path string, _ []byte) { must(t, os.Truncate(path, 0)) }, []int{0, 1, 2}},
		{"it was cut after a line", func(t *testing.T, path string, content []byte) {
			must(t, os.Truncate(path, int64(len(content)/3)))
		}, []int{1, 2}},
		{"it was cut within a line", func(t *testing.T, path string, content []byte) {
			must(t, os.Truncate(path, int64(len(content)/2)))
		}, []int{1, 2}},
		{"a line was damaged", func(t *testing.T, path string, content []byte) {
			overwrite(t, path, content, len(content)/2, "\x00\x00{")
		}, []int{1}},
		{"a line end was damaged", func(t *testing.T, path string, content []byte) { overwrite(t, path, content, len(content)/3-1, " ") }, []int{0, 1}},
		{"a line was added", func(t *testing.T, path string, _ []byte) { add(t, path, "what is this?\n") }, nil},
		{"an empty line was added", func(t *testing.T, path string, _ []byte) { add(t, path, "\n") }, nil},
		{"an incomplete line was added", func(t *testing.T, path string, _ []byte) { add(t, path, `{"at":"2026-`) }, nil},
		{"it was removed", func(t *testing.T, path string, _ []byte) { must(t, os.Remove(path)) }, []int{0, 1, 2}},
		{"it was replaced", func(t *testing.T, path string, content []byte) {
			must(t, os.Rename(path, path+".1"))
			must(t, os.WriteFile(path, content[:len(content)/3], 0o600))
		}, []int{1, 2}},
	} {
		for _, when := range []string{"after", "before"} {
			t.Run(tt.name+", "+when+" the receipts", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					dir := t.TempDir()
					path := filepath.Join(dir, "handed-over.jsonl")
					var got receipts
					options := simulator.Options{ReceiptDelay: time.Second, Receipts: got.add}
					provider := open(t, dir, options)
					want := make(map[string]bool)
					take := func() string {
						t.Helper()
						id, err := provider.HandOver(t.Context(), message(ordinary))
						if err != nil {
							t.Fatalf("a hand-over returned %v", err)
						}
						want[id] = true
						return id
					}
					var ids []string
					for range 3 {
						ids = append(ids, take())
					}
					await := func() {
						time.Sleep(time.Minute)
						synctest.Wait()
					}
					if when == "after" {
						await()
					}
					content, err := os.ReadFile(path)
					must(t, err)
					tt.change(t, path, content)
					if when == "before" {
						for _, i := range tt.lost {
							delete(want, ids[i])
						}
					}
					take()
					await()
					take()
					await()
					if err := provider.Check(t.Context()); err != nil {
						t.Errorf("Check() = %v, want nil, because the provider has recovered", err)
					}
					shut(t, provider)
					provider = open(t, dir, options)
					last := take()
					await()
					came := idsOf(got.list())
					for id := range want {
						if !came[id] {
							t.Errorf("no receipt has come for %s; want one for each of %v", id, want)
						}
					}
					all, _ := simulator.ReadLog(dir) // ReadLog returns an error for a damaged line
					if len(all) == 0 || all[len(all)-1].ProviderMessageID != last {
						t.Errorf("the log is %v, and its last line is not that of the last hand-over", all)
					}
				})
			})
		}
	}
}

func TestReadLogSkipsDamagedLinesAndNamesThem(t *testing.T) {
	dir := t.TempDir()
	provider := open(t, dir, simulator.Options{})
	for range 3 {
		if _, err := provider.HandOver(t.Context(), message(ordinary)); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, provider)
	path := filepath.Join(dir, "handed-over.jsonl")
	content, err := os.ReadFile(path)
	must(t, err)
	overwrite(t, path, content, len(content)/2, "\x00\x00{")
	entries, err := simulator.ReadLog(dir)
	damaged, ok := errors.AsType[*simulator.DamagedError](err)
	if len(entries) != 2 || !ok || !slices.Equal(damaged.Lines, []int{2}) {
		t.Errorf("ReadLog returned %d entries and the error %v, want 2 and an error about line 2", len(entries), err)
	}
}

func idsOf(all []sms.Receipt) map[string]bool {
	ids := make(map[string]bool)
	for _, rc := range all {
		ids[rc.ProviderMessageID] = true
	}
	return ids
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, content []byte, at int, with string) {
	t.Helper()
	copy(content[at:], with)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = file.Write(content)
	must(t, err)
	must(t, file.Close())
}

func add(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = file.WriteString(text)
	must(t, err)
	must(t, file.Close())
}
