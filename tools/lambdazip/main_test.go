package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
	if err := run(t.Context(), []string{"-o", target, source}); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// Builds the smallest Go program, and returns it.
func build(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/m\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	target := filepath.Join(dir, "built")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", target)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	binary, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func TestArchive(t *testing.T) {
	binary := build(t)

	t.Run("is the same for another time, time zone and file mode", func(t *testing.T) {
		first := archive(t, binary, time.Unix(1_000_000_000, 0), 0o600)
		t.Setenv("TZ", "Asia/Tokyo")
		second := archive(t, binary, time.Unix(1_700_000_000, 0), 0o755)
		if !bytes.Equal(first, second) {
			t.Error("two archives of the same binary differ")
		}
	})

	t.Run("contains the binary, as an executable called bootstrap, and its licences", func(t *testing.T) {
		packed := archive(t, binary, time.Now(), 0o600)
		z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]fs.FileMode)
		for _, f := range z.File {
			got[f.Name] = f.Mode()
		}
		if diff := cmp.Diff(map[string]fs.FileMode{"bootstrap": 0o755, "LICENSES.txt": 0o644}, got); diff != "" {
			t.Fatalf("the files in the archive differ (-want +got):\n%s", diff)
		}
		unpacked, err := fs.ReadFile(z, "bootstrap")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(unpacked, binary) {
			t.Error("the unpacked file differs from the binary")
		}
		text, err := fs.ReadFile(z, "LICENSES.txt")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"the Go standard library, LICENSE", "Redistribution and use in source and binary forms", "Apache License"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("the licences do not contain %q", want)
			}
		}
	})

	t.Run("differs for another binary", func(t *testing.T) {
		changed := append(bytes.Clone(binary), 0)
		if bytes.Equal(archive(t, binary, time.Now(), 0o600), archive(t, changed, time.Now(), 0o600)) {
			t.Error("archives of different binaries are the same")
		}
	})
}

func TestDigests(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, service := range []string{"api", "relay"} {
		if err := os.WriteFile(service+".zip", []byte(service), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(t.Context(), []string{"-digests", "digests.tfvars.json", "api.zip", "relay.zip"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("digests.tfvars.json")
	if err != nil {
		t.Fatal(err)
	}
	// printf api | openssl dgst -sha256 -binary | base64
	want := "{\n  \"package_digests\": {\n    \"api\": \"FMJSnrRJjF0f/WkV0Fv1ipG92nlq9Z9B1IDRHAmdBHk=\",\n    \"relay\": \"aC+64g80KLzsTBF8V76hjUOMR1jZcpCbQdviKITg1rg=\"\n  }\n}\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the digests differ (-want +got):\n%s", diff)
	}
}

func TestUsageErrors(t *testing.T) {
	for name, args := range map[string][]string{
		"no target":        {"bootstrap"},
		"no binary":        {"-o", "x.zip"},
		"two binaries":     {"-o", "x.zip", "a", "b"},
		"a missing binary": {"-o", "x.zip", filepath.Join("no", "such", "file")},
		"no Go program":    {"-o", "x.zip", "text"},
		"digests of none":  {"-digests", "x.zip"},
		"unknown flag":     {"-x"},
		"no arguments":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("text", []byte("not a program"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := run(t.Context(), args); err == nil {
				t.Error("no error")
			}
			if _, err := os.Stat("x.zip"); err == nil {
				t.Error("an archive was written")
			}
		})
	}
}
