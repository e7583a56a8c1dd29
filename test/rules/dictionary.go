package rules

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// A word must not be written, except in the listed phrases. In these phrases it has its one
// meaning. See docs/glossary.md.
type word struct {
	pattern string // a regular expression; case does not matter
	instead string // what to write in its place
	phrases []phrase
}

// A phrase allows a word in those places where the word is part of a match of the field
// `text`.
type phrase struct {
	files string // a pattern of [path.Match] for the path or the file name; "" means all files
	text  string // a regular expression; case matters
}

var dictionary = []word{
	{`carrier`, "provider, for whom we hand over to; a carrier is the mobile network", []phrase{
		// These words are from SNS's delivery log, or are codes and constants that are made from its words.
		{"", `[Pp]hone('s)? ?[Cc]arrier`},
		{"", `"carrier has blocked"`},
		{"*.go", `A Carrier`},
		{"", `\b(blocked|taken)-by-carrier\b|\bcarrier-fault\b`},
		{"*.go", `\b(BlockedByCarrier|CarrierFault|[bB]yCarrier)\b`},
		// Evidence says who confirmed a delivery.
		{"message.go", `Evidence = "carrier"|the carrier confirmed the delivery`},
		{"*.json", `"(evidence|S)": "carrier"`}, // in stored records
		{"openapi.yaml", `enum: \[carrier, handset\]`},
		{"*.md", "`carrier`|plus carrier fees"},
		{"failure.go", `[Tt]he carrier\b`},               // the catalogue of failures includes the carrier's faults
		{"deliverylog.go", `[Tt]he carrier\b|"carrier"`}, // SNS's log mentions the carrier
		{"parse_test.go", `Delivered to carrier|phone's CARRIER`},
		{"problems.md", `The carrier reported`},
	}},
	{`region`, "country, for a number's; a Region is AWS's, with a capital", []phrase{
		{"", `\bRegions?\b`},
		{"", `\bAWS_(DEFAULT_)?REGION\b|:REGION:|"REGION"`},
		{"*.go", `(aws|AWS|queue)Region|-Daws\.region=`},
		{"*.go", `"region": ?"`}, // in an event
		{"phone.go", `phonenumbers\.Get(SupportedRegions|RegionCodeForNumber)\b`},
		{"plan.go", `phonenumbers\.GetRegionCodeForCountryCode\b`},
		{"numbers.py", `COUNTRY_CODE_TO_REGION_CODE|metadata_for_(nongeo_)?region|region_code_for_number`},
		{"*.tf", `\baws_region\b|\blocal\.region\b|^\s+region\s+=|"REGIONAL"|\bregional_[a-z_]+|\bskip_region_validation\b`},
		{"*.hcl", `\baws_region\b`},
	}},
	{`snscarrier`, "sns", nil},
	{`\bdoubt(s|ed|ing)?\b`, "unanswered, for a hand-over", nil},
	{`kept[ -]?receipt`, "pending receipt", nil},
	{`unsettled`, "unanswered, of a hand-over, or unmatched", nil},
	{`settled (message|record)`, "at rest", nil},
	{`cancell(ed|ing)\b`, "canceled, canceling", nil},
	{`enqueueing`, "enqueuing", nil},
	{`errors\.As\(`, "errors.AsType", nil},
	{`\bquotas?\b`, "limit, for how much an owner may send; quotas are AWS's", []phrase{
		{"", `[Nn]o[ -]quota( left|-bare)?`}, // in SNS's log
		{"*.md", `(these|default|spent) quotas?|Quotas are AWS's`},
		{"", `AWS's quota|Service Quotas`},
	}},
	{`(sms|message|text)[ -]segment`, "part", []phrase{
		{"", `sms-segments-calculator`}, // a library
	}},
}

// Returns a sentence for each word that is used in a text with another meaning than its
// one meaning.
func misused(file, text string) []string {
	var wrong []string
	for _, w := range dictionary {
		for _, found := range regexp.MustCompile("(?i)"+w.pattern).FindAllStringIndex(text, -1) {
			begin := strings.LastIndexByte(text[:found[0]], '\n') + 1
			line, _, _ := strings.Cut(text[begin:], "\n")
			if w.allowed(file, line, found[0]-begin, found[1]-begin) {
				continue
			}
			number := 1 + strings.Count(text[:begin], "\n")
			wrong = append(wrong, fmt.Sprintf("%s:%d: not %q here, but %s", file, number, text[found[0]:found[1]], w.instead))
		}
	}
	return wrong
}

// Reports whether a phrase covers the part of the line between the two offsets.
func (w word) allowed(file, line string, begin, end int) bool {
	for _, p := range w.phrases {
		if !p.holdsIn(file) {
			continue
		}
		for _, span := range regexp.MustCompile(p.text).FindAllStringIndex(line, -1) {
			if span[0] <= begin && end <= span[1] {
				return true
			}
		}
	}
	return false
}

func (p phrase) holdsIn(file string) bool {
	whole, _ := path.Match(p.files, file)
	name, _ := path.Match(p.files, path.Base(file))
	return p.files == "" || whole || name
}
