// Package differential compares how smsqueue reads phone numbers and counts parts with
// independent libraries. Every difference must have an explanation in a list.
package differential
