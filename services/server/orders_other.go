//go:build !unix

package server

import (
	"os"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// orders is empty where there are no signals of one's own.
var orders map[os.Signal]sms.Order
