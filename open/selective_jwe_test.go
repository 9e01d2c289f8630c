package open_test

import (
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// respelled returns a function that changes one part of a JWE.
func respelled(part int, spell func(part string) string) func(jwe string) string {
	return func(jwe string) string {
		p := strings.Split(jwe, ".")
		p[part] = spell(p[part])
		return strings.Join(p, ".")
	}
}

// Two JWEs under one kid would be two lists of the claims sealed to us.
func TestSealedTwice(t *testing.T) {
	t.Parallel()
	kid := quoted(testKeyFor(keys.ECDHES).Kid)
	again := func(s *selective) {
		s.JWEs = append(s.JWEs, forgeSealed(testKeyFor(keys.ECDHES)))
		s.JWEs[2].Claims = s.JWEs[1].Claims
	}
	runSelective(t, []selectiveRow{
		{"to us, for a gateway", again, gateway, open.ErrClaims},
		{"another's under our kid", theirs(outer("kid", kid)), nil, open.ErrClaims},
		{"another's under our kid, escaped", theirs(outer("kid", `"\u006b`+kid[2:])), nil, open.ErrClaims},
		{"to another", func(s *selective) { s.JWEs = append(s.JWEs, forgeSealed(billingKey())) }, nil, open.ErrClaims},
		{"to another, empty kids", func(s *selective) {
			s.JWEs = append(s.JWEs, forgeSealed(billingKey()))
			theirs(outer("kid", `""`))(s)
			s.JWEs[2].Outer.Set("kid", `""`)
		}, nil, open.ErrClaims},
		{"kid missing, and that is allowed elsewhere", ours(noOuter("kid")), func(c *anyOpen) { c.Allow(open.KeyID) }, open.ErrClaims},
		{"kid in another case is another", theirs(outer("kid", strings.ToUpper(kid))), nil, nil},
	})
}

// The content for another recipient may be encrypted in ways that we do not know, or not at all.
// The issuer has signed it, and it concerns that recipient only.
func TestSealedForOthers(t *testing.T) {
	t.Parallel()
	var rows []selectiveRow
	for _, tt := range []struct {
		name string
		bend func(f *forgery)
	}{
		{"alg unknown", outer("alg", `"HPKE-0"`)},
		{"alg none", outer("alg", `"none"`)},
		{"enc unknown", outer("enc", `"C20P"`)},
		{"enc missing", noOuter("enc")},
		{"epk missing", noOuter("epk")},
		{"epk off the curve", outer("epk", offCurve)},
		{"a long tag", bendParts(func(p *parts) { p.Tag = append(p.Tag, 0) })},
		{"all parts empty", func(f *forgery) { f.BendJWE = func(jwe string) string { return strings.Split(jwe, ".")[0] + "...." } }},
		{"parts that are not base64url", func(f *forgery) { f.BendJWE = respelled(4, func(string) string { return "=+/" }) }},
		{"kid is a path", outer("kid", `"../../dev/null"`)},
		{"not claims", plaintext("hello")},
		{"registered claims in it", plaintext(`{"iss":"https://evil.example","exp":1}`)},
	} {
		rows = append(rows, selectiveRow{tt.name, theirs(tt.bend), nil, nil}, selectiveRow{tt.name + ", for a gateway", theirs(tt.bend), gateway, nil})
	}
	runSelective(t, rows)
}

const offCurve = `{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`
