package pii

// isLetterID reports whether a national id that begins with a letter stands at i.
func isLetterID(text string, i int) bool {
	letters := 0
	for i+letters < len(text) && letters <= 6 && isUpper(text[i+letters]) {
		letters++
	}
	var f format
	switch letters {
	case 1:
		f = format{"A9999999A", NationalID, nieOrNRIC}
	case 2:
		f = format{"AA 99 99 99 A", NationalID, ukNINO}
	case 6:
		f = format{"AAAAAA99A99A999A", NationalID, italyCF}
	default:
		return false
	}
	return startsAt(text, i) && f.at(text, i)
}

// nieOrNRIC checks a Spanish NIE or a Singaporean NRIC, which have one pattern. The first letter
// tells which of the two it is.
func nieOrNRIC(w written) bool {
	d := w.text()
	return spainNIE(d) || singaporeNRIC(d)
}

const spainLetters = "TRWAGMYFPDXBNJZSQVHLCKE"

// spainDNI checks the check letter of a Spanish national identity number, such as 12345678-Z.
// The pattern requires the hyphen: without it one in 23 order numbers of this shape would pass.
func spainDNI(w written) bool {
	d := w.text()
	return spainLetters[number(d[:8])%23] == d[8]
}

// spainNIE checks the check letter of the identity number that Spain gives to foreigners. For
// the check its first letter X, Y or Z counts as the digit 0, 1 or 2.
func spainNIE(d []byte) bool {
	if d[0] < 'X' {
		return false
	}
	return spainLetters[(int(d[0]-'X')*10_000_000+number(d[1:8]))%23] == d[8]
}

// singaporeNRIC checks the check letter of numbers of Singaporean identity cards, which begin
// with S or T, and of foreigners' cards, which begin with F or G.
func singaporeNRIC(d []byte) bool {
	sum := weighted(d[1:], "2765432")
	if d[0] == 'T' || d[0] == 'G' {
		sum += 4
	}
	switch d[0] {
	case 'S', 'T':
		return "JZIHGFEDCBA"[sum%11] == d[8]
	case 'F', 'G':
		return "XWUTRQPNMLK"[sum%11] == d[8]
	}
	return false
}

// ukNINO reports whether w can be a British national insurance number. The number has no check
// digit, so only its printed groups count, and ukNINO refuses the prefixes that are never given.
func ukNINO(w written) bool {
	d := w.text()
	for _, b := range d[:2] {
		if isOneOf(b, "DFIQUV") {
			return false
		}
	}
	switch string(d[:2]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return false
	}
	return d[1] != 'O' && d[8] <= 'D'
}

// italyCF checks an Italian tax code, such as RSSMRA85T10A562S: six letters from the names, then
// of the birth the year, a letter for the month, the day (plus 40 for women) and the place, and
// last the check letter.
func italyCF(w written) bool {
	d := w.text()
	day := number(d[9:11])
	if day > 40 {
		day -= 40
	}
	if !isOneOf(d[8], "ABCDEHLMPRST") || day < 1 || day > 31 {
		return false
	}
	// odd gives the value of a character at an odd place, counted from 1: the letter at the
	// index of the digit or letter, where A stands for 0.
	const odd = "BAFHJNPRTVCESULDGIMOQKWZYX"
	sum := 0
	for i, b := range d[:15] {
		v := int(b - '0')
		if isUpper(b) {
			v = int(b - 'A')
		}
		if i%2 == 0 {
			v = int(odd[v] - 'A')
		}
		sum += v
	}
	return byte('A'+sum%26) == d[15]
}
