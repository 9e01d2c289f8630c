package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// The caller's list of suites decides first, in its order, and the set decides next. The list gives
// a suite to a key without alg, and never overrules an alg.
func TestEncryptionKeyForSuites(t *testing.T) {
	ec, rsa, x := bareJWK(t, jwk.P256, false), bareJWK(t, jwk.RSA, false), bareJWK(t, jwk.X25519, false)
	named := func(m map[string]any, kid, alg string) map[string]any {
		return with(m, map[string]any{"kid": kid, "alg": alg, "use": "enc"})
	}
	open := func(m map[string]any, kid string) map[string]any {
		return with(m, map[string]any{"kid": kid, "use": "enc"})
	}
	other := with(public(t, ECDHES, nil), map[string]any{"alg": nil, "kid": "other"})
	for name, c := range map[string]struct {
		members []any
		suites  []Suite
		want    string // kid and suite, or a part of the error
	}{
		"no alg, all suites, P-256":         {[]any{open(ec, "a")}, nil, "a ECDH-ES"},
		"no alg, all suites, RSA":           {[]any{open(rsa, "a")}, nil, "a RSA-OAEP-256"},
		"no alg, all suites, X25519":        {[]any{open(x, "a")}, nil, "a ECDH-ES/X25519"},
		"no alg, as Singpass has it":        {[]any{open(ec, "a")}, []Suite{ECDHESA256KW}, "a ECDH-ES+A256KW"},
		"no alg, as Brazil has it":          {[]any{open(rsa, "a")}, []Suite{RSAOAEP}, "a RSA-OAEP"},
		"no alg, X25519":                    {[]any{open(x, "a")}, []Suite{ECDHESA256KWX25519}, "a ECDH-ES+A256KW/X25519"},
		"no alg, the usual suite":           {[]any{open(rsa, "a")}, []Suite{RSAOAEP256}, "a RSA-OAEP-256"},
		"no alg, in order":                  {[]any{open(rsa, "a")}, []Suite{RSAOAEP, RSAOAEP256}, "a RSA-OAEP"},
		"no alg, in the other order":        {[]any{open(rsa, "a")}, []Suite{RSAOAEP256, RSAOAEP}, "a RSA-OAEP-256"},
		"no alg, behind another type":       {[]any{open(ec, "a")}, []Suite{RSAOAEP, ECDHESX25519, ECDHESA256KW}, "a ECDH-ES+A256KW"},
		"neither alg nor use":               {[]any{with(ec, map[string]any{"kid": "a"})}, []Suite{ECDHESA256KW}, "a ECDH-ES+A256KW"},
		"an empty alg":                      {[]any{named(rsa, "a", "")}, []Suite{RSAOAEP}, "a RSA-OAEP"},
		"alg that fits":                     {[]any{named(rsa, "a", "RSA-OAEP")}, []Suite{RSAOAEP}, "a RSA-OAEP"},
		"the order of the suites":           {[]any{named(rsa, "a", "RSA-OAEP"), named(ec, "b", "ECDH-ES")}, []Suite{ECDHES, RSAOAEP}, "b ECDH-ES"},
		"then that of the set":              {[]any{open(ec, "a"), named(other, "b", "ECDH-ES")}, []Suite{ECDHES}, "a ECDH-ES"},
		"a named one behind an open one":    {[]any{named(other, "b", "ECDH-ES+A256KW"), open(ec, "a")}, []Suite{ECDHES, ECDHESA256KW}, "a ECDH-ES"},
		"alg that contradicts":              {[]any{named(rsa, "a", "RSA-OAEP-256")}, []Suite{RSAOAEP}, "no encryption key for RSA-OAEP; it has keys for RSA-OAEP-256"},
		"alg that contradicts, P-256":       {[]any{named(ec, "a", "ECDH-ES")}, []Suite{ECDHESA256KW}, "for ECDH-ES+A256KW; it has keys for ECDH-ES"},
		"no key of the type":                {[]any{open(ec, "a"), named(x, "b", "ECDH-ES")}, []Suite{RSAOAEP, RSAOAEP256}, "for RSA-OAEP or RSA-OAEP-256; it has P-256 keys without alg, keys for ECDH-ES/X25519"},
		"another curve":                     {[]any{open(ec, "a")}, []Suite{ECDHESX25519}, "for ECDH-ES/X25519; it has P-256 keys without alg"},
		"a signing suite":                   {[]any{with(ec, map[string]any{"kid": "a"})}, []Suite{ES256}, "for ES256"},
		"no suite":                          {[]any{open(ec, "a")}, []Suite{0, 77}, "for Suite(0) or Suite(77)"},
		"an alg that is not offered":        {[]any{named(rsa, "a", "RSA-OAEP-512")}, []Suite{RSAOAEP}, "no encryption key that is supported"},
		"a signing key alone":               {[]any{with(rsa, map[string]any{"kid": "a", "use": "sig"})}, []Suite{RSAOAEP}, "no encryption key that is supported"},
		"nothing, and any suite will do":    {nil, nil, "no encryption key that is supported"},
		"a key that operations say to sign": {[]any{with(ec, map[string]any{"kid": "a", "key_ops": []string{"verify"}})}, []Suite{ECDHES}, "no encryption key that is supported"},
	} {
		p := must(ParsePublicSet(jwks(t, c.members...)))(t)
		// The set is written and read back. It gives the same key.
		for _, p := range []*PublicSet{p, must(ParsePublicSet(must(json.Marshal(p))(t)))(t), p.ForUse(UseEnc)} {
			k, err := p.EncryptionKey(c.suites...)
			if err != nil {
				if !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if got := fmt.Sprint(k.ID(), " ", k.Suite()); got != c.want {
				t.Errorf("%s: %s, want %s", name, got, c.want)
			}
		}
		// The set itself has not changed.
		for _, k := range p.Keys() {
			if usual, _ := defaultSuite(k.suite.kind(), UseEnc); k.anySuite && k.Suite() != usual {
				t.Errorf("%s: the set has a key for %v now", name, k.Suite())
			}
		}
	}
}

// A key without alg is given for another suite than the usual one. A token is sealed for it, and
// its owner opens the token.
func TestEncryptionKeySealsForItsSuite(t *testing.T) {
	for _, suite := range encryptionSuites {
		own := generated(t, suite)
		text := with(asMap(t, publicJWK(t, own.Key)), map[string]any{"alg": nil})
		k := must(must(ParsePublicSet(jwks(t, text)))(t).EncryptionKey(suite))(t)
		if k.HasPrivate() || k.Thumbprint() != own.Thumbprint() {
			t.Errorf("%v: another key", suite)
		}
		m := sealed(t, k, A256GCM, "plaintext")
		if alg := asMap(t, m.header)["alg"]; alg != suite.Alg() {
			t.Errorf("%v: alg is %v", suite, alg)
		}
		if got, err := m.open(t, own.Key); err != nil || string(got) != "plaintext" {
			t.Errorf("%v: %q, %v", suite, got, err)
		}
	}
}

// Our own keys have an alg, and keep it in a set.
func TestEncryptionKeyOfOwnKeys(t *testing.T) {
	k := must(ParseKey(asJSON(t, bareJWK(t, jwk.RSA, true)), Hint{Use: UseEnc}))(t)
	p := must(must(NewSet(SetConfig{Decryption: []*Key{k}}))(t).PublicKeys(t.Context(), ""))(t)
	_, err := p.EncryptionKey(RSAOAEP)
	wantError(t, err, ErrNoKey)
	// A set of our own gives an alg to the foreign keys in it, too.
	foreign := must(ParsePublicSet(jwks(t, with(bareJWK(t, jwk.RSA, false), map[string]any{"kid": "a", "use": "enc"}))))(t)
	again := must(must(NewSet(SetConfig{Published: foreign.Keys()}))(t).PublicKeys(t.Context(), ""))(t)
	if _, err := again.EncryptionKey(RSAOAEP); !errors.Is(err, ErrNoKey) {
		t.Errorf("a published key without alg: %v", err)
	}
}
