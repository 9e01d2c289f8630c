package pii

// A personal value has to stand by itself, between other characters. Identifiers of machines are
// long runs of letters and digits, and any of them may happen to contain the digits of a card or a
// phone number. Only ASCII letters and digits join a word: in Korean or Japanese a letter stands
// next to a number without a space.

func isDigit(b byte) bool  { return b-'0' < 10 }
func isUpper(b byte) bool  { return b-'A' < 26 }
func isLetter(b byte) bool { return (b|0x20)-'a' < 26 }
func isAlnum(b byte) bool  { return isDigit(b) || isLetter(b) }

func isOneOf(b byte, set string) bool {
	for i := range len(set) {
		if set[i] == b {
			return true
		}
	}
	return false
}

// wordEnd returns the end of the letters and digits at i.
func wordEnd(text string, i int) int {
	for i < len(text) && isAlnum(text[i]) {
		i++
	}
	return i
}

// digitsAt returns how many digits stand at i, or some number above limit if there
// are more.
func digitsAt(text string, i, limit int) int {
	n := 0
	for i+n < len(text) && n <= limit && isDigit(text[i+n]) {
		n++
	}
	return n
}

// maxLabel is the length of the longest word that may be joined to a number as its label, as in
// user-4111111111111111. A number that is joined to a longer word is a part of an identifier.
const maxLabel = 16

// isJoint reports whether b makes one identifier of the words at its two sides.
func isJoint(b byte) bool { return b == '-' || b == '_' || b == '.' }

// startsAt reports whether the word that begins at i starts there, and is not the rest of a longer
// identifier. A short label without digits may be joined to it from the left.
func startsAt(text string, i int) bool {
	if i == 0 || !isJoint(text[i-1]) {
		return true
	}
	for j := i - 2; j >= 0 && isAlnum(text[j]); j-- {
		if isDigit(text[j]) || i-1-j > maxLabel {
			return false
		}
	}
	return true
}

// endsAt reports whether the word that ends before i ends there, and is not the beginning of a
// longer identifier. A short label without digits may be joined to it from the right.
func endsAt(text string, i int) bool {
	if i == len(text) {
		return true
	}
	if !isJoint(text[i]) {
		return !isAlnum(text[i])
	}
	for j := i + 1; j < len(text) && isAlnum(text[j]); j++ {
		if isDigit(text[j]) || j-i > maxLabel {
			return false
		}
	}
	return true
}

// atWord returns the kind of personal data that begins at i, the first letter or digit of a word.
func atWord(text string, i int) (Kind, bool) {
	if isDigit(text[i]) {
		return atDigits(text, i)
	}
	if isToken(text, i) {
		return Token, true
	}
	switch {
	case isAgeKey(text, i):
		return PrivateKey, true
	case isTel(text, i):
		return Phone, true
	case isIBAN(text, i):
		return IBAN, true
	case isLetterID(text, i):
		return NationalID, true
	}
	return "", false
}

// atSign returns the kind of personal data that the character at i, neither letter nor digit,
// belongs to, such as the e-mail address around an at sign.
func atSign(text string, i int) (Kind, bool) {
	switch text[i] {
	case '@':
		return Email, isEmail(text, i, i+1)
	case '%':
		// In the query of a URL the at sign is written %40, and the plus sign %2B (RFC 3986
		// section 2.1).
		if hasPrefixAt(text, i, "%40") {
			return Email, isEmail(text, i, i+3)
		}
		if hasPrefixAt(text, i, "%2B") || hasPrefixAt(text, i, "%2b") {
			return Phone, isPhone(text, i, i+3)
		}
	case '+':
		return Phone, isPhone(text, i, i+1)
	case '-':
		return PrivateKey, isPEM(text, i)
	case ':':
		return Token, isUserinfo(text, i)
	}
	return "", false
}

func hasPrefixAt(text string, i int, prefix string) bool {
	return len(text)-i >= len(prefix) && text[i:i+len(prefix)] == prefix
}
