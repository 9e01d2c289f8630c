package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/seal/leak"
)

// moment is a time for a reader: the date, and how far away it is.
type moment struct {
	Date string // RFC 3339
	Away string // such as "in 3 d 4 h"; empty if less than a second
}

func momentOf(t, now time.Time) moment {
	m := moment{Date: t.UTC().Format(time.RFC3339)}
	switch d := t.Sub(now); {
	case d >= time.Second:
		m.Away = "in " + span(d)
	case d <= -time.Second:
		m.Away = span(-d) + " ago"
	}
	return m
}

var units = []struct {
	of   time.Duration
	name string
}{{365 * 24 * time.Hour, "y"}, {24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}

// whole returns a duration in days, hours, minutes and seconds.
func whole(d time.Duration) string {
	var list []string
	for _, u := range units[1:] {
		if n := d / u.of; n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, u.name))
			d -= n * u.of
		}
	}
	return strings.Join(list, " ")
}

// span returns a duration in its two largest units, rounded down.
func span(d time.Duration) string {
	for i, u := range units {
		if d < u.of && i < len(units)-1 {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.of, u.name)
		if rest := d % u.of; i+1 < len(units) && rest >= units[i+1].of {
			text += fmt.Sprintf(" %d %s", rest/units[i+1].of, units[i+1].name)
		}
		return text
	}
	return ""
}

// dateOf returns the date in a claim that holds a NumericDate (RFC 7519 section 2), compared with
// now. ok is false for all other members, and for a value outside the years 1970 to 9999.
func dateOf(m *leak.Member, now time.Time) (at moment, ok bool) {
	ahead, past := "in %s", "%s ago"
	switch m.Name {
	case "exp":
		ahead, past = "expires in %s", "expired %s ago"
	case "nbf":
		ahead, past = "begins in %s", "began %s ago"
	case "iat":
		ahead, past = "issued in the future: in %s", "issued %s ago"
	case "auth_time", "updated_at", "toe", "email_verified_at":
	default:
		return moment{}, false
	}
	seconds, err := strconv.ParseFloat(string(m.Value), 64)
	const year10000 = 253402300800
	if err != nil || seconds < 0 || seconds >= year10000 {
		return moment{}, false
	}
	t := time.Unix(int64(seconds), 0)
	at = moment{Date: t.UTC().Format(time.RFC3339)}
	// time.Duration holds 292 years, and a date may be in the year 9999.
	if d := t.Unix() - now.Unix(); d > 0 {
		at.Away = fmt.Sprintf(ahead, longSpan(d))
	} else {
		at.Away = fmt.Sprintf(past, longSpan(-d))
	}
	return at, true
}

// Date returns the date that a NumericDate means (RFC 7519 section 2), and how far it is from now,
// such as "2026-12-01T12:00:00Z, expires in 1 d". It returns an empty text for all other members.
func Date(m *leak.Member, now time.Time) string {
	at, ok := dateOf(m, now)
	if !ok {
		return ""
	}
	return at.Date + ", " + at.Away
}

// longSpan returns a number of seconds as span does, up to a century.
func longSpan(seconds int64) string {
	const century = 100 * 365 * 24 * 3600
	if seconds > century {
		return "more than 100 y"
	}
	return span(time.Duration(seconds) * time.Second)
}
