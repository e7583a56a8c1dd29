// Package disks breaks the disk of a running server, in all ways in which disks fail, and
// repairs it again. During each outage there are messages in every state. No accepted
// message may be lost, none may be handed over without a record, and the server must
// recover by itself. During the outage, the answers to clients, /healthz and /v1/status must report it.
//
// Without SMSQUEUE_SOAK=1 each outage is short and comes once. Where no file system
// can be mounted, only the limit of a file's size breaks the disk.
package disks
