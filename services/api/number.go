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
	"crown-dependencies": {"GG", "IM", "JE"}, // beside GB
	"us-territories":     {"AS", "GU", "MP", "PR", "VI"},
}

// checkNumbers returns an error if something is wrong with the options that are about
// phone numbers.
func (o Options) checkNumbers() error {
	if err := checkCountries(o.Countries); err != nil {
		return fmt.Errorf("allowed countries: %w", err)
	}
	if country := o.Numbers.DefaultCountry; country != "" {
		switch {
		case !phone.ValidCountry(country):
			return fmt.Errorf("default country: %q is not an ISO 3166-1 code like BR", country)
		case !allows(o.Countries, country):
			return fmt.Errorf("default country: %q is not an allowed country", country)
		}
	}
	for _, kind := range o.NumberTypes {
		if !slices.Contains(phone.Types(), kind) {
			return fmt.Errorf("number types: %q is not one of %v", kind, phone.Types())
		}
	}
	return nil
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
	parsed, err := a.Numbers.Parse(cmp.Or(d.NumberAsWritten, string(d.Number)))
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
	if number.Type.AcceptedBy(a.NumberTypes) {
		return nil
	}
	return &sms.InvalidError{Field: "phoneNumber", Reason: fmt.Sprintf("is of the type %s, to which this deployment does not send", number.Type)}
}
