package simulator

import "github.com/smsqueue/smsqueue/shared/sms"

const pricePerPart sms.NanoUSD = 6_450_000

// receipt returns the receipt of a hand-over that was taken. The receipt has a number of
// parts and a price only if the text was sent.
func (e Entry) receipt() sms.Receipt {
	rc := sms.Receipt{Provider: Name, ProviderMessageID: e.ProviderMessageID, Number: e.Number, At: e.At}
	switch e.Fault {
	case SpendLimit:
		rc.Verdict, rc.Trouble, rc.Detail = sms.VerdictVoid, sms.SpendLimit, "No quota left for account"
		return rc
	case RateExceeded:
		rc.Verdict, rc.Detail = sms.VerdictVoid, "Rate exceeded."
		return rc
	case Sandboxed:
		rc.Verdict, rc.Failure, rc.Detail = sms.VerdictUndelivered, sms.Sandboxed, "Sandboxed account unable to send to number."
		return rc
	}
	rc.Parts = e.Parts
	rc.Price = pricePerPart * sms.NanoUSD(rc.Parts)
	if e.Fault == Unreachable {
		rc.Verdict, rc.Failure, rc.Detail = sms.VerdictUndelivered, sms.Unreachable, "Phone is currently unreachable/unavailable"
		return rc
	}
	rc.Verdict, rc.Evidence, rc.Detail = sms.VerdictDelivered, sms.ByHandset, "Message has been accepted by phone"
	return rc
}
