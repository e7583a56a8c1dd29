package phone

import (
	"slices"

	"github.com/nyaruka/phonenumbers"
)

// Type is what the numbering plans say about the use of a number.
type Type string

// These constants are the types of numbers. Some plans, such as North America's, do not tell mobile numbers
// from landlines: these numbers have the type FixedLineOrMobile.
const (
	Unknown           Type = ""
	Mobile            Type = "mobile"
	FixedLine         Type = "fixed-line"
	FixedLineOrMobile Type = "fixed-line-or-mobile"
	TollFree          Type = "toll-free"
	PremiumRate       Type = "premium-rate"
	SharedCost        Type = "shared-cost"
	VoIP              Type = "voip"
	Personal          Type = "personal"
	Pager             Type = "pager"
	Company           Type = "company"
	Voicemail         Type = "voicemail"
)

var types = map[phonenumbers.PhoneNumberType]Type{
	phonenumbers.MOBILE:               Mobile,
	phonenumbers.FIXED_LINE:           FixedLine,
	phonenumbers.FIXED_LINE_OR_MOBILE: FixedLineOrMobile,
	phonenumbers.TOLL_FREE:            TollFree,
	phonenumbers.PREMIUM_RATE:         PremiumRate,
	phonenumbers.SHARED_COST:          SharedCost,
	phonenumbers.VOIP:                 VoIP,
	phonenumbers.PERSONAL_NUMBER:      Personal,
	phonenumbers.PAGER:                Pager,
	phonenumbers.UAN:                  Company,
	phonenumbers.VOICEMAIL:            Voicemail,
}

func typeOf(n *phonenumbers.PhoneNumber) Type { return types[phonenumbers.GetNumberType(n)] }

// Types returns the types that a deployment can choose from, in the order in which
// documents list them. FixedLineOrMobile is not among them: a deployment that accepts
// mobile numbers or landlines accepts it too.
func Types() []Type {
	return []Type{Mobile, FixedLine, TollFree, PremiumRate, SharedCost, VoIP, Personal, Pager, Company, Voicemail}
}

// DefaultTypes returns the types that a deployment accepts unless it chooses others: all
// but premium-rate numbers, which fraudsters use to earn money.
func DefaultTypes() []Type {
	return slices.DeleteFunc(Types(), func(t Type) bool { return t == PremiumRate })
}

// AcceptedBy reports whether a deployment that accepts the given types accepts t. It
// always accepts a number of unknown type: only Rules.Strict refuses these.
func (t Type) AcceptedBy(accepted []Type) bool {
	switch t {
	case Unknown:
		return true
	case FixedLineOrMobile:
		return slices.Contains(accepted, Mobile) || slices.Contains(accepted, FixedLine)
	}
	return slices.Contains(accepted, t)
}
