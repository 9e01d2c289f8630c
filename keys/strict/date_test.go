package strict_test

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	notNumber = "is not a number"
	notDate   = "is not a date between the years 1970 and 9999"
)

var dates = []struct {
	text        string
	secs, nanos int64
	reason      string
}{
	{text: "0"},
	{text: "-0"},
	{text: "-0.000e7"},
	{text: "0e999999999999999999999999"},
	{text: "0.0e-999999999999999999999999"},
	{text: "1", secs: 1},
	{text: "1767225600", secs: 1767225600},
	{text: "1.7e9", secs: 1700000000},
	{text: "1.7E+09", secs: 1700000000},
	{text: "17000000000e-1", secs: 1700000000},
	{text: "1700000000.5", secs: 1700000000, nanos: 500000000},
	{text: "1700000000.000", secs: 1700000000},
	{text: "17000000001250000000e-10", secs: 1700000000, nanos: 125000000},
	{text: "1700000000.123456789", secs: 1700000000, nanos: 123456716}, // the nearest float64
	{text: "9e-10"},
	{text: "0.0000000009"},
	{text: "1e-10"},
	{text: "1e-11"},
	{text: "1e-999999999999999999999999"},
	{text: "0.9999999999", nanos: 999999999},
	{text: "1.9999999999", secs: 1, nanos: 999999999},
	{text: "1700000000.9999999999", secs: 1700000001},
	{text: "0." + strings.Repeat("0", 125) + "1"},
	{text: "0." + strings.Repeat("0", 115) + "1e120", secs: 10000},
	{text: "1" + strings.Repeat("0", 120) + "e-118", secs: 100},
	{text: "0.1e1", secs: 1},
	{text: "253402300799", secs: 253402300799},
	{text: "253402300799.0", secs: 253402300799},
	{text: "2.53402300799e11", secs: 253402300799},
	{text: "0.253402300799E+12", secs: 253402300799},
	{text: "253402300798.9999", secs: 253402300798, nanos: 999908447},

	{text: "253402300798.9999999999", reason: notDate}, // the nearest float64 is the next second
	{text: "253402300799.0000000001", reason: notDate},
	{text: "253402300800", reason: notDate},
	{text: "999999999999", reason: notDate},
	{text: "1e12", reason: notDate},
	{text: "9223372036854775808", reason: notDate},
	{text: "18446744073709551617", reason: notDate}, // 1 modulo 2 to the 64
	{text: "1e400", reason: notDate},
	{text: "1e999999999999999999999999", reason: notDate},
	{text: strings.Repeat("9", strict.MaxNumber), reason: notDate},
	{text: "-1", reason: notDate},
	{text: "-1e-999999999999999999999999", reason: notDate},
	{text: "-0.1", reason: notDate},
	{text: "-1767225600", reason: notDate},

	{text: "null", reason: notNumber},
	{text: "true", reason: notNumber},
	{text: "false", reason: notNumber},
	{text: `""`, reason: notNumber},
	{text: `"1767225600"`, reason: notNumber},
	{text: "[1767225600]", reason: notNumber},
	{text: "{}", reason: notNumber},
}

func TestNumericDate(t *testing.T) {
	for _, tt := range dates {
		got, ok, err := mustParse(t, `{"exp": `+tt.text+` }`).NumericDate("exp")
		if !ok {
			t.Errorf("%s: absent", tt.text)
		}
		if tt.reason != "" {
			var e *strict.MemberError
			if !errors.As(err, &e) || e.Name != "exp" || e.Reason != tt.reason || !got.IsZero() {
				t.Errorf("%s: %v, %v", tt.text, got, err)
			}
			continue
		}
		if want := time.Unix(tt.secs, tt.nanos).UTC(); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", tt.text, got, err, want)
		}
	}
}

// Exact rational arithmetic gives the same date within the precision of a float64. A number beyond
// the range is refused, however little it is beyond.
func TestNumericDateExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	digits := func(limit int) string {
		var b strings.Builder
		for range 1 + rng.IntN(limit) {
			b.WriteByte("000123456789"[rng.IntN(12)])
		}
		return b.String()
	}
	limit := new(big.Rat).SetInt64(253402300799)
	ulp := big.NewRat(1, 1<<14) // more than the distance of two float64 below the limit
	for range 20000 {
		text := digits(14)
		if text = strings.TrimLeft(text, "0"); text == "" {
			text = "0"
		}
		if rng.IntN(8) == 0 {
			text = "253402300799"
		}
		if rng.IntN(2) == 0 {
			text += "." + digits(14)
		}
		if rng.IntN(2) == 0 {
			text += []string{"e", "e-", "E+"}[rng.IntN(3)] + digits(2)
		}
		exact, _ := new(big.Rat).SetString(text)
		got, _, err := mustParse(t, `{"exp":`+text+`}`).NumericDate("exp")
		if err != nil {
			if new(big.Rat).Add(exact, ulp).Cmp(limit) <= 0 {
				t.Fatalf("%s: %v", text, err)
			}
			continue
		}
		back := new(big.Rat).Add(new(big.Rat).SetInt64(got.Unix()), big.NewRat(int64(got.Nanosecond()), 1e9))
		if off := back.Sub(back, exact); exact.Cmp(limit) > 0 || off.Abs(off).Cmp(ulp) > 0 {
			t.Fatalf("%s: %v", text, got)
		}
	}
}

// Whole numbers have a reader of their own. It returns the date that the same number gives with a
// decimal point.
func TestNumericDateWhole(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0", "7", "10", "1767225600", "99999999999", "100000000000", "253402300798", "253402300799", "253402300800", "999999999999",
		"1000000000000", "9999999999999", "18446744073709551617", "-1", "-0", "-253402300799",
	} {
		checkWhole(t, text)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		checkWhole(t, strconv.FormatInt(rng.Int64()>>rng.IntN(64), 10))
	}
}

func checkWhole(t *testing.T, number string) {
	t.Helper()
	got, _, err := mustParse(t, `{"exp":`+number+`}`).NumericDate("exp")
	want, _, wantErr := mustParse(t, `{"exp":`+number+`.0}`).NumericDate("exp")
	if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Fatalf("%s is %v, %v, and %v, %v with a point", number, got, err, want, wantErr)
	}
}
