package pii

import "strings"

// The number of digits, country calling code included. E.164 allows up to 15; the shortest
// international numbers in use have about 8.
const (
	minPhone = 8
	maxPhone = 15
)

// isPhone reports whether the plus sign text[plus:after] begins a phone number of ITU-T E.164, with
// or without separators. A plus sign behind a letter or digit does not begin a phone number: it
// belongs to a time zone (T10:00+09:00), an exponent (1e+20) or a version (1.2.3+45). No country
// calling code begins with a zero.
func isPhone(text string, plus, after int) bool {
	literal := after-plus == len("+") // an escaped sign may follow another escape, %3A%2B
	if literal && plus > 0 && (isAlnum(text[plus-1]) || isOneOf(text[plus-1], ")]}")) {
		return false
	}
	var d [maxPhone]byte
	n, groups, dots := 0, 0, 0
	for i := after; ; {
		size := digitsAt(text, i, maxPhone)
		if size == 0 || n+size > maxPhone || groups > 1 && size == 1 {
			return false
		}
		n += copy(d[n:], text[i:i+size])
		i += size
		groups++
		// Each end of a group of digits may be the end of the phone number: the digits behind it
		// may belong to another number of the same sentence.
		if endsAt(text, i) && isDialable(d[:n], groups, dots) {
			return true
		}
		next := separatorEnd(text, i)
		if next == i {
			return false
		}
		if text[i] == '.' {
			dots++
		}
		i = next
	}
}

// separatorEnd returns where the digits go on after a separator at i, or i if no separator with
// digits behind it stands there. Separators are those of RFC 3966 section 3, the space, and the
// slash of older numbers. An area code may stand in parentheses, and so may a 0 that callers from
// abroad leave out: separatorEnd skips that 0.
func separatorEnd(text string, i int) int {
	start := i
	for _, trunk := range [...]string{" (0)", "(0)"} {
		if hasPrefixAt(text, i, trunk) {
			start = i + len(trunk) - len(")")
		}
	}
	j := start
	for j < len(text) && j-start < len(") (") && isOneOf(text[j], " -.()/") {
		j++
	}
	if j == len(text) || !isDigit(text[j]) {
		return i
	}
	if j-start > 1 && !strings.ContainsAny(text[start:j], "()") {
		return i // such as the " -" between two numbers
	}
	return j
}

// isDialable reports whether d begins with a country calling code and has a length that phone
// numbers of that country have. Two groups with one dot between them are a decimal fraction, not a
// phone number.
func isDialable(d []byte, groups, dots int) bool {
	code := callingCode(d)
	if code == 1 && d[0] == '1' {
		return isNANP(d[1:])
	}
	if code == 0 || groups == 2 && dots == 1 {
		return false
	}
	lo, hi := minPhone, maxPhone
	switch string(d[:code]) {
	case "7", "33", "34", "61":
		lo, hi = 11, 11
	case "20", "82":
		lo, hi = 10, 12
	case "44", "81":
		lo, hi = 11, 12
	case "52", "55":
		lo, hi = 12, 13
	case "86":
		lo, hi = 11, 13
	case "91":
		lo, hi = 12, 12
	}
	return lo <= len(d) && len(d) <= hi
}

// isNANP reports whether d can be a number of the North American Numbering Plan:
// neither area nor exchange begins with 0 or 1.
func isNANP(d []byte) bool {
	return len(d) == 10 && d[0] >= '2' && d[3] >= '2'
}

// callingCode returns the number of digits of the country calling code that d begins with, or 0
// if d begins with none (ITU-T, list of E.164 assigned country codes). No calling code begins
// with another one, so the first digits tell the length.
func callingCode(d []byte) int {
	if len(d) < minPhone {
		return 0
	}
	if d[0] == '1' || d[0] == '7' {
		return 1
	}
	const two = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 " +
		"60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"
	for i := 0; i < len(two); i += 3 {
		if two[i] == d[0] && two[i+1] == d[1] {
			return 2
		}
	}
	const three = "211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 " +
		"236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 " +
		"261 262 263 264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 " +
		"370 371 372 373 374 375 376 377 378 379 380 381 382 383 385 386 387 389 420 421 423 500 501 502 " +
		"503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 674 675 676 677 " +
		"678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 852 853 855 856 870 878 880 " +
		"881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 992 " +
		"993 994 995 996 998"
	for i := 0; i < len(three); i += 4 {
		if three[i:i+3] == string(d[:3]) {
			return 3
		}
	}
	return 0
}

// isTel reports whether a tel URI with a global or a local number stands at i (RFC 3966).
func isTel(text string, i int) bool {
	if !foldPrefixAt(text, i, "tel:") || !startsAt(text, i) {
		return false
	}
	digits := 0
	for j := i + len("tel:"); j < len(text) && digits < minTel; j++ {
		if isDigit(text[j]) {
			digits++
		} else if !isOneOf(text[j], "+-.()") {
			return strings.HasPrefix(text[j:], ";phone-context=")
		}
	}
	return digits >= minTel
}

// minTel is how many digits a tel URI without a phone-context must have at least to count as a
// phone number.
const minTel = 7

// koreanMobile checks a Korean mobile number in national notation, which has no country calling
// code. Hardly any other number is written in this pattern.
func koreanMobile(w written) bool {
	d := w.text()
	return d[0] == '0' && d[1] == '1' && isOneOf(d[2], "016789")
}

// koreanMobileBare checks a Korean mobile number without separators. It accepts only the prefix
// 010, which nearly all such numbers have: each further prefix of three digits would match one
// in a thousand of all other numbers of this length.
func koreanMobileBare(w written) bool {
	return number(w.text()[:3]) == 10
}

// nanpNumber checks a number of the North American Numbering Plan in the notation (999) 999-9999.
func nanpNumber(w written) bool {
	d := w.text()
	return isNANP(d)
}
