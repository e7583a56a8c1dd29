package phone

import (
	"regexp"
	"slices"

	"github.com/nyaruka/phonenumbers"
)

// The plans that are built into this program are those of libphonenumber 9.0.32. The
// campaign in test/campaigns/differential compares them with a newer release, and fails
// if a rule in this file is wrong.

// withdrawn matches numbers in E.164 form that the plans still contain, but that
// libphonenumber 9.0.43 has withdrawn. After an update of the library, delete the numbers that its plans no
// longer contain.
var withdrawn = regexp.MustCompile(`^\+(?:` +
	`229\d{8}|` + // Benin: all numbers have ten digits since 2024
	`263[1-69](?:\d{3,7}|\d{9})|` + // Zimbabwe: landlines have nine digits
	`29888\d{4}|` + // Faroe Islands
	`37749\d{6}|` + // Monaco: lent to Kosovo, which has +383 now
	`38649\d{6}|` + // Slovenia: lent to Kosovo as well
	`406(?:00|2\d|30)\d{6}|` + // Romania
	`4537\d{6}|` + // Denmark
	`50620(?:0[2-9]|1[1-9]|[2-9]\d)\d{4}|` + // Costa Rica
	`8480[2-9]\d{4}|` + // Vietnam
	`85630[24]\d{7}|` + // Laos
	`9639[127]\d{7}` + // Syria
	`)$`)

// northAmerican matches the national part of each number that North America's plan can
// ever contain: neither the area code nor the exchange begins with 0 or 1.
var northAmerican = regexp.MustCompile(`^[2-9]\d\d[2-9]\d{6}$`)

// possible reports whether a mobile phone could have the number n, even if no range in
// the plans contains n. Only the length is checked, because the length of mobile numbers
// hardly ever changes. Stricter rules fail: comparisons of plans over one year and over
// two years found new ranges with any first digits.
func possible(n *phonenumbers.PhoneNumber) bool {
	national := phonenumbers.GetNationalSignificantNumber(n)
	if n.GetCountryCode() == 1 && !northAmerican.MatchString(national) {
		return false
	}
	return slices.ContainsFunc(plansOf(n), func(plan *phonenumbers.PhoneMetadata) bool {
		mobile := plan.GetMobile()
		lengths := mobile.GetPossibleLength()
		if len(lengths) == 0 {
			lengths = plan.GetGeneralDesc().GetPossibleLength()
		}
		zero := national[0] == '0' && (mobile.GetExampleNumber() == "" || mobile.GetExampleNumber()[0] != '0')
		return !zero && slices.Contains(lengths, int32(len(national))) //nolint:gosec // a national number has at most 17 digits
	})
}

// plansOf returns the plans of all countries that share the country code of n.
func plansOf(n *phonenumbers.PhoneNumber) []*phonenumbers.PhoneMetadata {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil // an error is impossible, because the library has already decoded its plans
	}
	var plans []*phonenumbers.PhoneMetadata
	for _, plan := range all.GetMetadata() {
		if plan.GetCountryCode() == n.GetCountryCode() {
			plans = append(plans, plan)
		}
	}
	return plans
}

// probableCountry returns the country of the doubtful number n. If several countries
// share a country code, the first digits may show the country. Otherwise it is the
// country with the most numbers: US for +1, GB for +44.
func probableCountry(n *phonenumbers.PhoneNumber) string {
	national := phonenumbers.GetNationalSignificantNumber(n)
	for _, plan := range plansOf(n) {
		if leading := plan.GetLeadingDigits(); leading != "" && regexp.MustCompile(`^(?:`+leading+`)`).MatchString(national) {
			return plan.GetId()
		}
	}
	return phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
}
