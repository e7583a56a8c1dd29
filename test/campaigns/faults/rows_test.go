package faults

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// A row is one outside call of one service.
type row struct{ service, method string }

func (r row) String() string { return r.service + "." + r.method }

// ports lists the ports of each service. The relay also has the ports of receipts,
// because it runs the code of that service to match pending receipts.
var ports = map[string][]reflect.Type{
	"api":      {reflect.TypeFor[api.Store](), reflect.TypeFor[sms.Queue]()},
	"sender":   {reflect.TypeFor[sender.Store](), reflect.TypeFor[sms.Provider]()},
	"relay":    {reflect.TypeFor[relay.Store](), reflect.TypeFor[receipts.Store](), reflect.TypeFor[sms.Queue]()},
	"receipts": {reflect.TypeFor[receipts.Store]()},
}

// Lists methods of the ports that a service must not call.
var uncalled = []row{
	{"api", "Claim"},
	// These reads are for GET /v1/status and for the list of messages, and affect no
	// message.
	{"api", "Backlog"},
	{"api", "Due"},
	{"api", "List"},
	{"api", "LoadBreaker"},
	{"sender", "Create"},
	{"relay", "Create"},
	{"relay", "Claim"},
	{"relay", "Keep"}, // would bring back a receipt that another relay has used
	{"receipts", "Create"},
	{"receipts", "Claim"},
	// Only the relay makes these calls, when it retries a receipt.
	{"receipts", "Get"},
	{"receipts", "Rekeep"},
	{"receipts", "Update"},
	{"receipts", "Unmatched"},
	{"receipts", "Forget"},
	{"receipts", "DueReceipts"},
}

// Returns the methods of the ports that have a context as a parameter.
func rows() []row {
	seen := make(map[row]bool)
	for service, types := range ports {
		for _, t := range types {
			for m := range t.Methods() {
				if m.Type.NumIn() > 0 && m.Type.In(0) == reflect.TypeFor[context.Context]() {
					seen[row{service, m.Name}] = true
				}
			}
		}
	}
	var all []row
	for r := range seen {
		if !slices.Contains(uncalled, r) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b row) int { return strings.Compare(a.String(), b.String()) })
	return all
}
