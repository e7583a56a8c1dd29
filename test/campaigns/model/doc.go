// Package model runs the real services one outside call at a time, in random order.
// After every step it checks each message against a small model, which says what is
// possible.
//
//	go test ./test/campaigns/model -v -steps 100000 -seed 1
package model
