// Package apimodel checks requests against AWS's own models of its APIs, as botocore
// ships them. Emulators accept many requests that AWS refuses.
//
// The package is in Go because botocore has no code for it: botocore writes
// requests but does not read them, and its validator ignores patterns, enums,
// maxima and ranges.
package apimodel
