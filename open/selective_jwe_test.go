package open_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// TestSealedHeader is about the header of a JWE, which is read whoever it is for: one
// that another implementation reads differently can be bound to two tokens.
func TestSealedHeader(t *testing.T) {
	t.Parallel()
	for _, slot := range slots {
		var rows []selectiveRow
		add := func(name string, bend func(f *forgery), want error) {
			rows = append(rows, selectiveRow{name, slot.jwe(bend), slot.cfg, want})
		}
		again := func(name, raw string) func(f *forgery) { return func(f *forgery) { f.outer.add(name, raw) } }
		sized := func(size int) func(f *forgery) {
			return func(f *forgery) {
				f.outer.set("pad", `""`)
				f.outer.set("pad", quoted(strings.Repeat("x", size-len(f.outer.String()))))
			}
		}
		add("cty missing", noOuter("cty"), open.ErrType)
		for _, cty := range []string{"", "JWT", "json", "sealed-claims", "sealed-claims+jsonx", "sealed-claims+json ", "text/sealed-claims+json", "\u017fealed-claims+json"} {
			add(fmt.Sprintf("cty %q", cty), outer("cty", quoted(cty)), open.ErrType)
		}
		for _, cty := range []string{"Sealed-Claims+JSON", "application/sealed-claims+json"} {
			add(fmt.Sprintf("cty %q", cty), outer("cty", quoted(cty)), nil)
		}
		add("cty null", outer("cty", "null"), open.ErrMalformed)
		add("cty a number", outer("cty", "1"), open.ErrMalformed)
		add("cty does not stand in typ", both(noOuter("cty"), outer("typ", sealedType)), open.ErrType)
		add("typ is another matter", outer("typ", `"anything"`), nil)
		add("typ a number", outer("typ", "1"), open.ErrMalformed)

		add("kid missing", noOuter("kid"), open.ErrClaims)
		add("kid empty", outer("kid", `""`), open.ErrClaims)
		add("kid with a control character", outer("kid", `"a\u0007"`), open.ErrClaims)
		add("kid of 257 characters", outer("kid", quoted(strings.Repeat("k", 257))), open.ErrClaims)
		add("kid null", outer("kid", "null"), open.ErrMalformed)
		add("kid a number", outer("kid", "7"), open.ErrMalformed)
		add("kid in two cases", again("KID", `"other"`), open.ErrMalformed)
		add("kid twice in one header", again("kid", `"other"`), open.ErrMalformed)
		add("alg missing", noOuter("alg"), open.ErrMalformed)
		add("alg null", outer("alg", "null"), open.ErrMalformed)

		add("4096 bytes", sized(4096), nil)
		add("4097 bytes", sized(4097), open.ErrMalformed)
		add("depth 32", outer("deep", strings.Repeat("[", 31)+strings.Repeat("]", 31)), nil)
		add("depth 33", outer("deep", strings.Repeat("[", 32)+strings.Repeat("]", 32)), open.ErrMalformed)
		add("not JSON", func(f *forgery) { f.outerText = "hello" }, open.ErrMalformed)
		add("an array", func(f *forgery) { f.outerText = "[" + f.outer.String() + "]" }, open.ErrMalformed)
		add("a name twice", again("x", `{"y":1,"y":1}`), open.ErrMalformed)
		add("invalid UTF-8", outer("x", "\"\xff\""), open.ErrMalformed)
		add("white space", func(f *forgery) { f.outerText = " " + strings.ReplaceAll(f.outer.String(), ",", " ,\n") }, nil)
		add("what nobody knows", outer("x5c", `["MIIB"]`), nil)
		for name, values := range map[string][]string{
			"crit": {`["exp"]`, "[]", "null"}, "zip": {`"DEF"`, `""`, "null"}, "b64": {"false", "true"},
			"jwk": {"{}", "null"}, "jku": {`"https://attacker.example/jwks.json"`}, "x5u": {`"https://attacker.example/x5u.pem"`},
		} {
			for _, v := range values {
				add(name+" "+v, outer(name, v), open.ErrMalformed)
			}
		}
		add("respelled with spare bits", func(f *forgery) {
			f.outer.set("pad", `""`)
			for len(f.outer.String())%3 == 0 {
				f.outer.set("pad", `"x"`)
			}
			f.bendToken = respelled(0, respellLast)
		}, open.ErrMalformed)
		for _, bad := range []string{" ", "\n", "=", "é"} {
			add(fmt.Sprintf("%q before it", bad), func(f *forgery) { f.bendToken = respelled(0, func(p string) string { return bad + p }) }, open.ErrMalformed)
			add(fmt.Sprintf("%q behind it", bad), func(f *forgery) { f.bendToken = respelled(0, func(p string) string { return p + bad }) }, open.ErrMalformed)
		}
		t.Run(slot.name, func(t *testing.T) { runSelective(t, rows) })
	}
}

// respelled changes one part of a JWE.
func respelled(part int, spell func(part string) string) func(jwe string) string {
	return func(jwe string) string {
		p := strings.Split(jwe, ".")
		p[part] = spell(p[part])
		return strings.Join(p, ".")
	}
}

// TestSealedTwice: two JWEs under one kid are two answers to the question of what is
// sealed to us.
func TestSealedTwice(t *testing.T) {
	t.Parallel()
	kid := quoted(testKeyFor(keys.ECDHES).kid)
	again := func(s *selective) {
		s.jwes = append(s.jwes, forgeSealed(testKeyFor(keys.ECDHES)))
		s.jwes[2].claims = s.jwes[1].claims
	}
	runSelective(t, []selectiveRow{
		{"to us", again, nil, open.ErrClaims},
		{"to us, for a gateway", again, gateway, open.ErrClaims},
		{"the very same", func(s *selective) {
			s.sealed = func(jwes []string) string { return jsonArray([]string{jwes[1], jwes[1]}) }
		}, nil, open.ErrClaims},
		{"another's under our kid", theirs(outer("kid", kid)), nil, open.ErrClaims},
		{"another's under our kid, escaped", theirs(outer("kid", `"\u006b`+kid[2:])), nil, open.ErrClaims},
		{"to another", func(s *selective) { s.jwes = append(s.jwes, forgeSealed(billingKey())) }, nil, open.ErrClaims},
		{"to another, empty kids", func(s *selective) {
			s.jwes = append(s.jwes, forgeSealed(billingKey()))
			theirs(outer("kid", `""`))(s)
			s.jwes[2].outer.set("kid", `""`)
		}, nil, open.ErrClaims},
		{"kid missing, and that is allowed elsewhere", ours(noOuter("kid")), func(c *anyOpen) { c.allow(open.KeyID) }, open.ErrClaims},
		{"kid in another case is another", theirs(outer("kid", strings.ToUpper(kid))), nil, nil},
	})
}

// TestSealedToUs is about what only the recipient of a JWE can judge. The other half
// is TestSealedForOthers: we must not.
func TestSealedToUs(t *testing.T) {
	t.Parallel()
	bent := func(bend func(p *parts)) func(s *selective) { return ours(bendParts(bend)) }
	rows := []selectiveRow{
		{"tag changed", bent(func(p *parts) { p.tag = flip(p.tag, 0) }), nil, open.ErrNotAuthentic},
		{"ciphertext changed", bent(func(p *parts) { p.ciphertext = flip(p.ciphertext, 3) }), nil, open.ErrNotAuthentic},
		{"IV changed", bent(func(p *parts) { p.iv = flip(p.iv, -1) }), nil, open.ErrNotAuthentic},
		{"header changed", bent(func(p *parts) { p.header = append([]byte(" "), p.header...) }), nil, open.ErrNotAuthentic},
		{"no ciphertext", bent(func(p *parts) { p.ciphertext = nil }), nil, open.ErrNotAuthentic},
		{"no tag", bent(func(p *parts) { p.tag = nil }), nil, open.ErrMalformed},
		{"a tag with one octet more", bent(func(p *parts) { p.tag = append(p.tag, 0) }), nil, open.ErrMalformed},
		{"an octet moved from the ciphertext to the tag", bent(func(p *parts) {
			last := len(p.ciphertext) - 1
			p.tag = append([]byte{p.ciphertext[last]}, p.tag...)
			p.ciphertext = p.ciphertext[:last]
		}), nil, open.ErrMalformed},
		{"no IV", bent(func(p *parts) { p.iv = nil }), nil, open.ErrMalformed},
		{"an IV with one octet more", bent(func(p *parts) { p.iv = append(p.iv, 0) }), nil, open.ErrMalformed},
		{"an encrypted key", bent(func(p *parts) { p.encryptedKey = make([]byte, 40) }), nil, open.ErrMalformed},
		{"epk missing", ours(noOuter("epk")), nil, open.ErrMalformed},
		{"epk off the curve", ours(outer("epk", offCurve)), nil, open.ErrMalformed},
		{"epk of another", ours(func(f *forgery) { f.outer.set("epk", epkOf(forge().ephemeral.PublicKey().Bytes())) }), nil, open.ErrNotAuthentic},
		{"enc missing", ours(noOuter("enc")), nil, open.ErrMalformed},
		{"enc null", ours(outer("enc", "null")), nil, open.ErrMalformed},
		{"enc unknown", ours(outer("enc", `"A512GCM"`)), nil, open.ErrAlgorithm},
		{"enc A192GCM", ours(outer("enc", `"A192GCM"`)), nil, open.ErrAlgorithm},
		{"enc another than was used", ours(outer("enc", `"A128GCM"`)), nil, open.ErrNotAuthentic},
		{"encrypted to another under our kid", both(
			theirs(outer("kid", `"somebody"`)),
			ours(func(f *forgery) { f.recipient = billingKey() })), nil, open.ErrNotAuthentic},
		{"apu agreed on", ours(func(f *forgery) { f.apu = []byte("Alice"); f.outer.set("apu", `"QWxpY2U"`) }), nil, nil},
	}
	for _, alg := range []string{"none", "dir", "ECDH-ES+A256KW", "RSA-OAEP-256", "RSA-OAEP", "RSA1_5", "A256KW", "PBES2-HS512+A256KW", "ecdh-es", "ES256", ""} {
		rows = append(rows, selectiveRow{"alg " + alg, ours(outer("alg", quoted(alg))), nil, open.ErrAlgorithm})
	}
	for part, name := range []string{"", "encrypted key", "IV", "ciphertext", "tag"} {
		if part == 0 {
			continue // the header is registeredNames for everybody
		}
		for _, bad := range []string{" ", "\n", "=", "+"} {
			rows = append(rows, selectiveRow{fmt.Sprintf("%q behind the %s", bad, name),
				ours(func(f *forgery) { f.bendToken = respelled(part, func(p string) string { return p + bad }) }), nil, open.ErrMalformed})
		}
	}
	// A tag has 16 bytes, and so spare bits in its last character.
	rows = append(rows, selectiveRow{"spare bits in the tag", ours(func(f *forgery) { f.bendToken = respelled(4, respellLast) }), nil, open.ErrMalformed})
	runSelective(t, rows)
}

// TestSealedForOthers: what is for another recipient may be encrypted in ways that we
// do not know, or not at all. It is the issuer's word to that recipient, and signed.
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
		{"a long tag", bendParts(func(p *parts) { p.tag = append(p.tag, 0) })},
		{"all parts empty", func(f *forgery) { f.bendToken = func(jwe string) string { return strings.Split(jwe, ".")[0] + "...." } }},
		{"parts that are not base64url", func(f *forgery) { f.bendToken = respelled(4, func(string) string { return "=+/" }) }},
		{"kid is a path", outer("kid", `"../../dev/null"`)},
		{"not claims", plaintext("hello")},
		{"registered claims in it", plaintext(`{"iss":"https://evil.example","exp":1}`)},
	} {
		rows = append(rows, selectiveRow{tt.name, theirs(tt.bend), nil, nil}, selectiveRow{tt.name + ", for a gateway", theirs(tt.bend), gateway, nil})
	}
	runSelective(t, rows)
}

const offCurve = `{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`
