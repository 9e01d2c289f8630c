package open_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

func sealedAs(raw string) func(s *selective) {
	return func(s *selective) { s.sealed = func([]string) string { return raw } }
}

// TestSealed is about the claim sealed itself.
func TestSealed(t *testing.T) {
	t.Parallel()
	add := func(raw string) func(s *selective) { // behind two good JWEs
		return func(s *selective) {
			s.sealed = func(jwes []string) string { return strings.TrimSuffix(jsonArray(jwes), "]") + "," + raw + "]" }
		}
	}
	only := func(jwes ...int) func(s *selective) {
		return func(s *selective) {
			all := s.jwes
			s.jwes = nil
			for _, i := range jwes {
				s.jwes = append(s.jwes, all[i])
			}
		}
	}
	rows := []selectiveRow{
		{"missing", sealedAs(""), nil, open.ErrType},
		{"missing, for a gateway", sealedAs(""), gateway, open.ErrType},
		{"missing, and expired", both(sealedAs(""), visible(noClaim("exp"))), nil, open.ErrType},
		{"in other letters", both(sealedAs(""), visible(claim("Sealed", "[]"))), nil, open.ErrType},
		{"and in other letters", visible(claim("Sealed", "[]")), nil, open.ErrMalformed},
		{"twice", visible(claim("sealed", `["AAAA.AAAA.AAAA.AAAA.AAAA"]`)), nil, open.ErrMalformed},

		{"an empty array", sealedAs("[]"), nil, open.ErrClaims},
		{"an empty array, for a gateway", sealedAs("[]"), gateway, open.ErrClaims},
		{"null", sealedAs("null"), nil, open.ErrClaims},
		{"a string", func(s *selective) { s.sealed = func(jwes []string) string { return quoted(jwes[1]) } }, nil, open.ErrClaims},
		{"an empty string", sealedAs(`""`), nil, open.ErrClaims},
		{"an object", func(s *selective) {
			s.sealed = func(jwes []string) string { return `{"` + billing + `":` + quoted(jwes[1]) + "}" }
		}, nil, open.ErrClaims},
		{"a number", sealedAs("1"), nil, open.ErrClaims},
		{"true", sealedAs("true"), nil, open.ErrClaims},
		{"an array in the array", func(s *selective) {
			s.sealed = func(jwes []string) string { return "[" + jsonArray(jwes) + "]" }
		}, nil, open.ErrClaims},

		{"a number in it", add("1"), nil, open.ErrClaims},
		{"null in it", add("null"), nil, open.ErrClaims},
		{"an object in it", add("{}"), nil, open.ErrClaims},
		{"an empty string in it", add(`""`), nil, open.ErrMalformed},
		{"a signed token in it", add(quoted(forge().jws())), nil, open.ErrMalformed},
		{"a selective token in it", add(quoted(forgeSelective().token())), nil, open.ErrMalformed},
		{"a nested token in it", add(quoted(forge().token())), nil, open.ErrType},
		{"claims in clear in it", add(quoted(`{"email":"ada@example.com"}`)), nil, open.ErrMalformed},
		{"four dots in it", add(`"...."`), nil, open.ErrMalformed},
		{"four parts", ours(func(f *forgery) {
			f.bendToken = func(jwe string) string { return jwe[:strings.LastIndex(jwe, ".")] }
		}), nil, open.ErrMalformed},
		{"six parts", ours(func(f *forgery) { f.bendToken = func(jwe string) string { return jwe + ".AAAA" } }), nil, open.ErrMalformed},
		{"six parts for another", theirs(func(f *forgery) { f.bendToken = func(jwe string) string { return jwe + "." } }), nil, open.ErrMalformed},
		{"a JWE in JSON serialization", ours(func(f *forgery) {
			f.bendToken = func(jwe string) string {
				p := strings.Split(jwe, ".")
				return fmt.Sprintf(`{"protected":"%s","encrypted_key":"%s","iv":"%s","ciphertext":"%s","tag":"%s"}`, p[0], p[1], p[2], p[3], p[4])
			}
		}), nil, open.ErrMalformed},

		{"one JWE, ours", only(1), nil, nil},
		{"ours first", only(1, 0), nil, nil},
		{"one JWE, another's", only(0), nil, open.ErrUnknownKey},
		{"one JWE, another's, for a gateway", only(0), gateway, nil},
		{"a gateway", nil, gateway, nil},
		{"white space in it", func(s *selective) {
			s.sealed = func(jwes []string) string { return " [ " + quoted(jwes[0]) + " ,\n" + quoted(jwes[1]) + "\t] " }
		}, nil, nil},
		{"escapes in it", func(s *selective) {
			s.sealed = func(jwes []string) string { return `["\u0065` + jwes[0][1:] + `",` + quoted(jwes[1]) + "]" }
		}, nil, nil},
	}
	runSelective(t, rows)
}

// TestSealedForMany: how many recipients there are, and where we stand among them, is
// nothing to us.
func TestSealedForMany(t *testing.T) {
	t.Parallel()
	const others = 20
	for _, place := range []int{0, 7, others} {
		s := forgeSelective()
		mine := s.ours()
		s.jwes = nil
		for i := range others + 1 {
			if i == place {
				s.jwes = append(s.jwes, mine)
				continue
			}
			j := forgeSealed(billingKey())
			j.outer.set("kid", quoted(fmt.Sprint("other-", i)))
			s.jwes = append(s.jwes, j)
		}
		if tok := accepted(t, selectiveConfig(), s.token()); tok.SealedForOthers() != others || len(tok.SealedNames()) != 3 {
			t.Errorf("at %d: %d for others, %q", place, tok.SealedForOthers(), tok.SealedNames())
		}
	}
}

// TestSelectiveClaims: the claims in clear are checked as those of a nested token
// are. One row for each check; the edges are theirs.
func TestSelectiveClaims(t *testing.T) {
	t.Parallel()
	rows := []selectiveRow{
		{"iss missing", visible(noClaim("iss")), nil, open.ErrIssuer},
		{"iss not trusted", visible(claim("iss", quoted(strangerID))), nil, open.ErrIssuer},
		{"aud missing", visible(noClaim("aud")), nil, open.ErrAudience},
		{"aud another's", visible(claim("aud", quoted(billing))), nil, open.ErrAudience},
		{"aud another's, for a gateway", visible(claim("aud", quoted(billing))), gateway, open.ErrAudience},
		{"exp missing", visible(noClaim("exp")), nil, open.ErrClaims},
		{"exp long ago", visible(claim("exp", seconds(-100))), nil, open.ErrExpired},
		{"exp long ago, for a gateway", visible(claim("exp", seconds(-100))), gateway, open.ErrExpired},
		{"exp null", visible(claim("exp", "null")), nil, open.ErrClaims},
		{"exp in other letters", both(visible(noClaim("exp")), visible(claim("EXP", seconds(60)))), nil, open.ErrClaims},
		{"sub in other letters", both(visible(noClaim("sub")), visible(claim("SUB", `"somebody"`))), nil, open.ErrClaims},
		{"nbf in a while", visible(claim("nbf", seconds(100))), nil, open.ErrNotYetValid},
		{"iat in a while", visible(claim("iat", seconds(100))), nil, open.ErrNotYetValid},
		{"exp before nbf", both(visible(claim("nbf", seconds(30))), visible(claim("exp", seconds(20)))), nil, open.ErrClaims},
		{"a lifetime of a day", visible(claim("exp", seconds(86400))), nil, open.ErrLifetime},
		{"sub a number", visible(claim("sub", "1")), nil, open.ErrClaims},
		{"cnf in clear", visible(claim("cnf", `{"jkt":"AAAA"}`)), nil, nil},
		{"a custom claim twice", visible(func(f *forgery) { f.claims.add("scope", `"write"`) }), nil, open.ErrMalformed},
		{"no custom claim in clear", visible(noClaim("scope")), nil, nil},
		{"the payload is not JSON", visible(func(f *forgery) { f.claimsText = "hello" }), nil, open.ErrMalformed},
	}
	for name, raw := range map[string]string{"crit": "[]", "zip": `"DEF"`, "b64": "false", "jwk": "{}", "jku": `"https://a.example"`, "x5u": `""`} {
		rows = append(rows, selectiveRow{name + " in the header", visible(func(f *forgery) { f.inner.set(name, raw) }), nil, open.ErrMalformed})
	}
	for _, alg := range []string{"none", "HS256", "RS256", "ECDH-ES"} {
		rows = append(rows, selectiveRow{alg + " in the header", visible(func(f *forgery) { f.inner.set("alg", quoted(alg)) }), nil, open.ErrAlgorithm})
	}
	runSelective(t, append(rows,
		selectiveRow{"kid missing", visible(func(f *forgery) { f.inner.remove("kid") }), nil, open.ErrUnknownKey},
		selectiveRow{"kid missing, and that is allowed", visible(func(f *forgery) { f.inner.remove("kid") }),
			func(c *anyOpen) { c.allow(open.KeyID) }, nil},
		selectiveRow{"kid of a decryption key", visible(func(f *forgery) { f.inner.set("kid", quoted(testKeyFor(keys.ECDHES).kid)) }), nil, open.ErrUnknownKey},
	))
}

// TestSelectiveSize: the limit is on the whole token.
func TestSelectiveSize(t *testing.T) {
	t.Parallel()
	token := forgeSelective().token()
	cfg := selectiveConfig()
	cfg.Limits.MaxSize = len(token)
	accepted(t, cfg, token)
	cfg.Limits.MaxSize--
	refused(t, cfg, token, open.ErrMalformed)
	big := forgeSelective()
	big.theirs().claims.set("blob", quoted(strings.Repeat("x", 48<<10)))
	refused(t, selectiveConfig(), big.token(), open.ErrMalformed)
}
