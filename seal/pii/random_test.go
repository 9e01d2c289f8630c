package pii_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/seal/pii"
)

// Random identifiers are not taken for anything, and random numbers at the stated
// rates: the share of numbers whose prefix and date are possible, times one in ten or
// less for the check digit. Measured with two million of each, in per cent; with the
// first line for those that do not begin with a zero, and the second for all:
//
//	11 digits 0.99   13 digits 0.30   14 digits 0.40   15 digits 0.45   16 digits 2.61   18 digits 0.003   19 digits 0.11
//	11 digits 1.09   13 digits 0.29   14 digits 0.36   15 digits 0.42   16 digits 2.34   18 digits 0.003   19 digits 0.10
//
// and of all others below 20 digits none. Identifiers that happen to be digits only
// count like those, as one in 2000 of 8 bytes in hexadecimal does.
func TestRandom(t *testing.T) {
	each := 20000
	if os.Getenv("SEALJWT_LONG") != "" {
		each = 400_000
	}
	rng := rand.New(rand.NewPCG(20260114, 1))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	type class struct {
		name  string
		make  func() string
		bound float64 // per cent
	}
	classes := []class{
		{"base64url of 16 bytes", func() string { return base64.RawURLEncoding.EncodeToString(random(16)) }, 0},
		{"base64url of 32 bytes", func() string { return base64.RawURLEncoding.EncodeToString(random(32)) }, 0},
		{"base64 of 32 bytes", func() string { return base64.StdEncoding.EncodeToString(random(32)) }, 0},
		{"hex of 8 bytes", func() string { return hex.EncodeToString(random(8)) }, 0.01},
		{"hex of 11 bytes", func() string { return hex.EncodeToString(random(11)) }, 0},
		{"hex of 12 bytes", func() string { return hex.EncodeToString(random(12)) }, 0},
		{"base32 of 16 bytes", func() string { return strings.ToLower(base32.StdEncoding.EncodeToString(random(16))) }, 0},
		{"hex of 20 bytes", func() string { return hex.EncodeToString(random(20)) }, 0},
		{"hex of 32 bytes", func() string { return hex.EncodeToString(random(32)) }, 0},
		{"UUID", func() string {
			b := random(16)
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
		}, 0},
		{"traceparent", func() string { return fmt.Sprintf("00-%x-%x-01", random(16), random(8)) }, 0},
		{"seconds since 1970", func() string { return strconv.Itoa(1_600_000_000 + rng.IntN(300_000_000)) }, 0},
		{"milliseconds", func() string { return strconv.Itoa(1_600_000_000_000 + rng.IntN(300_000_000_000)) }, 0},
		{"microseconds", func() string { return strconv.Itoa(1_600_000_000_000_000 + rng.IntN(300_000_000_000_000)) }, 0},
		{"nanoseconds", func() string { return strconv.Itoa(1_600_000_000_000_000_000 + rng.IntN(3e17)) }, 0},
		{"date and 14 digits", func() string { return date(rng).Format("20060102150405") }, 0},
		{"date and time, short", func() string { return date(rng).Format("060102-1504") }, 0},
		{"date and order number", func() string { return date(rng).Format("060102-") + numeral(rng, '1', 4) }, 0},
		{"snowflake", func() string { return strconv.Itoa(int((rng.Uint64()>>30 + 1<<35) << 22 >> 1)) }, 0.05},
	}
	for digits, bound := range [21]float64{11: 1.2, 13: 0.4, 14: 0.5, 15: 0.6, 16: 3, 18: 0.05, 19: 0.2} {
		if digits < 6 {
			continue
		}
		number := func() string { return numeral(rng, '1', digits) }
		text := func() string { return numeral(rng, '0', digits) }
		classes = append(classes, class{fmt.Sprintf("%d digits", digits), number, bound},
			class{fmt.Sprintf("%d digits or zeros", digits), text, min(bound, promised(digits))})
	}
	for _, class := range classes {
		hits := 0
		for range each {
			if _, ok := pii.InText(class.make()); ok {
				hits++
			}
		}
		rate := float64(hits) / float64(each) * 100
		t.Logf("%-22s %.3f %%", class.name, rate)
		if rate > class.bound {
			t.Errorf("%s: %.3f %% are taken for personal data, more than %.3f %%", class.name, rate, class.bound)
		}
	}
}

// promised returns the bound, in per cent, that cmd/sealjwt/README.md gives for random digits.
func promised(digits int) float64 {
	switch digits {
	case 16:
		return 2.5
	case 11:
		return 1.1
	}
	return 0.5
}

func date(rng *rand.Rand) time.Time {
	return time.Unix(1_600_000_000+rng.Int64N(300_000_000), 0).UTC()
}

// numeral returns random digits. The first one is at least lowest.
func numeral(rng *rand.Rand, lowest byte, digits int) string {
	var b strings.Builder
	b.WriteByte(lowest + byte(rng.IntN(int('9'-lowest)+1)))
	for b.Len() < digits {
		b.WriteByte('0' + byte(rng.IntN(10)))
	}
	return b.String()
}
