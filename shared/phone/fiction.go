package phone

import (
	"strings"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// fiction is a range of numbers that a regulator reserves for films and books.
type fiction struct {
	prefix  string // in E.164 form
	rest    int    // the number of digits after the prefix
	country string
	kind    Type
}

// fictions lists the ranges that the numbering plans do not contain. The other ranges,
// such as 555-0100 to 555-0199 in North America, are valid according to the plans.
var fictions = []fiction{
	{"+447700900", 3, "GB", Mobile},    // Ofcom
	{"+441632960", 3, "GB", FixedLine}, // Ofcom, for no particular place
	{"+3363998", 4, "FR", Mobile},      // Arcep, decision 2018-0881
	{"+3532091", 5, "IE", Mobile},      // ComReg
}

func fictional(number sms.Number) (fiction, bool) {
	for _, f := range fictions {
		if rest, ok := strings.CutPrefix(string(number), f.prefix); ok && len(rest) == f.rest {
			return f, true
		}
	}
	return fiction{}, false
}
