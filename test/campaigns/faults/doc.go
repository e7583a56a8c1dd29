// Package faults attacks every outside call of every service, one at a time, with
// every fault. Then it lets all services run on without faults, and checks the
// promises. This prints its table:
//
//	go test -v -run TestMatrix ./test/campaigns/faults
package faults
