package open_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// A claim that only resembles one that must not be sealed may be sealed. The names that others read
// do not concern us.
func TestSealedNamesOfOthers(t *testing.T) {
	t.Parallel()
	runSelective(t, []selectiveRow{
		{"named a little like a registered claim", sealedClaim("issue", "1"), nil, nil},
		{"registered claims one level down", sealedClaim("session", `{"exp":1,"cnf":{}}`), nil, nil},
		{"a claim in clear, one level down", sealedClaim("session", `{"scope":"write"}`), nil, nil},
		{"names in two cases, one level down", sealedClaim("x", `{"a":1,"A":2}`), nil, nil},
		{"null", sealedClaim("phone", "null"), nil, nil},
		{"a registered claim in another's", theirs(func(f *forgery) { f.Claims.Add("nbf", "1") }), nil, nil},
		{"a claim in clear, unseen by a gateway", sealedClaim("scope", `"write"`), gateway, nil},
		{"a claim in clear, unseen in another's", theirs(func(f *forgery) { f.Claims.Add("scope", `"write"`) }), nil, nil},
		{"a claim in clear, in letters that fold", sealedClaim("\u017fcope", `"write"`), nil, open.ErrClaims},
		{"a claim in clear, with an escape", sealedClaim(`\u0073cope`, `"write"`), nil, open.ErrClaims},
		{"a claim in clear, sealed as null", sealedClaim("scope", "null"), nil, open.ErrClaims},
		{"sealed, a registered name in letters that fold", sealedClaim("\u017fub", "1"), nil, open.ErrClaims},
	})
}

// Two of our keys may be two recipients. If both read a claim, it must be the same.
func TestSealedToUsTwice(t *testing.T) {
	t.Parallel()
	second := testKeyFor(keys.ECDHESA256KW)
	// two makes two JWEs with these claims, both for us.
	two := func(first, other string) func(s *selective) {
		return func(s *selective) {
			s.JWEs = append(s.JWEs, forgeSealed(second))
			s.JWEs[1].Claims.Say(first)
			s.JWEs[2].Claims.Say(other)
		}
	}
	many := func(prefix string) string {
		var o forge.Object
		for i := range strict.MaxMembers/2 + 1 {
			o.Add(fmt.Sprint(prefix, i), "1")
		}
		return o.Text()
	}
	tampered := func(s *selective) {
		two(`{"a":1}`, `{"b":2}`)(s)
		s.JWEs[2].BendParts = func(p *parts) { p.Tag = flip(p.Tag, 0) }
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
			s.JWEs[1].BendParts = s.JWEs[2].BendParts
		}), nil, open.ErrNotAuthentic},
	}
	// A JWE of another recipient has the kid of one of our keys. It is not ours.
	for name, namesake := range map[string]func(s *selective){
		"to another key of that kid": tampered,
		"for another algorithm": both(two(`{"a":1}`, `{"b":2}`), func(s *selective) {
			s.JWEs[2].Outer.Set("alg", `"ECDH-ES"`)
		}),
		"of a content encryption that is not offered": both(two(`{"a":1}`, `{"b":2}`), func(s *selective) {
			s.JWEs[2].Outer.Set("enc", `"A192GCM"`)
		}),
	} {
		for _, first := range []bool{false, true} {
			s := forgeSelective()
			namesake(s)
			if first {
				s.JWEs[1], s.JWEs[2] = s.JWEs[2], s.JWEs[1]
			}
			tok := accepted(t, selectiveConfig(), s.Token())
			if fmt.Sprint(tok.SealedNames()) != "[a]" || tok.SealedForOthers() != 2 || tok.DecryptionKeyID() != testKeyFor(keys.ECDHES).Kid {
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
		tok := accepted(t, selectiveConfig(), s.Token())
		if got, want := string(rawClaims(t, tok)), strings.TrimSuffix(s.Claims.Text(), "}")+same.want; got != want {
			t.Errorf("%s: claims are\n%s, want\n%s", same.name, got, want)
		}
		if tok.SealedForOthers() != 1 || tok.DecryptionKeyID() != s.Ours().Recipient.Kid || fmt.Sprint(tok.SealedNames()) != same.sealed {
			t.Errorf("%s: sealed are %q, %d for others, decrypted with %q", same.name, tok.SealedNames(), tok.SealedForOthers(), tok.DecryptionKeyID())
		}
	}
	runSelective(t, rows)
}
