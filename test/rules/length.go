package rules

import (
	"path/filepath"
	"strings"
)

// LineLimit returns the highest number of lines that a file is allowed to have. It
// returns 0 if there is no limit.
func LineLimit(path string) int {
	dir, file := filepath.Split(path)
	switch {
	case filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go"):
		return 0
	case file == "main.go" && filepath.Base(dir) == "lambda":
		return 60
	default:
		return 400
	}
}
