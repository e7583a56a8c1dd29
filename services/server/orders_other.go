//go:build !unix

package server

import (
	"os"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// orders is empty, because this system has no signals for orders.
var orders map[os.Signal]sms.Order
