// Package faults contains a campaign that makes every outside call of every service fail,
// one at a time and in every way. After each fault, the campaign lets all services
// continue without faults, and checks that all promises about the messages are kept. This
// command prints the table of results:
//
//	go test -v -run TestMatrix ./test/campaigns/faults
package faults
