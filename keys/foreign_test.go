package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// emptyValues are the JSON values that hold nothing.
var emptyValues = []string{`null`, `""`, `[]`, `[ ]`, `{}`, "{ \t\r\n}"}

// A member of a foreign public key with an empty value counts as absent, and private members are no
// exception. The members of the key material may not be empty.
func TestEmptyMembers(t *testing.T) {
	material := " kty crv x y n e pub "
	names := strings.Fields("use key_ops alg kid x5u x5c x5t x5t#S256 d p q dp dq qi oth k priv ext iat nbf exp revoked " + material)
	for _, suite := range allSuites {
		full := public(t, suite, map[string]any{"kid": "k"})
		for _, name := range names {
			for _, value := range emptyValues {
				member := with(full, map[string]any{name: json.RawMessage(value)})
				p, err := ParsePublicSet(jwks(t, member))
				if err != nil {
					t.Errorf("%v, %s is %s: %v", suite, name, value, err)
					continue
				}
				_, makesUp := full[name]
				if wantUsed := !makesUp || !strings.Contains(material, " "+name+" "); (len(p.Keys()) > 0) != wantUsed {
					t.Errorf("%v, %s is %s: %d keys, %+v", suite, name, value, len(p.Keys()), p.Skipped())
				}
				if name == "kid" && (p.Keys()[0].ID() != "" || p.HasVerificationKey("k")) {
					t.Errorf("%v, kid is %s: it is %q", suite, value, p.Keys()[0].ID())
				}
			}
		}
	}
}

// An empty member is still an error in a key of our own.
func TestEmptyMembersOfOwnKeys(t *testing.T) {
	for _, private := range []bool{true, false} {
		own := with(bareJWK(t, jwk.P256, private), map[string]any{"kid": "k", "use": "sig", "alg": "ES256"})
		for _, name := range []string{"use", "alg", "kid", "key_ops", "d", "kty", "crv", "x", "y"} {
			if _, err := ParseKey(asJSON(t, with(own, map[string]any{name: json.RawMessage("null")})), Hint{}); err == nil {
				t.Errorf("private %v: %s may be null", private, name)
			}
		}
	}
}

// Members of a JWK Set may be empty or unknown, except for "keys".
func TestEmptyMembersOfSet(t *testing.T) {
	k := string(asJSON(t, public(t, ES256, map[string]any{"kid": "k"})))
	for _, value := range emptyValues {
		for _, name := range []string{"d", "k", "kty", "x5c", "iss"} {
			p, err := ParsePublicSet([]byte(`{"` + name + `":` + value + `,"keys":[` + k + `]}`))
			if err != nil || len(p.Keys()) != 1 {
				t.Errorf("%s is %s: %v", name, value, err)
			}
		}
	}
	for _, value := range []string{`null`, `""`, `{}`} {
		_, err := ParsePublicSet([]byte(`{"keys":` + value + `}`))
		wantError(t, err, ErrMalformed)
	}
}

// Two keys are duplicates only if kid, use, alg and kty are equal. A key that is listed twice is
// used once. Two different keys with one name are both left out.
func TestPublicSetDuplicates(t *testing.T) {
	a, b, c := public(t, ES256, map[string]any{"kid": "a"}), public(t, ES256, map[string]any{"kid": "b"}), public(t, ES256, map[string]any{"kid": "c"})
	rs := public(t, RS256, map[string]any{"kid": "a"})
	enc := public(t, ECDHES, map[string]any{"kid": "a"})
	open := map[string]any{"use": nil, "alg": nil}
	for name, test := range map[string]struct {
		members []any
		keys    string // kid and suite of each key
		skipped string // places of the skipped keys
	}{
		"same kid":              {[]any{a, with(b, map[string]any{"kid": "a"}), c}, "c ES256", "[0 1]"},
		"same kid, third":       {[]any{a, a, with(b, map[string]any{"kid": "a"}), c}, "c ES256", "[0 1 2]"},
		"same kid, alg open":    {[]any{a, with(b, map[string]any{"kid": "a", "alg": nil}), c}, "c ES256", "[0 1]"},
		"same kid, use open":    {[]any{with(a, open), with(b, map[string]any{"kid": "a"}), c}, "c ES256", "[0 1]"},
		"two kids":              {[]any{a, c, with(a, map[string]any{"kid": "b"})}, "a ES256, c ES256, b ES256", "[]"},
		"twice":                 {[]any{a, a, c}, "a ES256, c ES256", "[]"},
		"three times":           {[]any{a, c, a, a}, "a ES256, c ES256", "[]"},
		"twice, once open":      {[]any{a, with(a, open), c}, "a ES256, a ECDH-ES, c ES256", "[]"},
		"twice, first open":     {[]any{with(a, open), a, c}, "a ES256, a ECDH-ES, c ES256", "[]"},
		"twice, other members":  {[]any{a, with(a, map[string]any{"x5c": []string{"MII"}, "key_ops": []string{"verify"}})}, "a ES256", "[]"},
		"for two uses":          {[]any{a, with(a, map[string]any{"use": "enc", "alg": "ECDH-ES"})}, "a ES256, a ECDH-ES", "[]"},
		"kid of two uses":       {[]any{a, public(t, ECDHES, map[string]any{"kid": "a"})}, "a ES256, a ECDH-ES", "[]"},
		"two types":             {[]any{a, rs}, "a ES256, a RS256", "[]"},
		"two algs, one key":     {[]any{rs, with(rs, map[string]any{"alg": "PS256"})}, "a RS256, a PS256", "[]"},
		"two curves":            {[]any{public(t, ECDHES, map[string]any{"kid": "a"}), public(t, ECDHESX25519, map[string]any{"kid": "a"})}, "a ECDH-ES, a ECDH-ES/X25519", "[]"},
		"alg open, and named":   {[]any{enc, with(enc, map[string]any{"alg": nil})}, "a ECDH-ES, a ECDH-ES", "[]"},
		"alg open, twice":       {[]any{with(enc, map[string]any{"alg": nil}), with(enc, map[string]any{"alg": nil})}, "a ECDH-ES", "[]"},
		"alg open, other key":   {[]any{with(enc, map[string]any{"alg": nil}), c, public(t, ECDHESA256KW, map[string]any{"kid": "a"})}, "c ES256", "[0 2]"},
		"a twin is unusable":    {[]any{a, map[string]any{"kty": "AKP", "kid": "a"}, c}, "a ES256, c ES256", "[1]"},
		"kid is the thumbprint": {[]any{with(a, map[string]any{"kid": nil}), with(a, map[string]any{"kid": must(ParsePublicSet(jwks(t, a)))(t).Keys()[0].Thumbprint()[:16]})}, "", ""},
		"no kid":                {[]any{with(a, map[string]any{"kid": nil}), with(b, map[string]any{"kid": nil}), with(c, map[string]any{"kid": ""})}, " ES256,  ES256,  ES256", "[]"},
		"no kid, twice":         {[]any{with(a, map[string]any{"kid": nil}), with(a, map[string]any{"kid": nil})}, " ES256", "[]"},
		"no kid, and a kid":     {[]any{with(a, map[string]any{"kid": nil}), a}, " ES256, a ES256", "[]"},
	} {
		p := must(ParsePublicSet(jwks(t, test.members...)))(t)
		if test.keys == "" { // the kids are random
			if len(p.Keys()) != 2 || p.Keys()[0].ID() != "" || len(p.Skipped()) != 0 {
				t.Errorf("%s: %d keys", name, len(p.Keys()))
			}
			continue
		}
		var found []string
		for _, k := range p.Keys() {
			found = append(found, k.ID()+" "+k.Suite().String())
		}
		places := []int{}
		for _, s := range p.Skipped() {
			places = append(places, s.Index)
			if !errors.Is(s.Reason, ErrDuplicate) && test.skipped != "[1]" {
				t.Errorf("%s: %v", name, s.Reason)
			}
		}
		if got := strings.Join(found, ", "); got != test.keys || fmt.Sprint(places) != test.skipped {
			t.Errorf("%s: keys %s, skipped %v, want %s and %s", name, got, places, test.keys, test.skipped)
		}
		checkLookups(t, name, p)
		again := must(ParsePublicSet(must(json.Marshal(p))(t)))(t)
		if len(again.Keys()) != len(p.Keys()) || len(again.Skipped()) != 0 {
			t.Errorf("%s: %d keys are written, and %d come back", name, len(p.Keys()), len(again.Keys()))
		}
	}
}

// checkLookups checks that each signing key is the only result for its kid and alg. A key without
// kid may be found only without one.
func checkLookups(t *testing.T, what string, p *PublicSet) {
	t.Helper()
	for _, k := range p.ForUse(UseSig).Keys() {
		got, err := p.VerificationKey(k.ID(), k.Suite().Alg())
		if k.ID() == "" {
			wantError(t, err, ErrNoKey)
		} else if err != nil || got != k {
			t.Errorf("%s: kid %s for %v finds another key: %v", what, k.ID(), k.Suite(), err)
		}
		if p.HasVerificationKey(k.ID()) != (k.ID() != "") {
			t.Errorf("%s: kid %q", what, k.ID())
		}
		all, found := p.VerificationKeys(k.Suite().Alg()), 0
		for _, other := range all {
			if other == k {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: kid %q stands %d times among the keys for %v", what, k.ID(), found, k.Suite())
		}
	}
}

// A file with one key names that key. If it has no kid, it serves any kid of a token. In a set it
// does not, and a key with a kid serves that kid only.
func TestLoneKey(t *testing.T) {
	bare := with(bareJWK(t, jwk.P256, false), map[string]any{"use": "sig"})
	named := with(bare, map[string]any{"kid": "k"})
	for name, c := range map[string]struct {
		data []byte
		any  bool
		id   string
	}{
		"JWK":          {asJSON(t, bare), true, ""},
		"JWK with kid": {asJSON(t, named), false, "k"},
		"kid null":     {asJSON(t, with(bare, map[string]any{"kid": json.RawMessage("null")})), true, ""},
		"PEM":          {readTestdata(t, "keys/p256-public.pem"), true, ""},
		"certificate":  {readTestdata(t, "keys/certificate.pem"), true, ""},
		"set":          {jwks(t, bare), false, ""},
		"set, named":   {jwks(t, named), false, "k"},
	} {
		p := must(ParsePublicSet(c.data))(t)
		for _, kid := range []string{"k", "other"} {
			want := c.any || kid == c.id
			k, err := p.VerificationKey(kid, "ES256")
			if (err == nil) != want || p.HasVerificationKey(kid) != want || want && k.ID() != c.id {
				t.Errorf("%s: kid %s: %v", name, kid, err)
			}
			if want {
				_, err := p.VerificationKey(kid, "RS256")
				wantError(t, err, ErrUnsupported)
			}
		}
		_, err := p.VerificationKey("", "ES256")
		wantError(t, err, ErrNoKey)
		if ks := p.VerificationKeys("ES256"); len(ks) != 1 || ks[0].ID() != c.id {
			t.Errorf("%s: %d keys without kid", name, len(ks))
		}
		if only := p.ForUse(UseSig); only.HasVerificationKey("other") != c.any {
			t.Errorf("%s: for one use it is another", name)
		}
	}
}

// A reader for one use does not report the keys that another party has for the other use.
func TestSkippedForUse(t *testing.T) {
	ec, rsa, okp := bareJWK(t, jwk.P256, false), bareJWK(t, jwk.RSA, false), bareJWK(t, jwk.Ed25519, false)
	for name, c := range map[string]struct {
		member map[string]any
		uses   string
	}{
		"RSA1_5":                {with(rsa, map[string]any{"alg": "RSA1_5"}), "enc"},
		"RSA-OAEP-512":          {with(rsa, map[string]any{"alg": "RSA-OAEP-512"}), "enc"},
		"RSA-OAEP-512, enc":     {with(rsa, map[string]any{"alg": "RSA-OAEP-512", "use": "enc"}), "enc"},
		"RSA-OAEP-512, sig":     {with(rsa, map[string]any{"alg": "RSA-OAEP-512", "use": "sig"}), "sig enc"},
		"ECDH-ES+A128KW":        {with(ec, map[string]any{"alg": "ECDH-ES+A128KW"}), "enc"},
		"HPKE-0":                {with(ec, map[string]any{"alg": "HPKE-0"}), "enc"},
		"RS512":                 {with(rsa, map[string]any{"alg": "RS512"}), "sig"},
		"PS384":                 {with(rsa, map[string]any{"alg": "PS384"}), "sig"},
		"ES384":                 {with(ec, map[string]any{"alg": "ES384", "crv": "P-384"}), "sig"},
		"ES256K":                {with(ec, map[string]any{"alg": "ES256K", "crv": "secp256k1"}), "sig"},
		"ML-DSA":                {map[string]any{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}, "sig"},
		"use sig":               {map[string]any{"kty": "XYZ", "use": "sig"}, "sig"},
		"use enc":               {map[string]any{"kty": "XYZ", "use": "enc"}, "enc"},
		"use enc, kid a number": {with(ec, map[string]any{"use": "enc", "kid": 1}), "enc"},
		"use null":              {map[string]any{"kty": "XYZ", "use": json.RawMessage("null")}, "sig enc"},
		"use tls":               {map[string]any{"kty": "XYZ", "use": "tls"}, "sig enc"},
		"verify":                {map[string]any{"kty": "XYZ", "key_ops": []string{"verify"}}, "sig"},
		"wrapKey":               {map[string]any{"kty": "XYZ", "key_ops": []string{"wrapKey"}}, "enc"},
		"verify and wrapKey":    {with(rsa, map[string]any{"key_ops": []string{"verify", "wrapKey"}}), "sig enc"},
		"X448":                  {with(okp, map[string]any{"crv": "X448"}), "enc"},
		"Ed448":                 {with(okp, map[string]any{"crv": "Ed448"}), "sig"},
		"weak enc":              {with(publicMembersOf(t, "rsa-e3-public.pem"), map[string]any{"use": "enc"}), "enc"},
		"weak":                  {publicMembersOf(t, "rsa-e3-public.pem"), "sig enc"},
		"P-384":                 {with(ec, map[string]any{"crv": "P-384"}), "sig enc"},
		"nothing said":          {map[string]any{"kty": "XYZ"}, "sig enc"},
	} {
		p := must(ParsePublicSet(jwks(t, c.member, public(t, ES256, nil))))(t)
		if len(p.Skipped()) != 1 {
			t.Errorf("%s: skipped %v", name, p.Skipped())
		}
		var uses []string
		for _, u := range []Use{UseSig, UseEnc} {
			if len(p.ForUse(u).Skipped()) > 0 {
				uses = append(uses, string(u))
			}
		}
		if got := strings.Join(uses, " "); got != c.uses {
			t.Errorf("%s: it is reported to %q, want %q", name, got, c.uses)
		}
	}
}

// The error says why the Base64 is refused.
func TestBase64Reason(t *testing.T) {
	ec := public(t, ES256, map[string]any{"kid": "k"})
	for name, c := range map[string]struct{ value, want string }{
		"padding":  {ec["x"].(string) + "=", "padding"},
		"standard": {"a+b/" + ec["x"].(string)[4:], "+ and /"},
	} {
		p := must(ParsePublicSet(jwks(t, with(ec, map[string]any{"x": c.value}), public(t, ES256, nil))))(t)
		if s := p.Skipped(); len(s) != 1 || !strings.Contains(s[0].Reason.Error(), c.want) || len(p.Keys()) != 1 {
			t.Errorf("%s: %v", name, s)
		}
		_, err := ParseKey(asJSON(t, with(ec, map[string]any{"x": c.value})), Hint{})
		if wantError(t, err, ErrMalformed); !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
