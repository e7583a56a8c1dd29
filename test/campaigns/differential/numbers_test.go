package differential_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/smsqueue/smsqueue/shared/phone"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// verdict holds what a library or smsqueue reports about a number.
type verdict struct {
	form     string // in E.164 form
	valid    bool   // in a range that the plans contain
	doubtful bool   // accepted, although no range contains the number; only smsqueue reports this
	kind     string
	country  string
}

// difference is a number about which smsqueue and a library disagree.
type difference struct {
	library, number string
	ours, theirs    verdict
}

func (d difference) String() string {
	return fmt.Sprintf("%s: smsqueue says %+v, %s says %+v", d.number, d.ours, d.library, d.theirs)
}

func matches(pattern string) func(difference) bool {
	compiled := regexp.MustCompile("^(?:" + pattern + ")$")
	return func(d difference) bool { return compiled.MatchString(d.number) }
}

// TestNumbers compares the results of phone.Rules with those of newer libraries.
func TestNumbers(t *testing.T) {
	all := libraries(t)
	numbers := append(all[0].run(t, "generate", nil), builtIn(t)...)
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	var differences []difference
	accepted, refused := 0, 0
	for _, l := range all {
		for i, line := range l.run(t, "check", numbers) {
			fields := strings.Fields(line)
			if len(fields) != 5 || fields[0] != numbers[i] {
				t.Fatalf("%s answers %q for %s", l.name, line, numbers[i])
			}
			d := difference{library: l.name, number: numbers[i], ours: ours(numbers[i])}
			d.theirs = verdict{form: string(sms.Number(fields[1]).Canonical()), valid: fields[2] == "1", kind: fields[3], country: fields[4]}
			switch {
			case d.ours.form == "" && !d.theirs.valid:
				refused++ // both refuse it
			case d.ours.doubtful && !d.theirs.valid:
				accepted++ // smsqueue accepts numbers that could be in a new range
			case d.ours != d.theirs:
				differences = append(differences, d)
			}
		}
	}
	t.Logf("%d numbers; of those that a library calls invalid, both refuse %d, and smsqueue accepts %d as doubtful", len(numbers), refused, accepted)
	explain(t, differences, explanations)
}

func ours(number string) verdict {
	got, err := phone.Rules{}.Parse(number)
	if err != nil {
		return verdict{}
	}
	v := verdict{form: string(got.Number), valid: !got.Doubtful, doubtful: got.Doubtful, kind: string(got.Type), country: got.Country}
	if got.Type == phone.Unknown {
		v.kind = "-"
	}
	return v
}

// builtIn returns numbers like those in the plans that are built into smsqueue. Some of
// these numbers can have been withdrawn since. Each digit of each example is changed, and
// the digits after the first four are random.
func builtIn(t *testing.T) (numbers []string) {
	t.Helper()
	plans, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) // the numbers must be the same in every run
	for _, plan := range plans.GetMetadata() {
		for _, d := range []*phonenumbers.PhoneNumberDesc{
			plan.GetMobile(), plan.GetFixedLine(), plan.GetTollFree(), plan.GetPremiumRate(), plan.GetSharedCost(),
			plan.GetPersonalNumber(), plan.GetVoip(), plan.GetPager(), plan.GetUan(), plan.GetVoicemail(),
		} {
			example := []byte(d.GetExampleNumber())
			for i := range example {
				for digit := byte('0'); digit <= '9'; digit++ {
					changed := slices.Clone(example)
					changed[i] = digit
					for j := max(i+1, 4); j < len(changed); j++ {
						changed[j] = '0' + byte(random.IntN(10))
					}
					numbers = append(numbers, fmt.Sprintf("+%d%s", plan.GetCountryCode(), changed))
				}
			}
		}
	}
	return numbers
}

// explanations lists why smsqueue and the libraries differ. For each difference, the first explanation that
// holds is used.
var explanations = []explanation[difference]{
	{"a newer range, which smsqueue accepts as doubtful", func(d difference) bool {
		return d.ours.doubtful && d.theirs.valid && d.ours.form == d.theirs.form && d.ours.country == d.theirs.country
	}},
	{"Canada's new area code 273: its country is not known yet, so smsqueue says US", matches(`\+1273\d{7}`)},
	{"Argentina: smsqueue gives every number with an area code the 9 of mobile numbers", matches(`\+540?[123]\d{9}`)},
	{"fewer than 7 digits or more than 15: no mobile number in E.164", func(d difference) bool {
		_, err := sms.ParseNumber(d.theirs.form)
		return d.theirs.valid && d.ours.form == "" && err != nil
	}},
	{"a newer range of landlines, of a length that mobile numbers of the country do not have", func(d difference) bool {
		return d.theirs.valid && d.ours.form == "" && d.theirs.kind == "fixed-line"
	}},
	{"Gambia: numbers are becoming longer; the release must have a newer plan", matches(`\+2208\d{8}`)},
	{"the JavaScript library tells landlines from mobile numbers less often", func(d difference) bool {
		return d.library == "JavaScript" && d.theirs.kind == "fixed-line-or-mobile" && d.ours.kind == "fixed-line" && d.ours.country == d.theirs.country
	}},
	{"Botswana: numbers for VoIP became mobile numbers", matches(`\+26779[12]\d{5}`)},
	{"Costa Rica: some landlines became numbers for VoIP", matches(`\+5062000\d{4}`)},
	{"Hong Kong: some numbers of pagers became mobile numbers", matches(`\+8527102\d{4}`)},
	{"India: some landlines became mobile numbers", matches(`\+910?79\d{8}`)},
	{"Malawi: some landlines became mobile numbers", matches(`\+265224\d{6}`)},
	{"China: some area codes of landlines were merged; they get no messages", matches(`\+86(?:378|41|634)\d{6,8}`)},
}
