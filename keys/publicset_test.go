package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// jwks returns a JWK Set of these members.
func jwks(t testing.TB, members ...any) []byte {
	t.Helper()
	if members == nil {
		members = []any{}
	}
	return asJSON(t, map[string]any{"keys": members})
}

// public returns a new key of this suite as a JWK, with more members.
func public(t testing.TB, suite Suite, more map[string]any) map[string]any {
	t.Helper()
	return with(asMap(t, publicJWK(t, generated(t, suite).Key)), more)
}

func TestParsePublicSet(t *testing.T) {
	for _, suite := range allSuites {
		j := public(t, suite, map[string]any{"kid": "k"})
		p := must(ParsePublicSet(jwks(t, j)))(t)
		if len(p.Skipped()) != 0 || len(p.Keys()) != 1 || p.Keys()[0].Suite() != suite || p.Keys()[0].HasPrivate() {
			t.Fatalf("%v: %v", suite, p.Skipped())
		}
		verifies := p.HasVerificationKey("k")
		enc, err := p.EncryptionKey()
		if sig := suite.Use() == UseSig; verifies != sig || (err == nil) == sig || (enc == nil) != sig {
			t.Errorf("%v: verifies %v, %v", suite, verifies, err)
		}
		if err != nil {
			wantError(t, err, ErrNoKey)
		}
		if suite.Use() == UseSig {
			k, err := p.VerificationKey("k", suite.Alg())
			if err != nil || k != p.Keys()[0] {
				t.Errorf("%v: %v", suite, err)
			}
			for _, alg := range []string{"", "none", "HS256", "ES384", "ECDH-ES"} {
				_, err := p.VerificationKey("k", alg)
				wantError(t, err, ErrUnsupported)
			}
		}
		_, err = p.VerificationKey("other", suite.Alg())
		wantError(t, err, ErrNoKey)
		if p.HasVerificationKey("other") {
			t.Errorf("%v: found under another kid", suite)
		}
		if self := must(p.PublicKeys(t.Context(), "any"))(t); self != p {
			t.Errorf("%v: not a source of itself", suite)
		}
	}
}

func TestPublicSetSkips(t *testing.T) {
	ec := func(more map[string]any) map[string]any { return public(t, ES256, more) }
	for name, c := range map[string]struct {
		member any
		kid    string
		want   error
	}{
		"unknown kty":     {map[string]any{"kty": "AKP", "kid": "s", "pub": "AAAA"}, "s", ErrUnsupported},
		"unknown crv":     {ec(map[string]any{"kid": "s", "crv": "secp256k1"}), "s", ErrUnsupported},
		"X448":            {map[string]any{"kty": "OKP", "crv": "X448", "kid": "s", "x": b64(make([]byte, 56))}, "s", ErrUnsupported},
		"X25519 zero":     {map[string]any{"kty": "OKP", "crv": "X25519", "kid": "s", "x": b64(make([]byte, 32))}, "s", ErrWeakKey},
		"unknown alg":     {ec(map[string]any{"kid": "s", "alg": "ES256K"}), "s", ErrUnsupported},
		"unknown use":     {ec(map[string]any{"kid": "s", "use": "tls"}), "s", ErrUnsupported},
		"use against alg": {ec(map[string]any{"kid": "s", "use": "enc"}), "s", ErrUnsupported},
		"two uses":        {ec(map[string]any{"kid": "s", "use": nil, "alg": nil, "key_ops": []string{"sign", "deriveKey"}}), "s", ErrUnsupported},
		"weak":            {asMap(t, readTestdata(t, "keys/rsa-roca.jwk")), "kid-rsa-roca-sign", ErrWeakKey},
		"e = 3":           {with(publicMembersOf(t, "rsa-e3-public.pem"), map[string]any{"use": "sig"}), "", ErrWeakKey},
		"no kty":          {map[string]any{"kid": "s"}, "s", ErrMalformed},
		"kid not a text":  {ec(map[string]any{"kid": 1}), "", ErrMalformed},
		"kid not ASCII":   {ec(map[string]any{"kid": "열쇠"}), "열쇠", ErrMalformed},
		"kid too long":    {ec(map[string]any{"kid": strings.Repeat("k", 257)}), strings.Repeat("k", 257), ErrMalformed},
		"off the curve":   {ec(map[string]any{"kid": "s", "y": public(t, ES256, nil)["y"]}), "s", ErrMalformed},
		"no y":            {ec(map[string]any{"kid": "s", "y": nil}), "s", ErrMalformed},
		"padded x":        {ec(map[string]any{"kid": "s", "x": b64(make([]byte, 32)) + "="}), "s", ErrMalformed},
		"no object":       {"key", "", ErrMalformed},
		"number":          {7, "", ErrMalformed},
		"null":            {nil, "", ErrMalformed},
		"array":           {[]any{ec(nil)}, "", ErrMalformed},
		"empty object":    {map[string]any{}, "", ErrMalformed},
	} {
		first, last := ec(map[string]any{"kid": "first"}), public(t, ECDHES, map[string]any{"kid": "last"})
		p, err := ParsePublicSet(jwks(t, first, c.member, last))
		if err != nil {
			t.Errorf("%s: the whole set fails: %v", name, err)
			continue
		}
		s := p.Skipped()
		if len(s) != 1 || s[0].Index != 1 || s[0].KeyID != c.kid || !errors.Is(s[0].Reason, c.want) {
			t.Errorf("%s: skipped %+v, want %v", name, s, c.want)
		}
		verifies := p.HasVerificationKey("first")
		enc, err := p.EncryptionKey()
		if !verifies || err != nil || enc.ID() != "last" || len(p.Keys()) != 2 {
			t.Errorf("%s: the others are gone too", name)
		}
		if p.HasVerificationKey("s") {
			t.Errorf("%s: it is used all the same", name)
		}
	}
}

// One private member spoils the set, wherever it stands and whatever its value is.
func TestPublicSetWithPrivateKey(t *testing.T) {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		for _, value := range []any{"AAAA", " ", 0, 1, false, []any{""}, map[string]any{"a": 1}} {
			for _, kty := range []string{"EC", "oct", "unknown", ""} {
				leak := public(t, ES256, nil)
				leak[name], leak["kty"] = value, kty
				for i, set := range [][]any{{leak}, {public(t, ES256, nil), leak}, {leak, public(t, ES256, nil)}} {
					p, err := ParsePublicSet(jwks(t, set...))
					if p != nil || !errors.Is(err, ErrPrivateKey) {
						t.Errorf("%s of %s in set %d: %v", name, kty, i, err)
					}
				}
			}
		}
	}
	for _, suite := range allSuites {
		k := generated(t, suite)
		_, err := ParsePublicSet(jwks(t, json.RawMessage(k.jwk)))
		wantError(t, err, ErrPrivateKey)
		checkNoSecrets(t, err, asMap(t, k.jwk))
	}
}

// A key without use, on RSA or P-256, serves both uses.
func TestPublicSetOpenUse(t *testing.T) {
	for kind, suites := range map[jwk.Kind][2]Suite{jwk.P256: {ES256, ECDHES}, jwk.RSA: {RS256, RSAOAEP256}} {
		bare := with(bareJWK(t, kind, false), map[string]any{"kid": "k"})
		p := must(ParsePublicSet(jwks(t, bare)))(t)
		sig, errSig := p.VerificationKey("k", suites[0].Alg())
		enc, err := p.EncryptionKey()
		if errSig != nil || err != nil || sig.Suite() != suites[0] || enc.Suite() != suites[1] || enc.ID() != "k" || len(p.Keys()) != 2 {
			t.Errorf("%v: %v, %v", kind, errSig, err)
		}
		for ops, want := range map[string]int{"verify": 1, "deriveKey": 1, "futureOp": 2} {
			p := must(ParsePublicSet(jwks(t, with(bare, map[string]any{"key_ops": []string{ops}}))))(t)
			if len(p.Keys()) != want {
				t.Errorf("%v for %s: %d keys", kind, ops, len(p.Keys()))
			}
		}
	}
	// Ed25519 has one use only, and so has X25519.
	if p := must(ParsePublicSet(jwks(t, bareJWK(t, jwk.X25519, false))))(t); len(p.Keys()) != 1 || p.Keys()[0].Suite() != ECDHESX25519 {
		t.Error("a bare X25519 key is not for ECDH-ES alone")
	}
	if p := must(ParsePublicSet(jwks(t, bareJWK(t, jwk.Ed25519, false))))(t); len(p.Keys()) != 1 || p.Keys()[0].Suite() != EdDSA {
		t.Error("a bare Ed25519 key is not for EdDSA alone")
	}
}

func TestEncryptionKeyIsTheFirst(t *testing.T) {
	unusable := map[string]any{"kty": "EC", "crv": "P-521", "kid": "0", "use": "enc"}
	sig := public(t, ES256, map[string]any{"kid": "1"})
	kw, direct := public(t, ECDHESA256KW, map[string]any{"kid": "2"}), public(t, ECDHES, map[string]any{"kid": "3"})
	for _, c := range []struct {
		members []any
		want    string
	}{
		{[]any{unusable, sig, kw, direct}, "2"},
		{[]any{direct, kw, sig, unusable}, "3"},
	} {
		p := must(ParsePublicSet(jwks(t, c.members...)))(t)
		if k, err := p.EncryptionKey(); err != nil || k.ID() != c.want {
			t.Errorf("%v, want kid %s", err, c.want)
		}
	}
	for _, members := range [][]any{{}, {sig}, {unusable, sig}} {
		_, err := must(ParsePublicSet(jwks(t, members...)))(t).EncryptionKey()
		wantError(t, err, ErrNoKey)
	}
}

func TestVerificationKeys(t *testing.T) {
	es, ed, es2 := public(t, ES256, nil), public(t, EdDSA, nil), public(t, ES256, nil)
	for _, c := range []struct {
		members []any
		alg     string
		want    []any
	}{
		{[]any{es, ed}, "ES256", []any{es["kid"]}},
		{[]any{es, ed}, "EdDSA", []any{ed["kid"]}},
		{[]any{es, ed}, "Ed25519", []any{ed["kid"]}},
		{[]any{es, ed, public(t, ECDHES, nil)}, "ECDH-ES", nil},
		{[]any{es, ed, es2}, "ES256", []any{es["kid"], es2["kid"]}},
		{[]any{es}, "RS256", nil},
		{[]any{es}, "", nil},
		{nil, "ES256", nil},
	} {
		var got []any
		for _, k := range must(ParsePublicSet(jwks(t, c.members...)))(t).VerificationKeys(c.alg) {
			got = append(got, k.ID())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s among %d: %v", c.alg, len(c.members), got)
		}
	}
}

func TestParsePublicSetRefuses(t *testing.T) {
	for _, text := range []string{
		"", "[]", "{}", "null", `"keys"`, `{"keys":{}}`, `{"keys":null}`, `{"keys":"[]"}`, `{"Keys":[]}`, `{"keys":[]`, `{"keys":[]}x`,
		`{"keys":[],"keys":[]}`, `{"keys":[],"KEYS":[]}`, `{"keys":[{"kid":"a","kid":"b"}]}`, `{"keys":["` + "\xff" + `"]}`,
		`{"keys":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	} {
		p, err := ParsePublicSet([]byte(text))
		if p != nil || !errors.Is(err, ErrMalformed) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
	if p, err := ParsePublicSet([]byte(` {"more":{"d":1},"keys":[]} `)); err != nil || len(p.Keys()) != 0 {
		t.Errorf("an empty set: %v", err)
	}
}

// A printed set reads back as the same set and prints as the same bytes.
func TestPublicSetRoundTrip(t *testing.T) {
	var members []any
	for _, suite := range []Suite{ES256, EdDSA, RS256, ECDHES, ECDHESA256KW} {
		members = append(members, public(t, suite, nil))
	}
	open := with(bareJWK(t, jwk.P256, false), map[string]any{"kid": "open", "ext": true, "x5c": []string{"garbage"}})
	members = append(members, open, map[string]any{"kty": "AKP"})
	for _, set := range [][]any{members, {}} {
		first := must(ParsePublicSet(jwks(t, set...)))(t)
		text := must(json.Marshal(first))(t)
		second := must(ParsePublicSet(text))(t)
		if again := must(json.Marshal(*second))(t); !bytes.Equal(text, again) {
			t.Errorf("printed %s, then %s", text, again)
		}
		if len(second.Skipped()) != 0 || len(first.Keys()) != len(second.Keys()) {
			t.Fatalf("%d keys came back as %d", len(first.Keys()), len(second.Keys()))
		}
		for i, k := range first.Keys() {
			if got := second.Keys()[i]; got.ID() != k.ID() || got.Suite() != k.Suite() || got.Thumbprint() != k.Thumbprint() {
				t.Errorf("key %d came back as another one", i)
			}
		}
		checkPublished(t, text, len(set) != 0)
	}
}

// checkPublished checks a JWK Set that we publish. A member that a foreign key leaves out stays
// out.
func checkPublished(t *testing.T, text []byte, foreign bool) {
	t.Helper()
	items, ok, err := must(strict.ParseObject(text))(t).Array("keys")
	if !ok || err != nil {
		t.Fatalf("no JWK Set: %s", text)
	}
	for _, item := range items {
		o := must(strict.ParseObject(item))(t)
		if jwk.HasSecret(o) {
			t.Errorf("a private member in %s", item)
		}
		for _, name := range []string{"kid", "use", "alg"} {
			if s, _, _ := o.Text(name); s == "" && !foreign {
				t.Errorf("no %s in %s", name, item)
			}
		}
		for name := range o.All() {
			if !strings.Contains(" kty kid use alg crv x y n e ", " "+name+" ") {
				t.Errorf("member %s in %s", name, item)
			}
		}
	}
}

// A foreign key without a kid gets none. A token cannot name it, not even by the kid that this
// package would make for it.
func TestPublicSetWithoutKeyID(t *testing.T) {
	sig, enc := public(t, ES256, nil), public(t, ECDHES, nil)
	made := sig["kid"].(string)
	for name, kid := range map[string]any{"no kid": nil, "an empty kid": ""} {
		first, second := with(sig, map[string]any{"kid": kid}), with(public(t, ES256, nil), map[string]any{"kid": kid})
		p := must(ParsePublicSet(jwks(t, first, second, with(enc, map[string]any{"kid": kid}))))(t)
		if len(p.Skipped()) != 0 || len(p.Keys()) != 3 || len(p.VerificationKeys("ES256")) != 2 {
			t.Fatalf("%s: passed over %+v", name, p.Skipped())
		}
		for _, k := range p.Keys() {
			if k.ID() != "" || k.Thumbprint() == "" {
				t.Errorf("%s: the kid is %q", name, k.ID())
			}
		}
		for _, wanted := range []string{"", made} {
			if _, err := p.VerificationKey(wanted, "ES256"); !errors.Is(err, ErrNoKey) || p.HasVerificationKey(wanted) {
				t.Errorf("%s: found by the kid %q: %v", name, wanted, err)
			}
		}
		k := must(p.EncryptionKey())(t)
		header := asMap(t, append(must(k.NewSender(A256GCM))(t).AppendHeader([]byte("{")), '}'))
		if _, ok := header["kid"]; ok || header["alg"] != "ECDH-ES" || header["enc"] != "A256GCM" || header["epk"] == nil {
			t.Errorf("%s: a header with the members %v", name, header)
		}
		text := must(json.Marshal(p))(t)
		if bytes.Contains(text, []byte(`"kid"`)) {
			t.Errorf("%s: written with a kid: %s", name, text)
		}
		// In a set of our own every key has a kid that others can name.
		_, err := NewSet(SetConfig{Published: p.Keys()})
		wantError(t, err, ErrMalformed)
	}
}

func TestForUse(t *testing.T) {
	open := with(bareJWK(t, jwk.P256, false), map[string]any{"kid": "open"})
	p := must(ParsePublicSet(jwks(t, open, public(t, ES256, map[string]any{"kid": "sig"}), public(t, RSAOAEP256, map[string]any{"kid": "enc"}), 7)))(t)
	for use, want := range map[Use]string{UseSig: "open sig", UseEnc: "open enc", "": ""} {
		only := p.ForUse(use)
		var kids []string
		for _, k := range only.Keys() {
			if k.Use() != use {
				t.Errorf("%s: a key for %s", use, k.Use())
			}
			kids = append(kids, k.ID())
		}
		text := must(json.Marshal(only))(t)
		again := must(ParsePublicSet(text))(t)
		if got := strings.Join(kids, " "); got != want || len(again.Keys()) != len(kids) {
			t.Errorf("%q: %s, %s", use, got, text)
		}
		checkPublished(t, text, true)
		if n := bytes.Count(text, []byte(`"use":"`+string(use)+`"`)); use != "" && n != len(kids) {
			t.Errorf("%q: %d keys say what they are for: %s", use, n, text)
		}
		verifies := only.HasVerificationKey("sig")
		if _, err := only.EncryptionKey(); verifies != (use == UseSig) || (err == nil) != (use == UseEnc) {
			t.Errorf("%q: verifies %v, encrypts %v", use, verifies, err == nil)
		}
	}
	if len(p.Keys()) != 4 {
		t.Error("the set itself has changed")
	}
}

func TestPublicSetGivesCopies(t *testing.T) {
	p := must(ParsePublicSet(jwks(t, public(t, ES256, nil), 7)))(t)
	p.Keys()[0], p.Skipped()[0] = nil, SkippedKey{Index: 99}
	if p.Keys()[0] == nil || p.Skipped()[0].Index != 1 {
		t.Error("the caller can change the set")
	}
}
