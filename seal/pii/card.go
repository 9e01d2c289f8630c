package pii

// isCard reports whether w is a payment card number: it has the prefix of a card network, a
// length that the network issues, and a right check digit (ISO/IEC 7812-1). isCard returns
// false for lengths that networks no longer issue, such as Visa's 13 digits, and for Maestro
// numbers that do not have 16 digits: numbers of these lengths are mostly something else.
func isCard(w written) bool {
	d := w.text()
	return isNetwork(number(d[:4]), len(d)) && luhn(d)
}

func isNetwork(prefix, length int) bool {
	within := func(lo, hi int) bool { return lo <= prefix && prefix <= hi }
	switch length {
	case 14:
		return within(3000, 3059) || within(3600, 3699) || within(3800, 3999) // Diners Club
	case 15:
		return within(3400, 3499) || within(3700, 3799) // American Express
	case 16:
		return within(4000, 4999) || // Visa
			within(5100, 5599) || within(2221, 2720) || // Mastercard
			within(6011, 6011) || within(6440, 6599) || // Discover
			within(3528, 3589) || // JCB
			within(6200, 6299) || // UnionPay
			within(2200, 2204) || // Mir
			prefix == 5018 || prefix == 5020 || prefix == 5038 || prefix == 6304 ||
			prefix == 6759 || within(6761, 6763) // Maestro
	case 19:
		return within(6200, 6299) // UnionPay
	}
	return false
}
