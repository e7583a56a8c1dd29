package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func archive(t *testing.T, binary []byte, modified time.Time, mode os.FileMode) []byte {
	t.Helper()
	dir := t.TempDir()
	source, target := filepath.Join(dir, "built"), filepath.Join(dir, "dist", "api.zip")
	if err := os.WriteFile(source, binary, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(source, modified, modified); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-o", target, source}); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestArchive(t *testing.T) {
	binary := bytes.Repeat([]byte("machine code "), 1<<16)

	t.Run("is the same for another time, time zone and file mode", func(t *testing.T) {
		first := archive(t, binary, time.Unix(1_000_000_000, 0), 0o600)
		t.Setenv("TZ", "Asia/Tokyo")
		second := archive(t, binary, time.Unix(1_700_000_000, 0), 0o755)
		if !bytes.Equal(first, second) {
			t.Error("two archives of the same binary differ")
		}
	})

	t.Run("contains only the binary, as an executable called bootstrap", func(t *testing.T) {
		packed := archive(t, binary, time.Now(), 0o600)
		z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
		if err != nil {
			t.Fatal(err)
		}
		if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
			t.Fatalf("the archive contains %v, want one executable called bootstrap", z.File)
		}
		file, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		unpacked, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(unpacked, binary) {
			t.Error("the unpacked file differs from the binary")
		}
	})

	t.Run("differs for another binary", func(t *testing.T) {
		changed := bytes.Clone(binary)
		changed[len(changed)/2]++
		if bytes.Equal(archive(t, binary, time.Now(), 0o600), archive(t, changed, time.Now(), 0o600)) {
			t.Error("archives of different binaries are the same")
		}
	})
}

func TestUsageErrors(t *testing.T) {
	for name, args := range map[string][]string{
		"no target":        {"bootstrap"},
		"no binary":        {"-o", "x.zip"},
		"two binaries":     {"-o", "x.zip", "a", "b"},
		"a missing binary": {"-o", "x.zip", filepath.Join("no", "such", "file")},
		"unknown flag":     {"-x"},
		"no arguments":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := run(args); err == nil {
				t.Error("no error")
			}
			if _, err := os.Stat("x.zip"); err == nil {
				t.Error("an archive was written")
			}
		})
	}
}
