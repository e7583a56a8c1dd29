// Package model drives the real services, one outside call at a time, in an
// order that chance decides, and compares every message after every step with
// what a small model says is possible.
//
//	go test ./test/campaigns/model -v -steps 100000 -seed 1
package model
