package pii

// ibanLengths lists the countries of the IBAN registry (SWIFT, ISO 13616-2), each with the length
// of its IBANs in characters.
const ibanLengths = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 " +
	"DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 " +
	"IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 " +
	"MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 " +
	"SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 "

// isIBAN reports whether an IBAN stands at i, in one piece or in the groups of four
// of its printed form (ISO 13616-1). All its letters must have one case, which rules out
// random text in mixed case. A hash in lower-case hexadecimal has one case, too. So a
// lower-case text of hexadecimal digits counts only if all characters behind the country
// code are decimal digits, as in the IBANs of DE, BE, BA, EE and AE.
func isIBAN(text string, i int) bool {
	if len(text)-i < len("NO93") || !isLetter(text[i]) || !isDigit(text[i+2]) || !isDigit(text[i+3]) {
		return false
	}
	lower := text[i] & 0x20
	length := ibanLength(text[i]^lower, text[i+1]^lower)
	if length == 0 || !startsAt(text, i) {
		return false
	}
	const maxIBAN = 33
	var b [maxIBAN]byte
	n, hex, letters := 0, lower != 0, 0
	for ; n < length && i < len(text); i++ {
		switch {
		case isLetter(text[i]) && text[i]&0x20 == lower:
			hex = hex && text[i] <= 'f'
			letters++
			b[n] = text[i] ^ lower
			n++
		case isDigit(text[i]):
			b[n] = text[i]
			n++
		case text[i] != ' ' || n%4 != 0 || text[i-1] == ' ':
			return false
		}
	}
	if n < length || !endsAt(text, i) || hex && letters > len("DE") {
		return false
	}
	return mod97(b[4:n], b[:4]) == 1
}

// ibanLength returns the length of the IBANs of a country, or 0 if the registry has no country
// with these two letters.
func ibanLength(first, second byte) int {
	for i := 0; i < len(ibanLengths); i += len("AD24 ") {
		if ibanLengths[i] == first && ibanLengths[i+1] == second {
			return number([]byte(ibanLengths[i+2 : i+4]))
		}
	}
	return 0
}

// mod97 returns the remainder modulo 97 of the number that the parts spell one behind the other
// (ISO/IEC 7064 MOD 97-10). A letter stands for two digits: A for 10, Z for 35.
func mod97(parts ...[]byte) int {
	n := 0
	for _, part := range parts {
		for _, b := range part {
			if isDigit(b) {
				n = (n*10 + int(b-'0')) % 97
			} else {
				n = (n*100 + int(b-'A') + 10) % 97
			}
		}
	}
	return n
}
