//go:build unix

package server

import (
	"os"
	"syscall"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// orders maps signals to orders. Only root and the user of the process can send signals,
// no matter which address the server listens on.
var orders = map[os.Signal]sms.Order{
	syscall.SIGUSR1: {Word: sms.OrderPause, Detail: "SIGUSR1"},
	syscall.SIGUSR2: {Word: sms.OrderResume, Detail: "SIGUSR2"},
}
