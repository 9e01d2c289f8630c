package strict

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// maxSeconds is the end of the year 9999: the last second that RFC 3339 can write, and the last
// that a datetime of Python can hold.
const maxSeconds = 253402300799

// NumericDate returns the time of the named member, RFC 7519 section 2, in UTC, and whether
// there is such a member. The member is a JSON number of seconds from 0 to 253402300799. A
// number that has only digits is read exactly. A number with a fraction or an exponent is read
// as the nearest float64, which is right to a microsecond in this century. If this float64 is
// 253402300799 and the number is not, the number counts as out of range.
//
// If the member is anything else, null included, or a number outside of that range, the error
// is a [*MemberError]. A date that cannot be read must not count as absent: otherwise a token
// with the exp "never" would have no exp.
func (o Object) NumericDate(name string) (t time.Time, ok bool, err error) {
	raw, ok := o.Raw(name)
	if !ok {
		return time.Time{}, false, nil
	}
	// Of all JSON values only a number begins with a minus sign or a digit.
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return time.Time{}, true, &MemberError{name, "is not a number"}
	}
	secs, nanos := whole(raw), int64(0)
	inRange := secs <= maxSeconds
	if secs < 0 {
		secs, nanos, inRange = rounded(raw)
	}
	if !inRange {
		return time.Time{}, true, &MemberError{name, "is not a date between the years 1970 and 9999"}
	}
	return time.Unix(secs, nanos).UTC(), true, nil
}

// whole returns the value of a JSON number that is only digits, at most 12 of them, as nearly
// every date is. For any other number it returns -1; rounded reads it.
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

// rounded returns the float64 that is nearest to a JSON number, as seconds and nanoseconds, and
// whether the number is in range: from 0 to maxSeconds, without numbers that differ from
// maxSeconds by a rounding error.
func rounded(number []byte) (secs, nanos int64, inRange bool) {
	mantissa := number
	if e := bytes.IndexAny(number, "eE"); e >= 0 {
		mantissa = number[:e]
	}
	digits := string(bytes.Trim(bytes.ReplaceAll(mantissa, []byte("."), nil), "-0"))
	// The only possible error is that the number is too large for a float64; f is then
	// infinite.
	f, _ := strconv.ParseFloat(string(number), 64)
	switch {
	case digits == "":
		return 0, 0, true // zero, also when spelled -0; -1e-999 has the digit 1 and is refused below
	case number[0] == '-' || f > maxSeconds:
		return 0, 0, false
	case f == maxSeconds:
		// f is rounded, so the number may be a little greater or less than maxSeconds. Only
		// maxSeconds itself passes: f does not tell which of the three the number is.
		return maxSeconds, 0, digits == "253402300799"
	}
	whole, fraction := math.Modf(f)
	return int64(whole), int64(fraction * 1e9), true
}
