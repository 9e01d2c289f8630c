package keys

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func b64(b []byte) string { return strict.EncodeBase64URL(b) }

func pkixEd25519(x []byte) []byte {
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(x))
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// bareJWK is the test key of this kind as it is written: key material only.
func bareJWK(t testing.TB, k kind, private bool) map[string]any {
	t.Helper()
	file := map[kind]string{kindP256: "p256.pem", kindEd25519: "ed25519.pem", kindRSA: "rsa.pem", kindX25519: "x25519.pem"}[k]
	material := must(readKey(readTestdata(t, "keys/"+file)))(t).material
	if !private {
		material = material.(privateHalf).Public()
	}
	return asMap(t, must(writtenJWK{key: material}.MarshalJSON())(t))
}

// with is m with members added, or removed where nil.
func with(m map[string]any, members map[string]any) map[string]any {
	m = maps.Clone(m)
	for name, v := range members {
		if v == nil {
			delete(m, name)
		} else {
			m[name] = v
		}
	}
	return m
}

func asJSON(t testing.TB, v any) []byte {
	t.Helper()
	return must(json.Marshal(v))(t)
}

func TestParseKeyJWK(t *testing.T) {
	for _, suite := range allSuites {
		for _, private := range []bool{true, false} {
			bare := bareJWK(t, suite.kind(), private)
			want := must(ParseKey(asJSON(t, bare), As{Suite: suite}))(t)
			if want.Suite() != suite || want.HasPrivate() != private || want.ID() != strings.TrimLeft(want.Thumbprint(), "-_")[:16] {
				t.Errorf("%v: %v, private %v, kid %s", suite, want.Suite(), want.HasPrivate(), want.ID())
			}
			if private {
				checkHandles(t, want)
			}
			for name, c := range map[string]struct {
				members map[string]any
				as      As
			}{
				"alg":                {map[string]any{"alg": suite.Alg()}, As{}},
				"alg and use":        {map[string]any{"alg": suite.Alg(), "use": suite.Use()}, As{}},
				"alg, asked for use": {map[string]any{"alg": suite.Alg()}, As{Use: suite.Use()}},
				"alg, asked for it":  {map[string]any{"alg": suite.Alg()}, As{Suite: suite}},
				"use, asked for alg": {map[string]any{"use": suite.Use()}, As{Suite: suite}},
				"all of it":          {map[string]any{"alg": suite.Alg(), "use": suite.Use()}, As{suite.Use(), suite}},
				"empty members":      {map[string]any{"alg": suite.Alg(), "use": "", "key_ops": []string{}, "kid": ""}, As{}},
				"certificates": {map[string]any{
					"alg": suite.Alg(), "x5c": []string{"garbage"}, "x5u": "::not a URL", "x5t": "?", "x5t#S256": 7,
				}, As{}},
				"unknown members": {map[string]any{"alg": suite.Alg(), "ext": true, "iat": 1, "https://example.com": nil}, As{}},
				"CRT parameters":  {map[string]any{"alg": suite.Alg(), "dp": "!", "dq": 1, "qi": nil}, As{}},
			} {
				k, err := ParseKey(asJSON(t, with(bare, c.members)), c.as)
				if err != nil || k.Suite() != suite || k.Thumbprint() != want.Thumbprint() || k.ID() != want.ID() || k.HasPrivate() != private {
					t.Errorf("%v, private %v, %s: %v", suite, private, name, err)
				}
			}
			k := must(ParseKey(asJSON(t, with(bare, map[string]any{"kid": " any ~kid", "alg": suite.Alg()})), As{}))(t)
			if k.ID() != " any ~kid" {
				t.Errorf("%v: kid %q", suite, k.ID())
			}
		}
	}
}

func TestDefaultSuite(t *testing.T) {
	for _, c := range []struct {
		kind kind
		use  Use
		want Suite
	}{
		{kindP256, UseSig, ES256},
		{kindP256, UseEnc, ECDHES},
		{kindEd25519, UseSig, EdDSA},
		{kindEd25519, "", EdDSA},
		{kindRSA, UseSig, RS256},
		{kindRSA, UseEnc, RSAOAEP256},
		{kindX25519, UseEnc, ECDHESX25519},
		{kindX25519, "", ECDHESX25519},
	} {
		bare := bareJWK(t, c.kind, false)
		if k, err := ParseKey(asJSON(t, bare), As{Use: c.use}); err != nil || k.Suite() != c.want {
			t.Errorf("%v, asked for %q: %v", c.kind, c.use, err)
		}
		if c.use == "" {
			continue
		}
		if k, err := ParseKey(asJSON(t, with(bare, map[string]any{"use": c.use})), As{}); err != nil || k.Suite() != c.want {
			t.Errorf("%v, says %q: %v", c.kind, c.use, err)
		}
	}
}

func TestEd25519Name(t *testing.T) {
	bare := bareJWK(t, kindEd25519, true)
	for _, alg := range []string{"EdDSA", "Ed25519"} {
		for _, as := range []As{{}, {Suite: EdDSA}, {Use: UseSig}} {
			k, err := ParseKey(asJSON(t, with(bare, map[string]any{"alg": alg})), as)
			if err != nil || k.Suite() != EdDSA {
				t.Errorf("%s as %v: %v", alg, as, err)
			}
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	ec, okp, rsa := bareJWK(t, kindP256, false), bareJWK(t, kindEd25519, false), bareJWK(t, kindRSA, false)
	ecPrivate, okpPrivate, rsaPrivate := bareJWK(t, kindP256, true), bareJWK(t, kindEd25519, true), bareJWK(t, kindRSA, true)
	otherEC := asMap(t, must(generated(t, ES256).private())(t))
	otherEd := asMap(t, must(generated(t, EdDSA).private())(t))
	for name, c := range map[string]struct {
		jwk  map[string]any
		as   As
		want error
	}{
		"ambiguous EC":  {ec, As{}, ErrUnsupported},
		"ambiguous RSA": {rsa, As{}, ErrUnsupported},
		"kid alone":     {with(ec, map[string]any{"kid": "k"}), As{}, ErrUnsupported},

		"use and alg":             {with(ec, map[string]any{"use": "sig", "alg": "ECDH-ES"}), As{}, ErrUnsupported},
		"use and alg, enc":        {with(ec, map[string]any{"use": "enc", "alg": "ES256"}), As{}, ErrUnsupported},
		"use and asked use":       {with(ec, map[string]any{"use": "enc"}), As{Use: UseSig}, ErrUnsupported},
		"use and asked alg":       {with(ec, map[string]any{"use": "enc"}), As{Suite: ES256}, ErrUnsupported},
		"alg and asked alg":       {with(rsa, map[string]any{"alg": "RS256"}), As{Suite: PS256}, ErrUnsupported},
		"alg and asked use":       {with(rsa, map[string]any{"alg": "RS256"}), As{Use: UseEnc}, ErrUnsupported},
		"asked alg and asked use": {rsa, As{UseEnc, PS256}, ErrUnsupported},
		"asked no such use":       {ec, As{Use: "tls"}, ErrUnsupported},
		"asked no such suite":     {ec, As{Suite: 99}, ErrUnsupported},
		"alg of another type":     {with(ec, map[string]any{"alg": "RS256"}), As{}, ErrUnsupported},
		"asked of another type":   {ec, As{Suite: EdDSA}, ErrUnsupported},
		"alg ES384":               {with(ec, map[string]any{"alg": "ES384"}), As{}, ErrUnsupported},
		"alg none":                {with(ec, map[string]any{"alg": "none"}), As{}, ErrUnsupported},
		"alg RSA-OAEP":            {with(rsa, map[string]any{"alg": "RSA-OAEP"}), As{}, ErrUnsupported},
		"alg RSA1_5":              {with(rsa, map[string]any{"alg": "RSA1_5"}), As{}, ErrUnsupported},
		"Ed25519 encrypts":        {okp, As{Use: UseEnc}, ErrUnsupported},
		"Ed25519 says enc":        {with(okp, map[string]any{"use": "enc"}), As{}, ErrUnsupported},
		"use in capitals":         {with(ec, map[string]any{"use": "SIG"}), As{}, ErrUnsupported},
		"unknown use":             {with(ec, map[string]any{"use": "mixed"}), As{}, ErrUnsupported},

		"use is a number":    {with(ec, map[string]any{"use": 1}), As{}, ErrMalformed},
		"alg is an array":    {with(ec, map[string]any{"alg": []string{"ES256"}}), As{}, ErrMalformed},
		"kid is a number":    {with(ec, map[string]any{"kid": 1, "alg": "ES256"}), As{}, ErrMalformed},
		"key_ops string":     {with(ec, map[string]any{"key_ops": "sign"}), As{}, ErrMalformed},
		"key_ops of numbers": {with(ec, map[string]any{"key_ops": []int{1}}), As{}, ErrMalformed},
		"key_ops null":       {with(ec, map[string]any{"key_ops": json.RawMessage("null")}), As{}, ErrMalformed},
		"kid too long":       {with(ec, map[string]any{"kid": strings.Repeat("k", 257), "alg": "ES256"}), As{}, ErrMalformed},
		"kid not ASCII":      {with(ec, map[string]any{"kid": "ключ", "alg": "ES256"}), As{}, ErrMalformed},

		"no kty":        {with(ec, map[string]any{"kty": nil}), As{Use: UseSig}, ErrMalformed},
		"kty a number":  {with(ec, map[string]any{"kty": 1}), As{Use: UseSig}, ErrMalformed},
		"kty ec":        {with(ec, map[string]any{"kty": "ec"}), As{Use: UseSig}, ErrUnsupported},
		"oct":           {map[string]any{"kty": "oct", "k": "AAAA"}, As{}, ErrUnsupported},
		"AKP":           {map[string]any{"kty": "AKP", "pub": "AAAA"}, As{}, ErrUnsupported},
		"P-384":         {with(ec, map[string]any{"crv": "P-384"}), As{Use: UseSig}, ErrUnsupported},
		"no crv":        {with(ec, map[string]any{"crv": nil}), As{Use: UseSig}, ErrUnsupported},
		"crv a number":  {with(ec, map[string]any{"crv": 256}), As{Use: UseSig}, ErrUnsupported},
		"X448":          {with(okp, map[string]any{"crv": "X448"}), As{}, ErrUnsupported},
		"crv exchanged": {with(okp, map[string]any{"crv": "P-256"}), As{}, ErrUnsupported},

		"no y":            {with(ec, map[string]any{"y": nil}), As{Use: UseSig}, ErrMalformed},
		"y a number":      {with(ec, map[string]any{"y": 1}), As{Use: UseSig}, ErrMalformed},
		"no e":            {with(rsa, map[string]any{"e": nil}), As{Use: UseSig}, ErrMalformed},
		"no x":            {with(okp, map[string]any{"x": nil}), As{}, ErrMalformed},
		"short x":         {with(ec, map[string]any{"x": "AAAA"}), As{Use: UseSig}, ErrMalformed},
		"off the curve":   {with(ec, map[string]any{"y": otherEC["y"]}), As{Use: UseSig}, ErrMalformed},
		"infinity":        {with(ec, map[string]any{"x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))}), As{Use: UseEnc}, ErrMalformed},
		"low order point": {with(okp, map[string]any{"x": b64(make([]byte, 32))}), As{}, ErrMalformed},
		"e = 3":           {with(rsa, map[string]any{"e": "Aw"}), As{Use: UseSig}, ErrWeakKey},
		"even e":          {with(rsa, map[string]any{"e": "AQAC"}), As{Use: UseSig}, ErrWeakKey},
		"e = 1":           {with(rsa, map[string]any{"e": "AQ"}), As{Use: UseSig}, ErrMalformed},
		"e of 9 bytes":    {with(rsa, map[string]any{"e": "AQAAAAAAAAAB"}), As{Use: UseSig}, ErrMalformed},
		"n of 128 bytes":  {with(rsa, map[string]any{"n": strings.Repeat("_", 170) + "w"}), As{Use: UseSig}, ErrWeakKey},
		"n of 8 KiB":      {with(rsa, map[string]any{"n": strings.Repeat("_", 8192)}), As{Use: UseSig}, ErrMalformed},

		"EC halves":           {with(ecPrivate, map[string]any{"d": otherEC["d"]}), As{Use: UseSig}, ErrMalformed},
		"EC halves, enc":      {with(ecPrivate, map[string]any{"d": otherEC["d"]}), As{Use: UseEnc}, ErrMalformed},
		"EC d of zero":        {with(ecPrivate, map[string]any{"d": b64(make([]byte, 32))}), As{Use: UseSig}, ErrMalformed},
		"EC d too large":      {with(ecPrivate, map[string]any{"d": strings.Repeat("_", 42) + "8"}), As{Use: UseSig}, ErrMalformed},
		"EC d of 31 bytes":    {with(ecPrivate, map[string]any{"d": b64(make([]byte, 31))}), As{Use: UseSig}, ErrMalformed},
		"EC d a number":       {with(ecPrivate, map[string]any{"d": 1}), As{Use: UseSig}, ErrMalformed},
		"EC without x":        {with(ecPrivate, map[string]any{"x": nil}), As{Use: UseSig}, ErrMalformed},
		"OKP halves":          {with(okpPrivate, map[string]any{"d": otherEd["d"]}), As{}, ErrMalformed},
		"OKP d of 31 bytes":   {with(okpPrivate, map[string]any{"d": b64(make([]byte, 31))}), As{}, ErrMalformed},
		"RSA without p":       {with(rsaPrivate, map[string]any{"p": nil}), As{Use: UseSig}, ErrMalformed},
		"RSA d":               {with(rsaPrivate, map[string]any{"d": "AQAB"}), As{Use: UseSig}, ErrMalformed},
		"RSA p and q":         {with(rsaPrivate, map[string]any{"p": rsaPrivate["q"]}), As{Use: UseSig}, ErrMalformed},
		"RSA halves":          {with(rsaPrivate, map[string]any{"n": publicMembersOf(t, "rsa-e3-public.pem")["n"]}), As{Use: UseSig}, ErrMalformed},
		"RSA with oth":        {with(rsaPrivate, map[string]any{"oth": []any{}}), As{Use: UseSig}, ErrUnsupported},
		"public RSA with oth": {with(rsa, map[string]any{"oth": []any{}}), As{Use: UseSig}, ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParseKey(asJSON(t, c.jwk), c.as)
			if k != nil {
				t.Error("accepted")
			}
			wantError(t, err, c.want)
			checkNoSecrets(t, err, ecPrivate, okpPrivate, rsaPrivate, otherEC, otherEd)
		})
	}
}

func asMap(t testing.TB, text []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func publicMembersOf(t testing.TB, file string) map[string]any {
	t.Helper()
	pub := must(readKey(readTestdata(t, "keys/"+file)))(t).material
	return asMap(t, must(jose.JSONWebKey{Key: pub}.MarshalJSON())(t))
}

func checkNoSecrets(t *testing.T, err error, jwks ...map[string]any) {
	t.Helper()
	if err == nil {
		return
	}
	for _, j := range jwks {
		for _, name := range []string{"d", "p", "q"} {
			if s, ok := j[name].(string); ok && strings.Contains(err.Error(), s[:8]) {
				t.Errorf("the error holds %s: %v", name, err)
			}
		}
	}
}

// Each of the 16 combinations of sign, verify and operations of encryption.
func TestKeyOps(t *testing.T) {
	groups := [][]string{{"sign"}, {"verify"}, {"encrypt", "decrypt", "wrapKey", "unwrapKey"}, {"deriveKey", "deriveBits"}}
	bare := bareJWK(t, kindP256, true)
	for bits := range 1 << len(groups) {
		var ops []string
		for i, g := range groups {
			if bits&(1<<i) != 0 {
				ops = append(ops, g...)
			}
		}
		says := map[string]Suite{"sig": ES256, "enc": ECDHES}
		sig, enc := bits&3 != 0, bits&12 != 0
		for _, use := range []string{"", "sig", "enc"} {
			jwk := with(bare, map[string]any{"key_ops": append([]string{"futureOp"}, ops...)})
			want := says[use]
			if use != "" {
				jwk["use"] = use
			} else if sig != enc {
				want = map[bool]Suite{true: ES256, false: ECDHES}[sig]
			}
			if sig && enc || use == "sig" && enc || use == "enc" && sig {
				want = 0
			}
			k, err := ParseKey(asJSON(t, jwk), As{})
			if want == 0 {
				wantError(t, err, ErrUnsupported)
			} else if err != nil || k.Suite() != want {
				t.Errorf("use %q, key_ops %v: %v, want %v", use, ops, err, want)
			}
		}
	}
	for _, op := range slices.Concat(groups...) {
		want := UseEnc
		if op == "sign" || op == "verify" {
			want = UseSig
		}
		if got := usesOf([]string{op}); got != want {
			t.Errorf("%s: %q", op, got)
		}
	}
}

// Each member of the key material in another spelling of the same bytes.
func TestBase64IsCanonical(t *testing.T) {
	for k, as := range map[kind]As{kindP256: {Use: UseSig}, kindEd25519: {}, kindRSA: {Use: UseEnc}, kindX25519: {}} {
		bare := bareJWK(t, k, true)
		must(ParseKey(asJSON(t, bare), as))(t)
		for _, name := range slices.Concat(publicMembers[bare["kty"].(string)], privateMembers[bare["kty"].(string)]) {
			s := bare[name].(string)
			if name == "crv" {
				continue
			}
			spellings := []string{s + "=", s + "\n", " " + s, s[:4] + "\r\n" + s[4:], s + "A", s[:len(s)-1] + "!"}
			if len(s)%4 != 0 { // the last character has spare bits
				spellings = append(spellings, s[:len(s)-1]+string(s[len(s)-1]+1))
			}
			for _, spelling := range spellings {
				_, err := ParseKey(asJSON(t, with(bare, map[string]any{name: spelling})), as)
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("%v, %s = %q: %v", k, name, spelling, err)
				}
			}
		}
	}
}

func TestParseKeyNoKey(t *testing.T) {
	for _, data := range []string{
		"", " ", "{}", "[]", "null", `"EC"`, "{", `{"kty":"EC"`, "not a key", "\x00\x01", `{"keys":[]}`,
		`{"kty":"EC","kty":"RSA"}`, `{"kty":"EC","KTY":"RSA"}`, `{"kty":"EC"}{}`, "\ufeff{}",
	} {
		k, err := ParseKey([]byte(data), As{Suite: ES256})
		if k != nil {
			t.Errorf("%q: accepted", data)
		}
		if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%q: %v", data, err)
		}
	}
	_, err := ParseKey([]byte(`{"keys":[]}`), As{})
	if wantError(t, err, ErrMalformed); !strings.Contains(err.Error(), "JWK Set") {
		t.Errorf("%v does not say that this is a set", err)
	}
}

func TestParseKeyPEM(t *testing.T) {
	for file, c := range map[string]struct {
		as      []As
		private bool
	}{
		"p256.pem":             {[]As{{Suite: ES256}, {Suite: ECDHES}, {Suite: ECDHESA256KW}, {Use: UseSig}, {Use: UseEnc}}, true},
		"p256-pkcs8.pem":       {[]As{{Suite: ES256}, {Suite: ECDHES}}, true},
		"p256-public.pem":      {[]As{{Suite: ES256}, {Suite: ECDHES}}, false},
		"rsa.pem":              {[]As{{Suite: RS256}, {Suite: PS256}, {Suite: RSAOAEP256}}, true},
		"rsa-pkcs1.pem":        {[]As{{Suite: RS256}, {Use: UseEnc}}, true},
		"rsa-public.pem":       {[]As{{Suite: RS256}, {Use: UseEnc}}, false},
		"rsa-public-pkcs1.pem": {[]As{{Suite: RS256}, {Use: UseEnc}}, false},
		"ed25519.pem":          {[]As{{}, {Use: UseSig}, {Suite: EdDSA}}, true},
		"ed25519-public.pem":   {[]As{{}}, false},
		"x25519.pem":           {[]As{{}, {Use: UseEnc}, {Suite: ECDHESX25519}, {Suite: ECDHESA256KWX25519}}, true},
		"x25519-public.pem":    {[]As{{}, {Suite: ECDHESA256KWX25519}}, false},
	} {
		data := readTestdata(t, "keys/"+file)
		for _, as := range c.as {
			k, err := ParseKey(data, as)
			if err != nil || k.HasPrivate() != c.private || as.Suite != 0 && k.Suite() != as.Suite || as.Use != "" && k.Use() != as.Use {
				t.Errorf("%s as %v: %v", file, as, err)
				continue
			}
			if c.private {
				checkHandles(t, k)
			}
			// The halves of one key have one kid.
			family, _, _ := strings.Cut(strings.TrimSuffix(file, ".pem"), "-")
			if whole := must(ParseKey(readTestdata(t, "keys/"+family+".pem"), as))(t); whole.ID() != k.ID() {
				t.Errorf("%s: kid %s, in %s.pem it is %s", file, k.ID(), family, whole.ID())
			}
		}
	}
	// Text around the block is what openssl writes and people add.
	data := slices.Concat([]byte("my key\n"), readTestdata(t, "keys/ed25519.pem"), readTestdata(t, "keys/rsa.pem"))
	if k, err := ParseKey(data, As{}); err != nil || k.Suite() != EdDSA {
		t.Errorf("text around: %v", err)
	}
}

func TestParseKeyPEMRefuses(t *testing.T) {
	damaged := func(file string) []byte {
		block, _ := pem.Decode(readTestdata(t, "keys/"+file))
		block.Bytes = block.Bytes[:len(block.Bytes)-1]
		return pem.EncodeToMemory(block)
	}
	for name, c := range map[string]struct {
		data []byte
		as   As
		want error
		text string
	}{
		"no use":               {readTestdata(t, "keys/p256.pem"), As{}, ErrUnsupported, "what it is for"},
		"no use, RSA":          {readTestdata(t, "keys/rsa-public.pem"), As{}, ErrUnsupported, "what it is for"},
		"other suite":          {readTestdata(t, "keys/p256.pem"), As{Suite: RS256}, ErrUnsupported, "RS256"},
		"Ed25519 encrypts":     {readTestdata(t, "keys/ed25519.pem"), As{Use: UseEnc}, ErrUnsupported, "enc"},
		"passphrase":           {readTestdata(t, "keys/p256-encrypted.pem"), As{Suite: ES256}, ErrUnsupported, "openssl pkey"},
		"passphrase, old form": {readTestdata(t, "keys/p256-encrypted-traditional.pem"), As{Suite: ES256}, ErrUnsupported, "openssl pkey"},
		"P-384":                {readTestdata(t, "keys/p384.pem"), As{Use: UseSig}, ErrUnsupported, ""},
		"X25519 signs":         {readTestdata(t, "keys/x25519.pem"), As{Use: UseSig}, ErrUnsupported, "sig"},
		"X25519 as P-256":      {readTestdata(t, "keys/x25519.pem"), As{Suite: ECDHES}, ErrUnsupported, "X25519"},
		"P-256 as X25519":      {readTestdata(t, "keys/p256.pem"), As{Suite: ECDHESX25519}, ErrUnsupported, "P-256"},
		"damaged X25519":       {damaged("x25519-public.pem"), As{}, ErrMalformed, "PUBLIC KEY"},
		"three primes":         {readTestdata(t, "keys/rsa-3primes.pem"), As{Use: UseSig}, ErrUnsupported, "two primes"},
		"certificate":          {readTestdata(t, "keys/certificate.pem"), As{Use: UseSig}, ErrUnsupported, "CERTIFICATE"},
		"parameters only":      {[]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"), As{Use: UseSig}, ErrMalformed, ""},
		"cut":                  {readTestdata(t, "keys/p256-pkcs8.pem")[:100], As{Use: UseSig}, ErrMalformed, ""},
		"damaged PKCS#8":       {damaged("p256-pkcs8.pem"), As{Use: UseSig}, ErrMalformed, "PRIVATE KEY"},
		"damaged PKCS#1":       {damaged("rsa-pkcs1.pem"), As{Use: UseSig}, ErrMalformed, "RSA PRIVATE KEY"},
		"damaged PKIX":         {damaged("rsa-public.pem"), As{Use: UseSig}, ErrMalformed, "PUBLIC KEY"},
		"damaged PKCS#1 pub":   {damaged("rsa-public-pkcs1.pem"), As{Use: UseSig}, ErrMalformed, "PUBLIC KEY"},
		"garbage SEC1":         {[]byte("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"), As{Use: UseSig}, ErrMalformed, ""},
		"long type":            {fmt.Appendf(nil, "-----BEGIN %s-----\nAAAA\n-----END %[1]s-----\n", strings.Repeat("A", 9999)), As{Use: UseSig}, ErrUnsupported, "…"},
	} {
		k, err := ParseKey(c.data, c.as)
		if k != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 300 {
			t.Errorf("%s: %v, want %v with %q", name, err, c.want, c.text)
		}
	}
}

// The private JWK that a ring stores reads back as the same key.
func TestPrivateJWKRoundTrip(t *testing.T) {
	for _, suite := range allSuites {
		k := generated(t, suite)
		again := must(ParseKey(must(k.private())(t), As{}))(t)
		if again.ID() != k.ID() || again.Thumbprint() != k.Thumbprint() || again.Suite() != suite || !again.HasPrivate() {
			t.Errorf("%v: another key came back", suite)
		}
		checkHandles(t, again)
		if a, b := must(again.private())(t), must(k.private())(t); string(a) != string(b) {
			t.Errorf("%v: another JWK came back", suite)
		}
	}
}
