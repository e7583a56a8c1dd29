package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/services/server/token"
)

func TestOpenKeepsItsKey(t *testing.T) {
	dir := t.TempDir()
	// A crash during the first start leaves such a file.
	if err := os.WriteFile(filepath.Join(dir, token.KeyFile+".tmp"), []byte("-----BEGIN PRIV"), 0o644); err != nil {
		t.Fatal(err)
	}
	first := open(t, dir, atNoon)
	text := accessToken(t, first)

	t.Run("in a private file, the only one in the folder", func(t *testing.T) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != 1 || entries[0].Name() != token.KeyFile {
			t.Errorf("the folder contains %v, want only the key", entries)
		}
		wantPrivate(t, dir)
	})
	t.Run("so that a token stays valid after reopening", func(t *testing.T) {
		again := open(t, dir, atNoon)
		if _, err := again.Verify(text); err != nil {
			t.Error(err)
		}
		if before, after := keySet(t, first)[0]["kid"], keySet(t, again)[0]["kid"]; before != after {
			t.Errorf("the key changed from %s to %s", before, after)
		}
	})
	t.Run("with its mode restored", func(t *testing.T) {
		if err := os.Chmod(filepath.Join(dir, token.KeyFile), 0o644); err != nil {
			t.Fatal(err)
		}
		open(t, dir, atNoon)
		wantPrivate(t, dir)
	})
	t.Run("different from another folder's", func(t *testing.T) {
		if _, err := open(t, t.TempDir(), atNoon).Verify(text); err == nil {
			t.Error("accepted the token of another issuer")
		}
	})
}

func wantPrivate(t *testing.T, dir string) {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, token.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.FileMode(0o600) {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestOpenRefuses(t *testing.T) {
	encoded := func(key any, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	for name, text := range map[string]string{
		"an empty key file":             "",
		"a key file with other content": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"another kind of key":           encoded(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"a key that is too short":       encoded(rsa.GenerateKey(rand.Reader, 1024)),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, token.KeyFile)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := token.Open(dir, token.Config{Issuer: issuerName})
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want it to name the file", err)
			}
			if kept, _ := os.ReadFile(path); string(kept) != text {
				t.Error("the file was changed")
			}
		})
	}
	for name, config := range map[string]token.Config{
		"no issuer":         {},
		"a repeated client": {Issuer: issuerName, Clients: append(testClients(), testClients()...)},
		"an empty secret":   {Issuer: issuerName, Clients: []token.Client{{ID: "a", Scopes: []string{"sms/read"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := token.Open(dir, config); err == nil {
				t.Error("opened")
			}
		})
	}
}

// A user who can replace the key could make valid tokens.
func TestOpenRefusesAKeyThatOthersChose(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no file modes")
	}
	for _, tt := range []struct {
		name string
		make func(path string) error
		word string
	}{
		{"others may write it", func(path string) error { return os.Chmod(path, 0o666) }, "other users could write"},
		{"its group may write it", func(path string) error { return os.Chmod(path, 0o660) }, "other users could write"},
		{"it is a link to a valid key", func(path string) error {
			return errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path))
		}, "symbolic link"},
		{"everybody may write the folder", func(path string) error { return os.Chmod(filepath.Dir(path), 0o777) }, "other users may write"},
		{"it belongs to another user", func(path string) error { return os.Chown(path, 12345, -1) }, "belongs to user 12345"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			open(t, dir, atNoon)
			err := tt.make(filepath.Join(dir, token.KeyFile))
			if errors.Is(err, fs.ErrPermission) {
				return // only root can change the owner of a file
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = token.Open(dir, token.Config{Issuer: issuerName})
			if err == nil || !strings.Contains(err.Error(), tt.word) {
				t.Errorf("got the error %v, want one that contains %q", err, tt.word)
			}
		})
	}
}
