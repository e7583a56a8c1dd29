package rules

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// word is a piece of text that must not be written, except in phrases in which
// it has its one meaning. See docs/glossary.md.
type word struct {
	pattern string // a regular expression, whatever the case
	instead string // what to write
	phrases []phrase
}

// phrase allows a word where text, a regular expression, covers it.
type phrase struct {
	files string // a pattern of [path.Match], or of a file's name alone; "" for all files
	text  string // its case counts
}

var dictionary = []word{
	{`carrier`, "provider, for whom we hand over to; a carrier is the mobile network", []phrase{
		// The words of SNS's delivery log, and codes and constants made of them.
		{"", `[Pp]hone('s)? ?[Cc]arrier`},
		{"", `"carrier has blocked"`},
		{"*.go", `A Carrier`},
		{"", `\b(blocked|taken)-by-carrier\b|\bcarrier-fault\b`},
		{"*.go", `\b(BlockedByCarrier|CarrierFault|[bB]yCarrier)\b`},
		// Who confirmed a delivery.
		{"message.go", `Evidence = "carrier"|the carrier took it`},
		{"*.json", `"(evidence|S)": "carrier"`}, // of stored records
		{"openapi.yaml", `enum: \[carrier, handset\]`},
		{"*.md", "`carrier`|plus carrier fees"},
		{"failure.go", `[Tt]he carrier\b`},  // the carrier's faults are in the catalogue
		{"deliverylog.go", `the carrier\b`}, // SNS logs about it
		{"problems.md", `The carrier reported`},
	}},
	{`region`, "country, for a number's; a Region is AWS's, with a capital", []phrase{
		{"", `\bRegions?\b`},
		{"", `\bAWS_(DEFAULT_)?REGION\b|:REGION:`},
		{"*.go", `(aws|AWS|queue)Region|-Daws\.region=`},
		{"*.go", `"region": ?"`}, // of an event
		{"phone.go", `phonenumbers\.Get(SupportedRegions|RegionCodeForNumber)\b`},
		{"*.tf", `\baws_region\b|\blocal\.region\b|^\s+region\s+=|"REGIONAL"|\bskip_region_validation\b`},
		{"*.hcl", `"aws_region"`},
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
		{"", `[Nn]o[ -]quota( left|-bare)?`}, // SNS's log
		{"*.md", `(these|default|spent) quotas?|Quotas are AWS's`},
	}},
	{`(sms|message|text)[ -]segment`, "part", nil},
}

// misused returns a sentence for each word of the dictionary that text, the
// content of a file, uses in another sense than its own.
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

// allowed reports whether one of the word's phrases covers the bytes from begin
// to end of a line.
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
