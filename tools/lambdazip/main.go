// Command lambdazip packs a Lambda function's binary for upload:
//
//	lambdazip -o dist/api.zip path/to/bootstrap
//
// The same binary always gives the same archive, byte for byte, on every machine. So a
// deployment changes only if a binary does.
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lambdazip:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("lambdazip", flag.ContinueOnError)
	target := flags.String("o", "", "the archive to write")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading the command line: %w", err)
	}
	if *target == "" || flags.NArg() != 1 {
		return errors.New("usage: lambdazip -o archive.zip bootstrap")
	}
	binary, err := os.ReadFile(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("reading the binary: %w", err)
	}
	var archive bytes.Buffer
	if err := pack(&archive, binary); err != nil {
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

// The provided.al2023 runtime requires this name and mode.
func pack(w io.Writer, binary []byte) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	header := &zip.FileHeader{
		Name:   "bootstrap",
		Method: zip.Deflate,
		// This is the earliest time that the zip format can express.
		Modified: time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC),
	}
	header.SetMode(0o755)
	file, err := z.CreateHeader(header)
	if err != nil {
		return fmt.Errorf("starting the archive: %w", err)
	}
	if _, err := file.Write(binary); err != nil {
		return fmt.Errorf("packing the binary: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("closing the archive: %w", err)
	}
	return nil
}
