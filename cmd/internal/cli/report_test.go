package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/report"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/leak"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// A report uses the same names for places as pii.
func TestShortNames(t *testing.T) {
	for _, name := range []string{
		"email", "a b", "", "é", "\x1b[31m", "\u202e", strings.Repeat("x", 48), strings.Repeat("x", 49), strings.Repeat("é", 40),
		`"`, "ada@example.com", "a.b", "https://example.com/claims/x",
	} {
		o, err := strict.ParseObject(fmt.Appendf(nil, `{%s:{"email":""}}`, quoted(name)))
		if err != nil {
			t.Fatal(err)
		}
		found := pii.InObject(o)
		if len(found) != 1 {
			t.Fatalf("%q: %v", name, found)
		}
		path, _ := strings.CutSuffix(found[0].Path, ".email")
		if got := report.ShortName(name); got != path || console.Printable(got) != got {
			t.Errorf("%q: %s, and pii says %s", name, got, path)
		}
	}
}

// The summary of a token that was made to fill the screen is short.
func TestSummaryIsShort(t *testing.T) {
	var claims []string
	for i := range 20000 { // the strict reader accepts fewer
		claims = append(claims, fmt.Sprintf(`"n%d":"ada@example.com"`, i))
	}
	u, err := leak.Read(compact(someHeader, "{"+strings.Join(claims, ",")+"}", "signature"))
	if err != nil || u.Limits == nil {
		t.Fatal(err)
	}
	if got := (scanReport{strong: strings.Clone}).exposure(&u.Layers[0]); u.Personal() != 4096 || !strings.HasSuffix(got, "n10, n11, and others") {
		t.Errorf("%d, %.200s", u.Personal(), got)
	}
	if got := report.Kinds("", slices.Repeat([]pii.Finding{{Path: "b", Kind: pii.Email}, {Path: "", Kind: pii.Phone}}, 20)); got != "e-mail address in b, phone number" {
		t.Error(got)
	}
}
