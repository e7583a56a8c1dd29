package sms

import (
	"strings"
	"sync"
)

// These are the GSM 7 bit default alphabet and its extension table (3GPP TS 23.038,
// 6.2.1). The alphabet has the capital Ç, but not the small ç.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

var gsmSeptets = func() map[rune]int {
	m := make(map[rune]int, len(gsmBasic)+len(gsmExtension))
	for _, r := range gsmBasic {
		m[r] = 1
	}
	for _, r := range gsmExtension {
		m[r] = 2 // escape, then the character
	}
	return m
}()

// septets returns the number of septets that r takes in GSM-7, or 0 if GSM-7 lacks r.
func septets(r rune) int { return gsmSeptets[r] }

// standIn returns GSM-7 text that reads like r. ok is false if there is no such text.
func standIn(r rune) (string, bool) {
	if s, ok := standIns()[r]; ok {
		return s, true
	}
	if '！' <= r && r <= '～' { // full-width ASCII
		return string(r - '！' + '!'), true
	}
	return "", false
}

// standIns returns the stand-ins of all characters except full-width ones. The map is
// built when it is first used, because most texts do not need it.
var standIns = sync.OnceValue(func() map[rune]string {
	m := make(map[rune]string, 1024)
	for line := range strings.Lines(letterStandIns) {
		standIn, letters, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, r := range letters {
			m[r] = standIn
		}
	}
	for standIn, characters := range signStandIns {
		for _, r := range characters {
			m[r] = standIn
		}
	}
	return m
})

// signStandIns maps each stand-in to the signs that it can replace.
var signStandIns = map[string]string{
	"'":    "‘’‚‛′`´ʹʻʼ｀",
	`"`:    "“”„‟″«»",
	"<":    "‹",
	">":    "›",
	"-":    "‐‑‒–—―−⁃",
	"...":  "…",
	".":    "·",
	"*":    "•",
	"/":    "⁄÷",
	"x":    "×",
	"|":    "¦",
	"->":   "→",
	"<-":   "←",
	"(C)":  "©",
	"(R)":  "®",
	"(TM)": "™",
	"No":   "№",
	"1/4":  "¼",
	"1/2":  "½",
	"3/4":  "¾",
	"a":    "ª",
	"o":    "º",
	"1":    "¹",
	"2":    "²",
	"3":    "³",
	"ff":   "ﬀ",
	"fi":   "ﬁ",
	"fl":   "ﬂ",
	" ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" +
		"\u202f\u205f\u3000",
	"\n": "\v\u0085\u2028\u2029",
	// These characters can be left out: soft hyphens, zero width characters, direction marks, variation
	// selectors, and the accents that follow a letter in decomposed text.
	"": "\u00ad\u034f\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e" +
		"\u2060\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff" +
		"\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u031b" +
		"\u0323\u0324\u0325\u0326\u0327\u0328\u032d\u032e\u0330\u0331",
}
