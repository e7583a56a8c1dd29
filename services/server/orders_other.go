//go:build !unix

package server

import (
	"os"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// orders is empty: there are no signals for orders on this system.
var orders map[os.Signal]sms.Order
