// Command lambdazip packs a Lambda function's binary for upload, together with the
// licences of everything that it contains:
//
//	lambdazip -o dist/api.zip path/to/bootstrap
//
// The same binary always gives the same archive, byte for byte, on every machine. So a
// deployment changes only if a binary does. Whoever uploads the archives to a bucket also
// needs their digests, as a file with Terraform's variable package_digests:
//
//	lambdazip -digests dist/digests.tfvars.json dist/*.zip
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/tools/licenses"
)

// licenseFile is the name of the file with the licences.
const licenseFile = "LICENSES.txt"

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lambdazip:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("lambdazip", flag.ContinueOnError)
	target := flags.String("o", "", "the archive to write")
	digests := flags.String("digests", "", "the file with digests to write")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading the command line: %w", err)
	}
	if *digests != "" && *target == "" && flags.NArg() > 0 {
		return writeDigests(*digests, flags.Args())
	}
	if *target == "" || flags.NArg() != 1 {
		return errors.New("usage: lambdazip -o archive.zip bootstrap, or lambdazip -digests file archives")
	}
	binary, err := os.ReadFile(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("reading the binary: %w", err)
	}
	text, err := licenses.Text(ctx, flags.Arg(0))
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := pack(&archive, binary, text); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*target), 0o750); err != nil {
		return fmt.Errorf("making the folder of the archive: %w", err)
	}
	if err := os.WriteFile(*target, archive.Bytes(), 0o644); err != nil { //nolint:gosec // whoever deploys must be able to read it
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}

func writeDigests(target string, archives []string) error {
	digests := make(map[string]string)
	for _, archive := range archives {
		content, err := os.ReadFile(archive)
		if err != nil {
			return fmt.Errorf("reading an archive: %w", err)
		}
		digest := sha256.Sum256(content)
		service := strings.TrimSuffix(filepath.Base(archive), ".zip")
		digests[service] = base64.StdEncoding.EncodeToString(digest[:]) // as Lambda shows it
	}
	text, err := json.MarshalIndent(map[string]any{"package_digests": digests}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the digests: %w", err)
	}
	if err := os.WriteFile(target, append(text, '\n'), 0o644); err != nil { //nolint:gosec // whoever deploys must be able to read it
		return fmt.Errorf("writing the digests: %w", err)
	}
	return nil
}

// The provided.al2023 runtime requires the binary's name and mode.
func pack(w io.Writer, binary, licenseText []byte) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	if err := add(z, "bootstrap", 0o755, binary); err != nil {
		return err
	}
	if err := add(z, licenseFile, 0o644, licenseText); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("closing the archive: %w", err)
	}
	return nil
}

func add(z *zip.Writer, name string, mode fs.FileMode, content []byte) error {
	header := &zip.FileHeader{
		Name:   name,
		Method: zip.Deflate,
		// This is the earliest time that the zip format can express.
		Modified: time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC),
	}
	header.SetMode(mode)
	file, err := z.CreateHeader(header)
	if err != nil {
		return fmt.Errorf("adding %s to the archive: %w", name, err)
	}
	if _, err := file.Write(content); err != nil {
		return fmt.Errorf("packing %s: %w", name, err)
	}
	return nil
}
