// Package differential compares smsqueue with independent libraries: how each of them reads phone numbers and
// counts parts. Every difference must have an explanation in a list.
package differential
