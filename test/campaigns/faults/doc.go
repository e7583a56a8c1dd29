// Package faults attacks every outside call of every service, one after
// another, with every fault there is, lets the world go on without faults, and
// checks the promises. Its table is printed by
//
//	go test -v -run TestMatrix ./test/campaigns/faults
package faults
