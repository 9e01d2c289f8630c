package open_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
)

func sealedClaim(name, raw string) func(s *selective) {
	return ours(func(f *forgery) { f.claims.add(name, raw) })
}

// TestSealedPlaintext is about what a JWE holds, as a JSON text.
func TestSealedPlaintext(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat(`{"a":`, n-1) + "1" + strings.Repeat("}", n-1) }
	rows := []selectiveRow{
		{"the empty object", ours(plaintext("{}")), nil, nil},
		{"padded with spaces inside", ours(plaintext(`{"email":"ada@example.com"` + strings.Repeat(" ", 200) + "}")), nil, nil},
		{"padded with spaces around", ours(plaintext("\n {} \t")), nil, nil},
		{"null as a value", sealedClaim("phone", "null"), nil, nil},
		{"a name twice", sealedClaim("email", `"eve@example.com"`), nil, open.ErrMalformed},
		{"a name twice, same value", sealedClaim("weight", "84.50"), nil, open.ErrMalformed},
		{"a name twice, escaped", sealedClaim(`\u0065mail`, "1"), nil, open.ErrMalformed},
		{"a name in two cases", sealedClaim("Email", `"eve@example.com"`), nil, open.ErrMalformed},
		{"names in two cases, one level down", sealedClaim("x", `{"a":1,"A":2}`), nil, nil},
		{"a name twice, one level down", sealedClaim("x", `{"a":1,"A":2,"a":3}`), nil, open.ErrMalformed},
		{"depth 32", sealedClaim("x", deep(32)), nil, nil},
		{"depth 33", sealedClaim("x", deep(33)), nil, open.ErrMalformed},
		{"invalid UTF-8", sealedClaim("x", "\"\xff\""), nil, open.ErrMalformed},
		{"a lone surrogate", sealedClaim("x", `"\ud800"`), nil, open.ErrMalformed},
		{"a number of 129 digits", sealedClaim("x", strings.Repeat("7", 129)), nil, open.ErrMalformed},
		{"a signed token", ours(plaintext(forge().jws())), nil, open.ErrMalformed},
	}
	for _, text := range []string{"", "hello", "null", "1", `"text"`, "[]", `[{"email":"ada@example.com"}]`, "{}{}", "\ufeff{}", "{}\x00", `{"a":1,}`, "{'a':1}"} {
		rows = append(rows, selectiveRow{fmt.Sprintf("not one object: %q", text), ours(plaintext(text)), nil, open.ErrMalformed})
	}
	runSelective(t, rows)
}

// TestSealedRegistered: claims that decide whether a token is accepted, and cnf, which
// says whose it is, must not be others for the recipient than for the gateway.
func TestSealedRegistered(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"iss": quoted(issuerID), "sub": `"subject-kestrel-42"`, "aud": "[" + quoted(billing) + "," + quoted(audience) + "]",
		"exp": seconds(600), "nbf": seconds(-5), "iat": seconds(-10), "jti": `"id-bramble-99"`, "sealed": `[]`, "cnf": `{"jkt":"AAAA"}`, "sid": `"session"`,
	}
	var rows []selectiveRow
	for name, raw := range values {
		for _, spelled := range slices.Compact([]string{strings.ReplaceAll(name, "s", "\u017f"), name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]}) {
			// Alone, so that it is not refused as the twin of one in clear.
			alone := func(s *selective) {
				sealedClaim(spelled, raw)(s)
				if name == "sub" || name == "iat" {
					s.claims.remove(name)
				}
			}
			rows = append(rows, selectiveRow{spelled, alone, nil, open.ErrClaims})
		}
		rows = append(rows, selectiveRow{name + " null", sealedClaim(name, "null"), nil, open.ErrClaims})
	}
	runSelective(t, append(rows,
		selectiveRow{"named a little like one", sealedClaim("issue", "1"), nil, nil},
		selectiveRow{"one level down", sealedClaim("session", `{"exp":1,"cnf":{}}`), nil, nil},
		selectiveRow{"in another's", theirs(func(f *forgery) { f.claims.add("nbf", "1") }), nil, nil}))
}

// TestTwin: of two claims of one name everybody would believe another.
func TestTwin(t *testing.T) {
	t.Parallel()
	runSelective(t, []selectiveRow{
		{"same value", sealedClaim("scope", `"read-thistle"`), nil, open.ErrClaims},
		{"another value", sealedClaim("scope", `"write"`), nil, open.ErrClaims},
		{"null sealed", sealedClaim("scope", "null"), nil, open.ErrClaims},
		{"null in clear", visible(claim("email", "null")), nil, open.ErrClaims},
		{"in other letters", sealedClaim("Scope", `"write"`), nil, open.ErrClaims},
		{"in letters that fold", sealedClaim("\u017fcope", `"write"`), nil, open.ErrClaims},
		{"with an escape", sealedClaim(`\u0073cope`, `"write"`), nil, open.ErrClaims},
		{"with an escape in clear", visible(claim(`\u0065mail`, `"eve@example.com"`)), nil, open.ErrClaims},
		{"one level down", sealedClaim("session", `{"scope":"write"}`), nil, nil},
		{"unseen by a gateway", sealedClaim("scope", `"write"`), gateway, nil},
		{"unseen in another's", theirs(func(f *forgery) { f.claims.add("scope", `"write"`) }), nil, nil},
	})
}

// TestSealedToUsTwice: two keys of ours may be two recipients. What both read must be
// one thing.
func TestSealedToUsTwice(t *testing.T) {
	t.Parallel()
	second := testKeyFor(keys.ECDHESA256KW)
	// two makes the JWEs of these claims, for us and for us.
	two := func(first, other string) func(s *selective) {
		return func(s *selective) {
			s.jwes = append(s.jwes, forgeSealed(second))
			s.jwes[1].claimsText, s.jwes[2].claimsText = first, other
		}
	}
	many := func(prefix string) string {
		var o object
		for i := range strict.MaxMembers/2 + 1 {
			o.add(fmt.Sprint(prefix, i), "1")
		}
		return o.String()
	}
	tampered := func(s *selective) {
		two(`{"a":1}`, `{"b":2}`)(s)
		s.jwes[2].bendParts = func(p *parts) { p.tag = flip(p.tag, 0) }
	}
	rows := []selectiveRow{
		{"no name in common", two(`{"a":1}`, `{"b":2}`), nil, nil},
		{"both empty", two("{}", "{}"), nil, nil},
		{"another value", two(`{"a":1}`, `{"a":2}`), nil, open.ErrClaims},
		{"another number spelling", two(`{"a":1}`, `{"a":1.0}`), nil, open.ErrClaims},
		{"another string spelling", two(`{"a":"x"}`, `{"a":"\u0078"}`), nil, open.ErrClaims},
		{"another order", two(`{"a":{"b":1,"c":2}}`, `{"a":{"c":2,"b":1}}`), nil, open.ErrClaims},
		{"another type", two(`{"a":1}`, `{"a":"1"}`), nil, open.ErrClaims},
		{"white space in a string", two(`{"a":"x y"}`, `{"a":"xy"}`), nil, open.ErrClaims},
		{"null and a value", two(`{"a":null}`, `{"a":1}`), nil, open.ErrClaims},
		{"in two cases", two(`{"a":1}`, `{"A":1}`), nil, open.ErrClaims},
		{"too many together", two(many("a"), many("b")), func(c *anyOpen) { c.Limits.MaxSize = 1 << 20 }, open.ErrClaims},
		{"a registered claim in the second", two(`{"a":1}`, `{"nbf":1}`), nil, open.ErrClaims},
		{"the twin of one in clear in the second", two(`{"a":1}`, `{"scope":1}`), nil, open.ErrClaims},
		{"the second is not JSON", two(`{"a":1}`, `[]`), nil, open.ErrMalformed},
		{"neither can be opened", both(tampered, func(s *selective) {
			s.jwes[1].bendParts = s.jwes[2].bendParts
		}), nil, open.ErrNotAuthentic},
	}
	// A JWE of another recipient, whose key has the kid of one of ours: not ours.
	for name, namesake := range map[string]func(s *selective){
		"to another key of that kid": tampered,
		"for another algorithm": both(two(`{"a":1}`, `{"b":2}`), func(s *selective) {
			s.jwes[2].outer.set("alg", `"ECDH-ES"`)
		}),
		"of a content encryption that is not offered": both(two(`{"a":1}`, `{"b":2}`), func(s *selective) {
			s.jwes[2].outer.set("enc", `"A192GCM"`)
		}),
	} {
		for _, first := range []bool{false, true} {
			s := forgeSelective()
			namesake(s)
			if first {
				s.jwes[1], s.jwes[2] = s.jwes[2], s.jwes[1]
			}
			tok := accepted(t, selectiveConfig(), s.token())
			if fmt.Sprint(tok.SealedNames()) != "[a]" || tok.SealedForOthers() != 2 || tok.DecryptionKeyID() != testKeyFor(keys.ECDHES).kid {
				t.Errorf("%s: sealed are %q, %d for others, decrypted with %q", name, tok.SealedNames(), tok.SealedForOthers(), tok.DecryptionKeyID())
			}
		}
	}
	for _, same := range []struct{ name, first, other, want, sealed string }{
		{"same value", `{"a":1,"b":2}`, `{"c":3,"a":1}`, `,"a":1,"b":2,"c":3}`, "[a b c]"},
		{"same null", `{"a":null}`, `{"a":null}`, `,"a":null}`, "[a]"},
		{"white space between", `{"a":{"b":[1,2]}}`, "{ \"a\" :\n{ \"b\": [ 1 , 2 ] } }", `,"a":{"b":[1,2]}}`, "[a]"},
		{"an escaped name", `{"a":1}`, `{"\u0061":1}`, `,"a":1}`, "[a]"},
	} {
		rows = append(rows, selectiveRow{same.name, two(same.first, same.other), nil, nil})
		s := forgeSelective()
		two(same.first, same.other)(s)
		tok := accepted(t, selectiveConfig(), s.token())
		if got, want := string(rawClaims(t, tok)), strings.TrimSuffix(s.claims.String(), "}")+same.want; got != want {
			t.Errorf("%s: claims are\n%s, want\n%s", same.name, got, want)
		}
		if tok.SealedForOthers() != 1 || tok.DecryptionKeyID() != s.ours().recipient.kid || fmt.Sprint(tok.SealedNames()) != same.sealed {
			t.Errorf("%s: sealed are %q, %d for others, decrypted with %q", same.name, tok.SealedNames(), tok.SealedForOthers(), tok.DecryptionKeyID())
		}
	}
	runSelective(t, rows)
}
