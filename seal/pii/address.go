package pii

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxAddress is longer than any single address, or pair of coordinates, in the forms below.
const maxAddress = 64

// wholeAddress returns the kind of a text that as a whole is an IP address or a list that begins
// with one, a MAC address or coordinates.
func wholeAddress(text string) (Kind, bool) {
	switch {
	case len(text) < len("::1"):
		return "", false
	case isMAC(text):
		return Device, true
	case isPublicIP(text):
		return IPAddress, true
	case len(text) <= maxAddress && isCoordinates(text):
		return Coordinates, true
	}
	return "", false
}

// isPublicIP reports whether a text is an IP address of the Internet, alone, in brackets, with a
// port, or as the first of a list as X-Forwarded-For has it. The address of a private network, a
// loopback address and a network with its prefix length do not identify a person.
func isPublicIP(text string) bool {
	first, _, _ := strings.Cut(text, ",")
	first = strings.TrimSpace(first)
	if len(first) > maxAddress || !strings.ContainsAny(first, ".:") || strings.Trim(first, "0123456789abcdefABCDEF.:[]") != "" {
		return false // rules out most texts before the costly parsing
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(first, "["), "]"))
	if err != nil {
		port, err := netip.ParseAddrPort(first)
		if err != nil {
			return false
		}
		addr = port.Addr()
	}
	addr = addr.Unmap()
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && !isReserved(addr)
}

// isReserved reports whether an address is one of the IPv4 addresses that no host has: 0.0.0.0/8
// (RFC 1122 section 3.2.1.3) and 240.0.0.0/4 (RFC 1112 section 4).
func isReserved(addr netip.Addr) bool {
	if !addr.Is4() {
		return false
	}
	first := addr.As4()[0]
	return first == 0 || first >= 240
}

// isMAC reports whether a text is the MAC address of a device: an EUI-48 in pairs of hexadecimal
// digits with colons or hyphens between the pairs. An address with an odd first octet is a
// multicast address, which no device has as its own, so isMAC returns false for it.
func isMAC(text string) bool {
	const length = len("00:00:5e:00:53:01")
	if len(text) != length || text[2] != ':' && text[2] != '-' {
		return false
	}
	zero := true
	for i := range length {
		if i%3 == 2 {
			if text[i] != text[2] {
				return false
			}
			continue
		}
		if !isDigit(text[i]) && !isOneOf(text[i]|0x20, "abcdef") {
			return false
		}
		zero = zero && text[i] == '0'
	}
	return !zero && isOneOf(text[1]|0x20, "02468ace0")
}

// isCoordinates reports whether a text is a geo URI (RFC 5870) or a latitude and a longitude in
// degrees with at least three decimals. Three decimals locate a point to about 100 metres, which
// is enough to tell a house or a street.
func isCoordinates(text string) bool {
	text, isURI := strings.CutPrefix(text, "geo:")
	text, _, _ = strings.Cut(text, ";")
	const minDecimals = 3
	latitude, longitude, ok := strings.Cut(text, ",")
	if !ok {
		return false
	}
	if isURI {
		longitude, _, _ = strings.Cut(longitude, ",") // an altitude may follow
	}
	within := func(text string, most float64) bool {
		text = strings.TrimSpace(text)
		_, decimals, _ := strings.Cut(text, ".")
		if !isURI && len(decimals) < minDecimals || strings.Trim(text, "+-.0123456789") != "" {
			return false
		}
		degrees, err := strconv.ParseFloat(text, 64)
		return err == nil && -most <= degrees && degrees <= most
	}
	return within(latitude, 90) && within(longitude, 180)
}
