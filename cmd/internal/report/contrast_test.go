package report

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// pairs are the colours that stand on one another, and the least contrast of WCAG 2.2: 4.5:1 for
// text (1.4.3) and 3:1 for graphics (1.4.11).
var pairs = []struct {
	front, behind string
	least         float64
}{
	{"ink", "page", 4.5}, {"ink", "card", 4.5}, {"quiet", "page", 4.5}, {"quiet", "card", 4.5},
	{"alarm", "alarm-bg", 4.5}, {"open", "open-bg", 4.5}, {"sealed", "sealed-bg", 4.5}, {"sealed", "card", 4.5},
	{"personal", "personal-bg", 4.5}, {"personal", "card", 4.5}, {"state", "state-bg", 4.5}, {"ended", "ended-bg", 4.5},
	{"header", "card", 3}, {"payload", "card", 3}, {"signature", "card", 3}, {"cipher", "card", 3}, {"minor", "card", 3},
	{"minor", "page", 3}, {"alarm", "card", 3}, {"focus", "page", 3}, {"focus", "card", 3},
}

// decorative are the colours that tell a reader nothing.
const decorative = "line"

func TestContrast(t *testing.T) {
	light, dark, ok := strings.Cut(style, "@media screen and (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("the style sheet has no dark colours")
	}
	dark, _, _ = strings.Cut(dark, "\n}\n")
	schemes := map[string]map[string]string{"light": colors(light), "dark": colors(dark)}
	for scheme, colors := range schemes {
		known := map[string]bool{decorative: true}
		for _, p := range pairs {
			known[p.front], known[p.behind] = true, true
			if c := contrast(t, colors[p.front], colors[p.behind]); c < p.least {
				t.Errorf("%s: %s on %s has a contrast of %.2f, under %.1f", scheme, p.front, p.behind, c, p.least)
			}
		}
		for name := range colors {
			if !known[name] {
				t.Errorf("%s: --%s is in no pair", scheme, name)
			}
		}
		if len(colors) != len(schemes["light"]) {
			t.Errorf("%s has %d colours", scheme, len(colors))
		}
	}
	// Every colour is a variable, so that none escapes this test.
	for _, line := range strings.Split(strings.Replace(style, dark, "", 1), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "--") {
			continue
		}
		if found := regexp.MustCompile(`(#[0-9a-f]{3,8}|rgba?\(|hsl)`).FindString(line); found != "" {
			t.Errorf("the colour %s is not a variable: %s", found, line)
		}
	}
}

func colors(css string) map[string]string {
	found := make(map[string]string)
	for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		found[m[1]] = m[2]
	}
	return found
}

// contrast returns the contrast ratio of WCAG 2.2 between two colours.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func luminance(t *testing.T, color string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 24)
	if err != nil {
		t.Fatalf("the colour %q: %v", color, err)
	}
	linear := func(shift int) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= .04045 {
			return c / 12.92
		}
		return math.Pow((c+.055)/1.055, 2.4)
	}
	return .2126*linear(16) + .7152*linear(8) + .0722*linear(0)
}

func TestContrastRatio(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#777777", "#ffffff", 4.48}, {"#ffffff", "#ffffff", 1}} {
		if got := contrast(t, test.a, test.b); math.Abs(got-test.want) > .01 {
			t.Errorf("%s on %s: %.2f", test.a, test.b, got)
		}
	}
}
