//go:build unix

package server

import (
	"os"
	"syscall"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// orders are what operators say by signals: they reach the process on any
// address, and from nobody but its user and root.
var orders = map[os.Signal]sms.Order{
	syscall.SIGUSR1: {Word: sms.OrderPause, Detail: "SIGUSR1"},
	syscall.SIGUSR2: {Word: sms.OrderResume, Detail: "SIGUSR2"},
}
