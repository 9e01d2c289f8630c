package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/opentest"
)

// batteryClock is the time of every opener, so that times are tested to the second.
var batteryClock = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// batteryTarget returns the target that every opener is configured for.
func batteryTarget(signing, management string) opentest.Target {
	return opentest.Target{
		Issuer:    opentest.Issuer{ID: issuer, Signing: opentest.NewKey(signing)},
		Audience:  audience,
		Recipient: opentest.NewKey(management),
		Now:       batteryClock,
	}
}

func batteryCases(t *testing.T, target opentest.Target) []opentest.Case {
	t.Helper()
	cases, err := opentest.Cases(target)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// batteryResult has the outcomes of the cases.
type batteryResult struct {
	cases             int
	accepted, refused map[string]opentest.Case // wrongly accepted or refused cases, by class and name
	panicked          []string
}

// runBattery tries the cases one after the other.
func runBattery(t *testing.T, cases []opentest.Case, opener openFunc) batteryResult {
	t.Helper()
	r := batteryResult{cases: len(cases), accepted: map[string]opentest.Case{}, refused: map[string]opentest.Case{}}
	for _, c := range cases {
		err := c.Check(t.Context(), opener)
		switch {
		case err == nil:
		case strings.Contains(err.Error(), "panic: "):
			r.panicked = append(r.panicked, err.Error())
		case c.Accept:
			r.refused[c.String()] = c
		default:
			r.accepted[c.String()] = c
		}
	}
	return r
}

// log prints the figures of each class.
func (r batteryResult) log(t *testing.T, opener string) {
	t.Helper()
	classes := func(cases map[string]opentest.Case) string {
		count := map[string]int{}
		for _, c := range cases {
			count[c.Class]++
		}
		var lines strings.Builder
		for _, class := range slices.Sorted(maps.Keys(count)) {
			fmt.Fprintf(&lines, "\n  %4d  %s", count[class], class)
		}
		return lines.String()
	}
	t.Logf("%s: %d cases, %d wrongly accepted, %d wrongly refused\nwrongly accepted%s\nwrongly refused%s",
		opener, r.cases, len(r.accepted), len(r.refused), classes(r.accepted), classes(r.refused))
	if testing.Verbose() {
		t.Logf("wrongly accepted\n  %s", strings.Join(slices.Sorted(maps.Keys(r.accepted)), "\n  "))
		t.Logf("wrongly refused\n  %s", strings.Join(slices.Sorted(maps.Keys(r.refused)), "\n  "))
	}
}

// batteryHoles lists the known holes of plain go-jose in a nested token, used with allow lists, and
// the cases that show each. If go-jose closes one of them, remove it from the list.
var batteryHoles = []struct {
	hole       string
	management string
	cases      []string
}{
	{"line breaks in base64url", "ECDH-ES", []string{
		"base64url: a line feed in the JWE tag", "base64url: CR and LF in the JWE ciphertext", "base64url: a line feed in the JWS signature",
		"base64url: a line feed at the end of the JWE tag", "base64url: a line feed in the JWS payload after signing",
	}},
	{"spare bits in base64url", "ECDH-ES", []string{
		"base64url: spare bits in the JWE tag", "base64url: spare bits in the JWE ciphertext", "base64url: spare bits in the JWS signature",
		"base64url: spare bits in the JWE header after encryption",
	}},
	{"octets that wander into an over-long tag", "ECDH-ES", []string{
		"ciphertexts: A256GCM with 1 octets of the ciphertext in the tag", "ciphertexts: A256GCM with the whole ciphertext in the tag",
		"ciphertexts: A128GCM with 16 octets of the ciphertext in the tag", "ciphertexts: A128CBC-HS256 with 16 octets of the ciphertext in the tag",
	}},
	{"an encrypted key in direct key agreement", "ECDH-ES", []string{
		"key management: an encrypted key of 1 octets", "key management: an encrypted key of 40 octets", "key management: an encrypted key of 1000 octets",
	}},
	{"crit that says nothing", "ECDH-ES", []string{"extensions: crit [] in the JWS header", "extensions: crit null in the JWS header"}},
	{"b64", "ECDH-ES", []string{"extensions: b64 false, and the decoded payload is signed", "extensions: b64 true", "extensions: b64 false in the JWE header"}},
	{"zip", "ECDH-ES", []string{"extensions: compressed", "extensions: compressed, with octets behind the end", "extensions: a bomb of 150 kB"}},
	{"PSS with any salt", "RSA-OAEP-256", []string{"signatures: a salt of 0 octets", "signatures: a salt of 20 octets", "signatures: the longest salt"}},
	{"exp missing", "ECDH-ES", []string{"times: exp missing", "times: exp is null"}},
	{"claims that are null", "ECDH-ES", []string{"times: nbf is null", "other claims: sub is null", "other claims: jti is null"}},
	{"no bound on the lifetime", "ECDH-ES", []string{"times: a lifetime of ten years", "times: until the year 9999"}},
	{"no limits on sizes", "ECDH-ES", []string{
		"sizes: a token of twenty times the longest size", "sizes: a JWE header of 500 kB", "JSON texts: 100,000 members in the claims", "sizes: aud with 50,001 names",
		"JSON texts: 1000 levels in the claims", "JSON texts: a number of 1000 digits in the claims",
	}},
	{"text that is not UTF-8", "ECDH-ES", []string{
		"JSON texts: a byte that is not UTF-8 in the claims", "JSON texts: a lone high surrogate in the claims", "JSON texts: a lone surrogate in a name of the JWS header",
	}},
	{"names in other letters", "ECDH-ES", []string{"JSON texts: a name in two cases in the claims", "JSON texts: sub and its twin with a long s"}},
	{"typ and cty unchecked", "ECDH-ES", []string{"types: typ is missing", `types: typ "at+jwt"`, "types: cty is missing", `types: cty "JOSE"`, `types: cty of the JWS is "JWT"`}},
	{"a token of the other form", "ECDH-ES", []string{"another form: sealed is []", "another form: a selective token, encrypted"}},
	{"copies in the header uncompared", "ECDH-ES", []string{`forwarded tokens: sub in the JWE header is "u-43"`, "forwarded tokens: exp in the JWE header is earlier"}},
	{"keys in the header unrefused", "ECDH-ES", []string{"embedded keys: jku with the right key", "embedded keys: jwk with the right key"}},
	{"an RSA ciphertext without its leading zero", "RSA-OAEP-256", []string{"key management: an RSA ciphertext without its leading zero"}},
}

// TestBatteryGoJose runs the battery on go-jose as careful users write it: the compact
// parsers, allow lists, a JWK Set on either side, and every field of jwt.Expected set.
// It shows what the battery finds, and what package open adds.
func TestBatteryGoJose(t *testing.T) {
	results := map[string]batteryResult{}
	for _, suite := range [][2]string{{"ES256", "ECDH-ES"}, {"PS256", "RSA-OAEP-256"}} {
		target := batteryTarget(suite[0], suite[1])
		cases := batteryCases(t, target)
		r := runBattery(t, cases, batteryGoJose(t, target))
		results[suite[1]] = r
		r.log(t, "go-jose, "+suite[0]+" and "+suite[1])
		if len(r.panicked) > 0 {
			t.Errorf("panics: %q", r.panicked)
		}
		if suite[0] == "ES256" {
			readmeSays(t, fmt.Sprintf("of %s nested ones that need no second issuer, go-jose with allow lists takes %d it should not", thousands(r.cases), len(r.accepted)))
		}
		ours := runBattery(t, cases, batteryOurs(t, target))
		if len(ours.accepted)+len(ours.refused)+len(ours.panicked) > 0 {
			t.Errorf("package open wrongly accepts %v, refuses %v, panics %v", ours.accepted, ours.refused, ours.panicked)
		}
	}
	for _, h := range batteryHoles {
		for _, name := range h.cases {
			if _, open := results[h.management].accepted[name]; !open {
				t.Errorf("%s: the battery does not find it by %q", h.hole, name)
			}
		}
	}
}

// TestBatteryJWX runs the battery on lestrrat-go/jwx. It checks only that jwx does not panic, and
// that the README has its figures.
func TestBatteryJWX(t *testing.T) {
	target := batteryTarget("ES256", "ECDH-ES")
	r := runBattery(t, batteryCases(t, target), batteryJWX(t, target))
	r.log(t, "jwx, ES256 and ECDH-ES")
	readmeSays(t, fmt.Sprintf("it should not, jwx %d |", len(r.accepted)))
	if len(r.panicked) > 0 {
		t.Errorf("panics: %q", r.panicked)
	}
}

// openFunc opens a token.
type openFunc = func(ctx context.Context, token string) error

// TestBatterySize counts the cases of each form, with a second issuer. The README has these
// figures.
func TestBatterySize(t *testing.T) {
	target := batteryTarget("ES256", "ECDH-ES")
	target.OtherIssuer = opentest.Issuer{ID: "https://another.example.com", Signing: opentest.NewKey("ES256")}
	nested := batteryCases(t, target)
	target.Selective = true
	selective := batteryCases(t, target)
	classes := map[string]bool{}
	for _, c := range slices.Concat(nested, selective) {
		classes[c.Class] = true
	}
	readmeSays(t, fmt.Sprintf("%s nested and %s selective for ES256, in %d classes", thousands(len(nested)), thousands(len(selective)), len(classes)))
}

// algOf returns the alg of a JWK.
func algOf(t *testing.T, jwk json.RawMessage) string {
	t.Helper()
	var k struct{ Alg string }
	if err := json.Unmarshal(jwk, &k); err != nil {
		t.Fatal(err)
	}
	return k.Alg
}
