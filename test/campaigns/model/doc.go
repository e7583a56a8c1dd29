// Package model runs the real services, one outside call at a time and in random order.
// After every step, it compares each message with a small model, which lists what can
// have become of the message.
//
//	go test ./test/campaigns/model -v -steps 100000 -seed 1
package model
