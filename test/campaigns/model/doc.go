// Package model runs the real services one outside call at a time, in random order.
// After every step it compares each message with what a small model says is possible.
//
//	go test ./test/campaigns/model -v -steps 100000 -seed 1
package model
