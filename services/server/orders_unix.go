//go:build unix

package server

import (
	"os"
	"syscall"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// orders maps signals to orders. Only the process's user and root can send
// signals, whatever address the server listens on.
var orders = map[os.Signal]sms.Order{
	syscall.SIGUSR1: {Word: sms.OrderPause, Detail: "SIGUSR1"},
	syscall.SIGUSR2: {Word: sms.OrderResume, Detail: "SIGUSR2"},
}
