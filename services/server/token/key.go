package token

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"

	"github.com/smsqueue/smsqueue/shared/folder"
)

// KeyFile is the name of the file with the signing key in the folder given to [Open]. The
// file contains a PKCS #8 private key in PEM, and has the mode 0600. Anyone who has the
// key can make tokens. If the key is lost, all existing tokens become invalid.
const KeyFile = "signing-key.pem"

// keyBits is the size of new keys in bits. It is the minimum size for RS256 (RFC 7518,
// section 3.3).
const keyBits = 2048

const pemType = "PRIVATE KEY"

// openKey reads the signing key in dir. If there is no key, openKey makes a new key. It
// refuses a key that somebody else may have chosen: that person could make tokens.
func openKey(dir string) (*rsa.PrivateKey, error) {
	root, err := folder.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of the signing key: %w", err)
	}
	defer func() { _ = root.Close() }() // the file is only read
	exists, err := folder.CheckAuthentic(root, KeyFile)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w (%s)", err, withoutKey)
	}
	if !exists {
		return createKey(root)
	}
	text, err := root.ReadFile(KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key: %w", err)
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w (%s)", filepath.Join(dir, KeyFile), err, withoutKey)
	}
	return key, nil
}

const withoutKey = "if you remove the file, a new key is made, and tokens given so far become invalid"

func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("it has no PEM block %q", pemType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() < keyBits {
		return nil, fmt.Errorf("it is not an RSA key of at least %d bits", keyBits)
	}
	return key, nil
}

// createKey makes a signing key and writes it to the file KeyFile in root. It returns the
// key only after the file is durable.
func createKey(root *os.Root) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("making a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding the signing key: %w", err)
	}
	if err := writeDurably(root, KeyFile, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})); err != nil {
		return nil, fmt.Errorf("writing the signing key: %w", err)
	}
	return key, nil
}

// writeDurably writes a file that only its owner can read. After a crash the file is
// either complete or absent.
func writeDurably(root *os.Root, name string, content []byte) error {
	// An earlier crash may have left an incomplete file.
	unfinished := name + ".tmp"
	if err := root.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := root.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := root.Rename(unfinished, name); err != nil {
		return err
	}
	return folder.Sync(root)
}

// webKey is a public RSA key as a JSON Web Key (RFC 7517, and RFC 7518, section 6.3). The
// JSON object has the same members as Cognito's keys.
type webKey struct {
	Algorithm string `json:"alg"`
	Exponent  string `json:"e"`
	ID        string `json:"kid"`
	Type      string `json:"kty"`
	Modulus   string `json:"n"`
	Use       string `json:"use"`
}

func newWebKey(key *rsa.PublicKey, id string) webKey {
	return webKey{
		Algorithm: algorithm,
		Exponent:  base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		ID:        id,
		Type:      "RSA",
		Modulus:   base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		Use:       "sig",
	}
}

// thumbprint returns the key's SHA-256 thumbprint as RFC 7638 defines it. It is the
// digest of the key's required JSON members, sorted by name and without spaces.
func thumbprint(key *rsa.PublicKey) string {
	public := newWebKey(key, "")
	digest := sha256.Sum256(fmt.Appendf(nil, `{"e":%q,"kty":%q,"n":%q}`, public.Exponent, public.Type, public.Modulus))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}
