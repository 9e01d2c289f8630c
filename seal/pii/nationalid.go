package pii

// The checks of national ids that begin with a digit. They accept birth dates of people who may
// be alive. The caller matches the pattern first, so every function gets as many characters as
// its pattern has.

// koreaRRN checks a Korean resident registration number, such as 991231-3123455 (Enforcement
// Rule of the Resident Registration Act, article 2). Numbers given since October 2020 end
// in random digits without a check digit. So for a birth date since then only the date is
// checked.
func koreaRRN(w written) bool {
	d := w.text()
	year, month, ok := koreaBirth(d)
	random := year*12+month >= 2020*12+10 && year < 2050
	return ok && (random || koreaCheck(d))
}

// koreaRRNBare checks a resident registration number without the hyphen. Other numbers have 13
// digits too, so it requires the check digit, and refuses times in milliseconds and Korean bar
// codes. A bar code with the GS1 prefix 880 can read as a birth date in 1988.
func koreaRRNBare(w written) bool {
	d := w.text()
	barcode := number(d[:3]) == 880 && weighted(d, "1313131313131")%10 == 0
	_, _, ok := koreaBirth(d)
	return ok && koreaCheck(d) && !isMillis(d) && !barcode
}

// koreaBirth returns the year and the month of birth. The seventh digit tells the century. It
// reports false if the digits are not a date.
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

// koreaCheck checks the last digit, the check digit. In the numbers of foreigners, whose seventh
// digit is 5 to 8, the formula has another constant.
func koreaCheck(d []byte) bool {
	constant := 11
	if d[6] >= '5' {
		constant = 13
	}
	return (constant-weighted(d, "234567892345")%11)%10 == int(d[12]-'0')
}

// isMillis reports whether 13 digits are a time in milliseconds since 1970, between 2014 and
// 2036. The first six digits of many such times also read as a date of birth.
func isMillis(d []byte) bool {
	n := number(d)
	return 1_400_000_000_000 <= n && n < 2_100_000_000_000
}

// chinaRID checks a Chinese resident identity number, GB 11643-1999: province, date of birth,
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

// franceNIR checks a French social security number: sex, year, month, department, commune,
// order, and two check digits, which are 97 minus the remainder of the other digits modulo 97.
func franceNIR(w written) bool {
	d := w.text()
	month := number(d[3:5])
	known := month >= 1 && month <= 12 || month >= 20 && month <= 42
	return isOneOf(d[0], "123478") && known && d[5] <= '9' && 97-number(d[:13])%97 == number(d[13:])
}

// corsicaNIR checks a French social security number of the Corsican departments 2A and 2B. For
// the check digits, 2A counts as 19 and 2B as 18.
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

// belgiumNN checks a Belgian national number. For people born since 2000 a 2 stands before the
// nine digits when the check digits are computed. In the BIS number of a person who is not in
// the national register, 20 or 40 is added to the month.
func belgiumNN(w written) bool {
	d := w.text()
	n, key := number(d[:9]), number(d[9:])
	if !isDay(number(d[:2]), number(d[2:4])%20, number(d[4:6])) || number(d[2:4]) >= 60 {
		return false
	}
	return 97-n%97 == key || 97-(2_000_000_000+n)%97 == key
}

// norwayFNR checks a Norwegian birth number, or a D-number, in which 40 is added to the day.
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

// polandPESEL checks a Polish PESEL of people born from 1900 to 2069. For births since 2000, 20
// is added to the month. Birth years from 2070 on are refused, since only random numbers have
// them.
func polandPESEL(w written) bool {
	d := w.text()
	year, month := 1900+number(d[:2]), number(d[2:4])
	if month > 20 {
		year, month = year+100, month-20
	}
	return year < 2070 && isDate(year, month, number(d[4:6])) && weighted(d, "13791379131")%10 == 0
}

// finlandHETU checks a Finnish personal identity code. The sign between its two parts tells the
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

// isRecent reports whether the first six digits are a day from 2010 to 2039, as in 260114-0930.
// Such a day is more often the date of an order or a backup than the birthday of a child.
func isRecent(d []byte) bool {
	return d[0] >= '1' && d[0] <= '3' && isDay(number(d[:2]), number(d[2:4]), number(d[4:6]))
}

// swedenShort checks a Swedish personal identity number, such as 811228-9874. In a coordination
// number, which people without such a number get, 60 is added to the day.
func swedenShort(w written) bool {
	d := w.text()
	day := number(d[4:6])
	if day > 60 {
		day -= 60
	}
	return isDay(number(d[:2]), number(d[2:4]), day) && luhn(d) && !isRecent(d)
}

// swedenLong checks a Swedish personal identity number that begins with the century, such as
// 19811228-9874.
func swedenLong(w written) bool {
	d := w.text()
	if century := number(d[:2]); century != 19 && century != 20 {
		return false
	}
	w.n = copy(w.chars[:], d[2:])
	return swedenShort(w)
}

// southAfricaID checks a South African identity number: date of birth, a citizenship digit of 0
// or 1, an 8 or a 9 as the last digit but one, and the check digit.
func southAfricaID(w written) bool {
	d := w.text()
	return isDay(number(d[:2]), number(d[2:4]), number(d[4:6])) && d[10] <= '1' && d[11] >= '8' &&
		!isMillis(d) && luhn(d)
}

// swissAHV checks a number of the Swiss old-age insurance. It begins with 756, and its check
// digit is computed as in an EAN bar code.
func swissAHV(w written) bool {
	d := w.text()
	return number(d[:3]) == 756 && weighted(d, "1313131313131")%10 == 0
}

// usSSN reports whether w can be a social security number of the United States. The number has no
// check digit, so usSSN only refuses the numbers that the Social Security Administration never
// gives.
func usSSN(w written) bool {
	d := w.text()
	area := number(d[:3])
	return area != 0 && area != 666 && area < 900 && number(d[3:5]) != 0 && number(d[5:]) != 0
}

// brazilCPF checks the two check digits of a Brazilian taxpayer number.
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
