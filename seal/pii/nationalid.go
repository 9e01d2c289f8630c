package pii

// The national ids that begin with a digit, for people who are alive. Every function
// gets as many characters as its pattern has.

// koreaRRN checks the resident registration number 991231-3123455 (Enforcement Rule
// of the Resident Registration Act, article 2). Numbers given since October 2020 end
// in random digits, so of those who were born later only the date counts.
func koreaRRN(w written) bool {
	d := w.text()
	year, month, ok := koreaBirth(d)
	random := year*12+month >= 2020*12+10 && year < 2050
	return ok && (random || koreaCheck(d))
}

// koreaRRNBare checks a koreaRRN without the hyphen, where many other things have 13
// digits. GS1 prefix 880, which Korean bar codes have, reads as a year and a month too.
func koreaRRNBare(w written) bool {
	d := w.text()
	barcode := number(d[:3]) == 880 && weighted(d, "1313131313131")%10 == 0
	_, _, ok := koreaBirth(d)
	return ok && koreaCheck(d) && !isMillis(d) && !barcode
}

// koreaBirth reads the date and the century, which the seventh digit tells.
func koreaBirth(d []byte) (year, month int, ok bool) {
	year, month = 1900+number(d[:2]), number(d[2:4])
	switch d[6] {
	case '1', '2', '5', '6':
	case '3', '4', '7', '8':
		year += 100
	default:
		return 0, 0, false
	}
	return year, month, isDate(year, month, number(d[4:6]))
}

// koreaCheck checks the last digit. Foreigners, 5 to 8, have another constant.
func koreaCheck(d []byte) bool {
	constant := 11
	if d[6] >= '5' {
		constant = 13
	}
	return (constant-weighted(d, "234567892345")%11)%10 == int(d[12]-'0')
}

// isMillis reports whether 13 digits are a time in milliseconds between 2014 and 2036.
// Many of those begin with a date of birth.
func isMillis(d []byte) bool {
	n := number(d)
	return 1_400_000_000_000 <= n && n < 2_100_000_000_000
}

// chinaRID checks the resident identity number, GB 11643-1999: province, date,
// sequence, and the check character of ISO 7064 MOD 11-2.
func chinaRID(w written) bool {
	d := w.text()
	const provinces = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
	known := false
	for i := 0; i < len(provinces) && !known; i += 3 {
		known = provinces[i] == d[0] && provinces[i+1] == d[1]
	}
	year := number(d[6:10])
	if !known || year < 1900 || year > 2099 || !isDate(year, number(d[10:12]), number(d[12:14])) {
		return false
	}
	sum := weighted(d, "79") + 10*int(d[2]-'0') + weighted(d[3:], "58421637")
	sum += 9*int(d[11]-'0') + 10*int(d[12]-'0') + weighted(d[13:], "5842")
	return "10X98765432"[sum%11] == d[17]
}

// franceNIR checks the social security number: sex, year, month, department,
// commune, order, and a key that is 97 minus the remainder.
func franceNIR(w written) bool {
	d := w.text()
	month := number(d[3:5])
	known := month >= 1 && month <= 12 || month >= 20 && month <= 42
	return isOneOf(d[0], "123478") && known && d[5] <= '9' && 97-number(d[:13])%97 == number(d[13:])
}

// corsicaNIR checks a franceNIR of the departments 2A and 2B, which count as 19 and 18.
func corsicaNIR(w written) bool {
	d := w.text()
	switch string(d[5:7]) {
	case "2A":
		d[5], d[6] = '1', '9'
	case "2B":
		d[5], d[6] = '1', '8'
	default:
		return false
	}
	return franceNIR(w)
}

// belgiumNN checks the national number. For those born since 2000 a 2 is put before
// the digits; women and people of unknown sex without one have 20 and 40 added to
// the month.
func belgiumNN(w written) bool {
	d := w.text()
	n, key := number(d[:9]), number(d[9:])
	if !isDay(number(d[:2]), number(d[2:4])%20, number(d[4:6])) || number(d[2:4]) >= 60 {
		return false
	}
	return 97-n%97 == key || 97-(2_000_000_000+n)%97 == key
}

// norwayFNR checks the birth number and the D-number, whose day has 40 added.
func norwayFNR(w written) bool {
	d := w.text()
	day := number(d[:2])
	if day > 40 {
		day -= 40
	}
	if !isDay(number(d[4:6]), number(d[2:4]), day) {
		return false
	}
	first, second := weighted(d, "3761894521"), weighted(d, "54327654321")
	return first%11 == 0 && second%11 == 0
}

// polandPESEL checks the PESEL of people born from 1900 to 2069, to whose month 20 is
// added in this century. Later days come from random numbers.
func polandPESEL(w written) bool {
	d := w.text()
	year, month := 1900+number(d[:2]), number(d[2:4])
	if month > 20 {
		year, month = year+100, month-20
	}
	return year < 2070 && isDate(year, month, number(d[4:6])) && weighted(d, "13791379131")%10 == 0
}

// finlandHETU checks the personal identity code: the sign between the parts is the
// century.
func finlandHETU(w written) bool {
	d := w.text()
	if len(d) == 11 {
		if !isOneOf(d[6], "ABCDEFUVWXY") {
			return false
		}
		d = append(d[:6], d[7:]...)
	}
	n := number(d[:9])
	return isDay(n/1000%100, n/100_000%100, n/10_000_000) && n%1000 >= 2 &&
		"0123456789ABCDEFHJKLMNPRSTUVWXY"[n%31] == d[9] && !(isDigit(d[9]) && isRecent(d))
}

// isRecent reports whether digits begin with a day from 2010 to 2039, as 260114-0930
// does: the day of an order or a backup more often than of a child's birth.
func isRecent(d []byte) bool {
	return d[0] >= '1' && d[0] <= '3' && isDay(number(d[:2]), number(d[2:4]), number(d[4:6]))
}

// swedenShort checks the personal identity number 811228-9874. Coordination
// numbers have days with 60 added.
func swedenShort(w written) bool {
	d := w.text()
	day := number(d[4:6])
	if day > 60 {
		day -= 60
	}
	return isDay(number(d[:2]), number(d[2:4]), day) && luhn(d) && !isRecent(d)
}

// swedenLong checks a swedenShort with the century.
func swedenLong(w written) bool {
	d := w.text()
	if century := number(d[:2]); century != 19 && century != 20 {
		return false
	}
	w.n = copy(w.chars[:], d[2:])
	return swedenShort(w)
}

// southAfricaID checks the identity number, whose last digit but one is an 8 or a 9.
func southAfricaID(w written) bool {
	d := w.text()
	return isDay(number(d[:2]), number(d[2:4]), number(d[4:6])) && d[10] <= '1' && d[11] >= '8' &&
		!isMillis(d) && luhn(d)
}

// swissAHV checks the number of the Swiss old-age insurance, an EAN of its own.
func swissAHV(w written) bool {
	d := w.text()
	return number(d[:3]) == 756 && weighted(d, "1313131313131")%10 == 0
}

// usSSN checks the shape of the social security number, which has no check digit, and
// leaves out what the Social Security Administration never gives.
func usSSN(w written) bool {
	d := w.text()
	area := number(d[:3])
	return area != 0 && area != 666 && area < 900 && number(d[3:5]) != 0 && number(d[5:]) != 0
}

// brazilCPF checks the two digits of the taxpayer number.
func brazilCPF(w written) bool {
	d := w.text()
	check := func(n int) bool {
		sum := 0
		for i := range n {
			sum += int(d[i]-'0') * (n + 1 - i)
		}
		return sum*10%11%10 == int(d[n]-'0')
	}
	return check(9) && check(10)
}
