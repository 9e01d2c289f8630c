package seal_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/seal"
)

// foreignSet returns the JWK Set that another party's recipient would write.
func foreignSet(jwks ...jose.JSONWebKey) *keys.PublicSet {
	return must(keys.ParsePublicSet(must(json.Marshal(jose.JSONWebKeySet{Keys: jwks}))))
}

// foreignKey returns a recipient's public JWK, and stores the private key under its kid.
func foreignKey(kid, alg string, suite keys.Suite) jose.JSONWebKey {
	private := newPrivate(suite)
	privates.Store(kid, private)
	return jose.JSONWebKey{Key: private.Public(), KeyID: kid, Algorithm: alg, Use: "enc"}
}

// The suites of a recipient select its key, and give a suite to a key without alg. go-jose opens
// each sealed part by its header.
func TestSuites(t *testing.T) {
	t.Parallel()
	ec, open := foreignKey("ec", "", keys.ECDHES), foreignKey("rsa", "", keys.RSAOAEP)
	direct := foreignKey("direct", "ECDH-ES", keys.ECDHES)
	private := must(rsa.GenerateKey(rand.Reader, 2048)) // foreignKey always returns the same RSA key
	privates.Store("oaep-256", private)
	oaep := jose.JSONWebKey{Key: private.Public(), KeyID: "oaep-256", Algorithm: "RSA-OAEP-256", Use: "enc"}
	for name, tt := range map[string]struct {
		keys   *keys.PublicSet
		suites []keys.Suite
		want   string // kid and alg, or a part of the error
	}{
		"no suites, P-256":           {foreignSet(ec), nil, "ec ECDH-ES"},
		"no suites, RSA":             {foreignSet(open), nil, "rsa RSA-OAEP-256"},
		"no suites, the first":       {foreignSet(oaep, direct), nil, "oaep-256 RSA-OAEP-256"},
		"Singpass":                   {foreignSet(ec), []keys.Suite{keys.ECDHESA256KW}, "ec ECDH-ES+A256KW"},
		"Brazil":                     {foreignSet(open), []keys.Suite{keys.RSAOAEP}, "rsa RSA-OAEP"},
		"the order of the suites":    {foreignSet(oaep, direct), []keys.Suite{keys.ECDHES, keys.RSAOAEP256}, "direct ECDH-ES"},
		"the next suite":             {foreignSet(open), []keys.Suite{keys.ECDHES, keys.RSAOAEP}, "rsa RSA-OAEP"},
		"alg is not overruled":       {foreignSet(oaep), []keys.Suite{keys.RSAOAEP}, "no encryption key for RSA-OAEP; it has keys for RSA-OAEP-256"},
		"behind alg that is another": {foreignSet(oaep, open), []keys.Suite{keys.RSAOAEP}, "rsa RSA-OAEP"},
		"no key of the kind":         {foreignSet(ec, direct), []keys.Suite{keys.RSAOAEP256}, "for RSA-OAEP-256; it has P-256 keys without alg, keys for ECDH-ES"},
	} {
		for _, form := range []bool{nested, selective} {
			c := defaults().config()
			c.Selective = form
			c.Recipients[0].Keys, c.Recipients[0].Suites = tt.keys, slices.Clone(tt.suites)
			s := newSealer(t, c)
			for i := range c.Recipients[0].Suites {
				c.Recipients[0].Suites[i] = keys.ECDHESX25519 // the sealer keeps a copy of the list
			}
			token, err := s.Seal(t.Context(), seal.Claims{Custom: map[string]string{"email": "ada@example.com"}})
			if ready := s.Ready(t.Context()); fmt.Sprint(ready) != fmt.Sprint(err) {
				t.Errorf("%s: ready: %v, and Seal: %v", name, ready, err)
			}
			if err != nil {
				if !errors.Is(err, keys.ErrNoKey) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			jwe := token
			if form == selective {
				jwe = jwesOf(token)[0]
			}
			var header struct{ Kid, Alg string }
			if err := json.Unmarshal(decode(strings.Split(jwe, ".")[0]), &header); err != nil {
				t.Fatal(err)
			}
			if got := header.Kid + " " + header.Alg; got != tt.want {
				t.Errorf("%s, selective %v: sealed to %s, want %s", name, form, got, tt.want)
			}
			if _, err := decryptJOSE(jwe); err != nil {
				t.Errorf("%s, selective %v: %v", name, form, err)
			}
		}
	}
}

// A list of suites that makes no sense is refused. The error names the suites that it may have.
func TestSuitesConfig(t *testing.T) {
	t.Parallel()
	for want, suites := range map[string][]keys.Suite{
		"is empty, which allows none: leave it nil":      {},
		"names ES256, which does not encrypt":            {keys.ECDHES, keys.ES256},
		"names Suite(0), which does not encrypt":         {0},
		"names Suite(77), which does not encrypt":        {77},
		"ECDH-ES+A256KW/X25519 RSA-OAEP-256 RSA-OAEP]":   {keys.PS256},
		"names RSA-OAEP twice":                           {keys.RSAOAEP, keys.ECDHES, keys.RSAOAEP},
		"name some of [ECDH-ES ECDH-ES/X25519 ECDH-ES+A": {},
	} {
		for form, field := range map[bool]string{nested: "Recipient.Suites", selective: "Recipients[0].Suites"} {
			c := defaults().config()
			c.Selective, c.Recipients[0].Suites = form, suites
			s, err := newAny(c)
			var problem *seal.ConfigError
			if s != nil || !errors.As(err, &problem) || problem.Field != field || !strings.Contains(problem.Problem, want) {
				t.Errorf("%v, selective %v: %v", suites, form, err)
			}
		}
	}
}

// If the recipient's key has no kid, a nested token has none either. A selective token is refused,
// because the recipient could not find its part.
func TestKeyWithoutKeyID(t *testing.T) {
	t.Parallel()
	for _, suite := range []keys.Suite{keys.ECDHES, keys.ECDHESA256KW, keys.RSAOAEP256, keys.RSAOAEP} {
		private := newPrivate(suite)
		recipient := foreignSet(jose.JSONWebKey{Key: private.Public(), Algorithm: suite.Alg(), Use: "enc"})
		c := defaults().config()
		c.Recipients[0].Keys = recipient
		s := newSealer(t, c)
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("%v: %v", suite, err)
		}
		token, err := s.Seal(t.Context(), seal.Claims{Subject: "u-42"})
		if err != nil {
			t.Fatal(err)
		}
		var header map[string]any
		if err := json.Unmarshal(decode(strings.Split(token, ".")[0]), &header); err != nil {
			t.Fatal(err)
		}
		if _, ok := header["kid"]; ok || header["alg"] != suite.Alg() || header["cty"] != "JWT" {
			t.Errorf("%v: the header is %v", suite, header)
		}
		encrypted := must(jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.KeyAlgorithm(suite.Alg())}, []jose.ContentEncryption{jose.A256GCM}))
		if inner, err := encrypted.Decrypt(private); err != nil || strings.Count(string(inner), ".") != 2 {
			t.Errorf("%v: go-jose reads %q, %v", suite, inner, err)
		}

		c = defaults().config()
		c.Selective = true
		c.Recipients[0].Reads = []string{"email"}
		c.Recipients = append(c.Recipients, seal.SelectiveRecipient{Audience: "https://kyc.example.com", Keys: recipient, Reads: []string{"email"}})
		s = newSealer(t, c)
		token, err = s.Seal(t.Context(), seal.Claims{Custom: map[string]string{"email": "ada@example.com"}})
		for _, err := range []error{err, s.Ready(t.Context())} {
			if token != "" || !errors.Is(err, keys.ErrNoKey) || !strings.Contains(err.Error(), `recipient 2 ("https://kyc.example.com") has no kid`) {
				t.Errorf("%v: %v", suite, err)
			}
		}
	}
}
