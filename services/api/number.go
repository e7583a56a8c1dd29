package api

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/smsqueue/smsqueue/shared/phone"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// territories contains names that stand for several territories in a list of allowed
// countries. The numbers of these territories look like those of a larger country, which
// must be listed separately.
var territories = map[string][]string{
	"crown-dependencies": {"GG", "IM", "JE"}, // but not GB
	"us-territories":     {"AS", "GU", "MP", "PR", "VI"},
}

// NumberRules are a deployment's choices about the phone numbers that it accepts.
type NumberRules struct {
	// DefaultCountry is the country of numbers that are written without a plus sign. It is
	// an ISO 3166-1 alpha-2 code, and must be an allowed country. If it is empty, such
	// numbers are refused.
	DefaultCountry string
	// Types lists the types of numbers that are accepted, such as "mobile". If it is
	// empty, all types but premium-rate are accepted.
	Types []string
	// Strict refuses numbers in ranges that are not in the numbering plans. The plans are
	// built into the program, so Strict also refuses ranges that are newer than the
	// program.
	Strict bool
	// Fiction accepts the numbers that regulators reserve for films and books. Set Fiction
	// only if the provider never sends to real phones.
	Fiction bool
}

// Check returns an error if DefaultCountry is neither empty nor a known country code, or
// if an element of Types is not one of phone.Types.
func (r NumberRules) Check() error {
	if r.DefaultCountry != "" && !phone.ValidCountry(r.DefaultCountry) {
		return fmt.Errorf("default country: %q is not an ISO 3166-1 code like BR", r.DefaultCountry)
	}
	for _, name := range r.Types {
		if !slices.Contains(phone.Types(), phone.Type(name)) {
			return fmt.Errorf("number types: %q is not one of %v", name, phone.Types())
		}
	}
	return nil
}

// parse reads a phone number in the form in which a client wrote it.
func (r NumberRules) parse(written string) (phone.Parsed, error) {
	return phone.Rules{DefaultCountry: r.DefaultCountry, Strict: r.Strict, Fiction: r.Fiction}.Parse(written)
}

// accepts reports whether numbers of type t are accepted.
func (r NumberRules) accepts(t phone.Type) bool {
	if len(r.Types) == 0 {
		return t.AcceptedBy(phone.DefaultTypes())
	}
	accepted := make([]phone.Type, len(r.Types))
	for i, name := range r.Types {
		accepted[i] = phone.Type(name)
	}
	return t.AcceptedBy(accepted)
}

func checkCountries(countries []string) error {
	if slices.Contains(countries, AllCountries) && len(countries) > 1 {
		return fmt.Errorf("%q cannot be combined with other countries", AllCountries)
	}
	for _, country := range countries {
		if country != AllCountries && !validCountry(country) {
			return fmt.Errorf("%q is not an ISO 3166-1 code like BR", country)
		}
	}
	return nil
}

// validCountry reports whether country may be in a list of allowed countries.
func validCountry(country string) bool {
	return country == phone.International || phone.ValidCountry(country) || territories[country] != nil
}

func allows(countries []string, country string) bool {
	return slices.ContainsFunc(countries, func(allowed string) bool {
		return allowed == country || allowed == AllCountries || slices.Contains(territories[allowed], country)
	})
}

// readNumber parses the phone number of d. It returns an error if something is wrong with
// the number.
func (a *api) readNumber(d sms.Draft) (phone.Parsed, *sms.InvalidError) {
	parsed, err := a.Numbers.parse(cmp.Or(d.NumberAsWritten, string(d.Number)))
	if err != nil {
		return phone.Parsed{}, wrongNumber(err)
	}
	return parsed, nil
}

// wrongNumber returns the error for a phone number that phone.Rules or phone.Dialed
// refuses with err.
func wrongNumber(err error) *sms.InvalidError {
	reason := "is not a phone number"
	if known, ok := errors.AsType[*phone.Error](err); ok {
		reason = known.Reason
	}
	return &sms.InvalidError{Field: "phoneNumber", Reason: reason}
}

// checkCountry returns an error unless l allows the country of the number.
func checkCountry(l Limits, number phone.Parsed) *sms.InvalidError {
	if allows(l.AllowedCountries, number.Country) {
		return nil
	}
	reason := fmt.Sprintf("is in the country %s, to which this client may not send", number.Country)
	if number.Country == phone.International {
		reason = fmt.Sprintf("belongs to no country (%s), and this client may not send to such numbers", number.Country)
	}
	return &sms.InvalidError{Field: "phoneNumber", Reason: reason}
}

// checkType returns an error unless the deployment accepts numbers of this type.
func (a *api) checkType(number phone.Parsed) *sms.InvalidError {
	if a.Numbers.accepts(number.Type) {
		return nil
	}
	return &sms.InvalidError{Field: "phoneNumber", Reason: fmt.Sprintf("is of the type %s, to which this deployment does not send", number.Type)}
}
