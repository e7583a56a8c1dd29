// Package disks contains a campaign that breaks the disk of a running server, in all ways
// in which disks fail, and repairs it again. During each outage there are messages in
// every status. The server must lose no accepted message, hand over no message without a
// record, and recover by itself. During an outage, the answers to
// clients, /healthz and /v1/status must report the outage.
//
// Without SMSQUEUE_SOAK=1, each outage is short and comes only once. On a machine
// that cannot mount a file system, the only fault is a limit on the size of files.
package disks
