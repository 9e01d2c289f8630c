package strict

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// maxSeconds is the end of the year 9999, the last second that RFC 3339 can
// write and that every peer's clock type can hold.
const maxSeconds = 253402300799

// NumericDate returns the time that the named member is, RFC 7519 section 2, in
// UTC, and whether there is such a member. The member is a JSON number of
// seconds from 0 to 253402300799, and may have a fraction, which is cut off
// after the nanoseconds, and an exponent. The decimal value counts, exactly:
// nothing is rounded through floating point.
//
// If it is anything else, null included, or a number outside of that range, the
// error is a [*MemberError]. A date that cannot be read must not pass for one
// that is absent: an exp of "never" would then be none.
func (o Object) NumericDate(name string) (t time.Time, ok bool, err error) {
	raw, ok := o.Raw(name)
	if !ok {
		return time.Time{}, false, nil
	}
	// A number is the only value that begins with one of these.
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return time.Time{}, true, &MemberError{name, "is not a number"}
	}
	secs, nanos := whole(raw), int64(0)
	inRange := secs <= maxSeconds
	if secs < 0 {
		secs, nanos, inRange = seconds(raw)
	}
	if !inRange {
		return time.Time{}, true, &MemberError{name, "is not a date between the years 1970 and 9999"}
	}
	return time.Unix(secs, nanos).UTC(), true, nil
}

// whole is a JSON number that consists of up to 12 digits, as nearly every date does,
// or -1 for any other: those are for seconds.
func whole(number []byte) (secs int64) {
	if len(number) > len("253402300799") {
		return -1
	}
	for _, c := range number {
		if c < '0' || c > '9' {
			return -1
		}
		secs = 10*secs + int64(c-'0')
	}
	return secs
}

// seconds splits a JSON number into seconds and nanoseconds, if it is one from 0
// to maxSeconds. Its time depends on the length of the text and not on the
// exponent, which an attacker chooses.
func seconds(number []byte) (secs, nanos int64, ok bool) {
	number, negative := bytes.CutPrefix(number, []byte("-"))
	digits, point := decimal(string(number))
	switch {
	case digits == "":
		return 0, 0, true // -0 is 0
	case negative, point > len("253402300799"):
		return 0, 0, false
	case point < -9:
		return 0, 0, true // less than a nanosecond
	}
	// 9 zeros before and 12 + 9 after, so that all cuts are inside.
	const front = 9
	padded := "000000000" + digits + "000000000000000000000"
	point += front
	// Digits only, and few: what ParseInt can refuse is the empty text, as 0.
	secs, _ = strconv.ParseInt(padded[:point], 10, 64)
	nanos, _ = strconv.ParseInt(padded[point:point+9], 10, 64)
	// Here too the exact value counts: a tenth of a nanosecond is too much.
	beyond := secs == maxSeconds && len(digits)+front > point
	return secs, nanos, secs <= maxSeconds && !beyond
}

// decimal returns the digits of a number without sign, without the zeros at
// both ends, and how many of them stand before the decimal point: the value is
// 0.digits times ten to the power of point.
func decimal(number string) (digits string, point int) {
	number = strings.ToLower(number)
	mantissa, exponent, _ := strings.Cut(number, "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")

	// No text of MaxNumber bytes has digits to set against an exponent of 1000,
	// so a greater one changes nothing, and the sum below cannot overflow. Atoi
	// returns the nearest int on overflow, and 0 where there is no exponent.
	e, _ := strconv.Atoi(exponent)
	e = min(max(e, -1000), 1000)

	digits = strings.TrimLeft(whole+fraction, "0")
	point = len(whole) - (len(whole) + len(fraction) - len(digits)) + e
	return strings.TrimRight(digits, "0"), point
}
