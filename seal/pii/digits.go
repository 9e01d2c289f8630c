package pii

// format is a way to write a number. In the pattern 9 is a digit, A an upper-case letter, X
// either of them, and s a space or a hyphen; every s of one number is the same of the two. Any
// other character stands for itself.
type format struct {
	pattern string
	kind    Kind
	valid   func(written) bool
}

// written holds the digits and letters of a number, without the spaces and signs between them.
// Functions take it by value, so that it stays on the stack and InText allocates no memory.
type written struct {
	chars [maxFormat]byte
	n     int
}

func (w *written) text() []byte { return w.chars[:w.n] }

// maxFormat is larger than the number of digits and letters of every pattern.
const maxFormat = 20

// formats holds the formats that begin with a digit. The index is the number of digits at the
// start of the pattern. If the check of a number accepts more than one in a hundred random
// numbers, only the form with punctuation is listed, not the bare digits. Payment cards are the
// exception: their bare digits are listed, since card numbers leak in that form. Many harmless
// numbers are written in groups of digits with spaces. So a number whose only check is one check
// digit, such as India's Aadhaar, is not listed at all: one in ten of such groups would pass.
var formats = [maxFormat][]format{
	1: {{"9 99 99 99 999 999 99", NationalID, franceNIR}},
	2: {{"99.99.99-999.99", NationalID, belgiumNN}},
	3: {
		{"999-99-9999", NationalID, usSSN},
		{"999.999.999-99", NationalID, brazilCPF},
		{"999.9999.9999.99", NationalID, swissAHV},
		{"999s9999s9999", Phone, koreanMobile},
		{"999) 999-9999", Phone, nanpNumber},
		{"999)999-9999", Phone, nanpNumber},
	},
	4: {
		{"9999s9999s9999s9999", Card, isCard},
		{"9999s999999s99999", Card, isCard},
		{"9999s999999s9999", Card, isCard},
		{"9999s9999s9999s9999s999", Card, isCard},
	},
	6: {
		{"999999-9999999", NationalID, koreaRRN},
		{"999999-9999", NationalID, swedenShort},
		{"999999+9999", NationalID, swedenShort},
		{"999999-999X", NationalID, finlandHETU},
		{"999999+999X", NationalID, finlandHETU},
		{"999999A999X", NationalID, finlandHETU},
		{"999999 99999", NationalID, norwayFNR},
		{"999999A99999999", NationalID, corsicaNIR},
	},
	8: {{"99999999-9999", NationalID, swedenLong}, {"99999999-A", NationalID, spainDNI}},
	11: {
		{"99999999999", NationalID, belgiumNN},
		{"99999999999", NationalID, norwayFNR},
		{"99999999999", NationalID, polandPESEL},
		{"99999999999", Phone, koreanMobileBare},
	},
	13: {
		{"9999999999999", NationalID, koreaRRNBare},
		{"9999999999999", NationalID, southAfricaID},
		{"9999999999999", NationalID, swissAHV},
	},
	14: {{"99999999999999", Card, isCard}},
	15: {{"999999999999999", Card, isCard}, {"999999999999999", NationalID, franceNIR}},
	16: {{"9999999999999999", Card, isCard}},
	17: {{"99999999999999999A", NationalID, chinaRID}},
	18: {{"999999999999999999", NationalID, chinaRID}},
	19: {{"9999999999999999999", Card, isCard}},
}

// atDigits returns the kind of the number that stands at i, the start of a word, if the number
// has one of formats.
func atDigits(text string, i int) (Kind, bool) {
	n := digitsAt(text, i, maxFormat)
	if n >= maxFormat || formats[n] == nil || !startsAt(text, i) {
		return "", false
	}
	for _, f := range formats[n] {
		if f.at(text, i) {
			return f.kind, true
		}
	}
	return "", false
}

// at reports whether a number of the format stands at i and ends there.
func (f format) at(text string, i int) bool {
	var w written
	sep, start := byte(0), i // sep is the separator that the text has where the pattern has a space or an s
	for k := range len(f.pattern) {
		if i == len(text) {
			return false
		}
		b, want := text[i], f.pattern[k]
		if want == 's' {
			if b != ' ' && b != '-' || sep != 0 && sep != b {
				return false
			}
			sep = b
		} else if !fits(b, want) {
			return false
		} else if want == '9' || want == 'A' || want == 'X' {
			w.chars[w.n] = b
			w.n++
		} else {
			sep = b
		}
		i++
	}
	if !endsAt(text, i) || !f.valid(w) {
		return false
	}
	inFours := sep == ' ' && hasPrefixAt(f.pattern, 0, "9999")
	return !inFours || !inSeries(text, start, i)
}

func fits(b, want byte) bool {
	switch want {
	case '9':
		return isDigit(b)
	case 'A':
		return isUpper(b)
	case 'X':
		return isDigit(b) || isUpper(b)
	}
	return b == want
}

// inSeries reports whether another group of four digits stands before start or after end. Then
// the digits between are a part of a longer list, such as a list of ports, and must not pass for
// a payment card.
func inSeries(text string, start, end int) bool {
	const group = 4
	after := end < len(text) && text[end] == ' ' && digitsAt(text, end+1, group) == group
	before := start > group && text[start-1] == ' ' && digitsAt(text, start-1-group, group) == group
	return after || before
}

// number returns the value of decimal digits.
func number(d []byte) int {
	n := 0
	for _, b := range d {
		n = n*10 + int(b-'0')
	}
	return n
}

// weighted returns the sum of the digits times their weights.
func weighted(d []byte, weights string) int {
	sum := 0
	for i := range len(weights) {
		sum += int(d[i]-'0') * int(weights[i]-'0')
	}
	return sum
}

// luhn reports whether the last digit is the check digit of ISO/IEC 7812-1 annex B.
func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			v = v*2 - v/5*9
		}
		sum += v
	}
	return sum%10 == 0
}

// isDate reports whether the Gregorian calendar has this day.
func isDate(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	last := int("\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"[month-1])
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		last++
	}
	return day <= last
}

// isDay reports whether the day exists in 19xx or in 20xx, where year is xx, the last two digits.
func isDay(year, month, day int) bool {
	return isDate(1900+year, month, day) || isDate(2000+year, month, day)
}
