package differential_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// textDifference is a text about which smsqueue and a library disagree.
type textDifference struct {
	library, text string
	ours, theirs  string // the encoding and the number of parts
}

func (d textDifference) String() string {
	return fmt.Sprintf("%q: smsqueue says %s, %s says %s", d.text, d.ours, d.library, d.theirs)
}

// TestParts compares the results of sms.Measure with those of two libraries.
func TestParts(t *testing.T) {
	all := libraries(t)
	if all == nil {
		return
	}
	texts := randomTexts()
	lines := make([]string, len(texts))
	for i, text := range texts {
		line, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = string(line)
	}
	var differences []textDifference
	for _, l := range all {
		answers := l.run(t, "parts", lines)
		if len(answers) != len(texts) {
			t.Fatalf("%s answers for %d texts, want %d", l.name, len(answers), len(texts))
		}
		for i, theirs := range answers {
			m := sms.Measure(texts[i])
			if ours := fmt.Sprintf("%s %d", m.Encoding, m.Parts); ours != theirs {
				differences = append(differences, textDifference{l.name, texts[i], ours, theirs})
			}
		}
	}
	t.Logf("%d texts", len(texts))
	explain(t, differences, textExplanations)
}

// randomTexts returns texts of every length up to 500 characters, made of characters from
// few or many alphabets. Their lengths are close to the limits of parts more often than by
// chance.
func randomTexts() (texts []string) {
	random := rand.New(rand.NewPCG(3, 4)) // the texts must be the same in every run
	alphabets := []string{
		"abc XYZ 0189 .,:;!?\"'()%&/=+-_<>*#@$£¥¿¡§äöüÄÖÜñÑàèéìòùÇØøÅåÆæßÉΔΦΓΛΩΠΨΣΘΞ", "{}[]\\^~|€", "\n",
		"çáíóúãõâêô", "абвгд", "你好世界", "😀👍🎉", "👨‍👩‍👧🇧🇷é", "ﬁ…–“”‘’ ", "\u200b\u202a\ufeff",
	}
	for length := 1; length <= 500; length++ {
		for range 12 {
			chosen := []string{alphabets[0]}
			for range random.IntN(4) {
				chosen = append(chosen, alphabets[random.IntN(len(alphabets))])
			}
			var text strings.Builder
			for range length {
				// Rare characters appear everywhere in a text, also at the end of a part.
				from := 0
				if random.IntN(10) == 0 {
					from = random.IntN(len(chosen))
				}
				letters := []rune(chosen[from])
				text.WriteRune(letters[random.IntN(len(letters))])
			}
			texts = append(texts, text.String())
		}
	}
	for _, edge := range []int{69, 70, 71, 133, 134, 135, 159, 160, 161, 305, 306, 307} {
		for _, last := range []string{"a", "€", "é", "ç", "😀", "你", "👨‍👩‍👧", "🇧🇷", "e\u0301"} {
			texts = append(texts, strings.Repeat("x", edge-1)+last, strings.Repeat("x", edge)+last+"yy", last+strings.Repeat("x", edge-1))
		}
	}
	return texts
}

// textExplanations lists why smsqueue and the libraries differ about texts.
var textExplanations = []explanation[textDifference]{}
