package keys

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

func pkixEd25519(x []byte) []byte {
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(x))
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// bareJWK returns a test key of this kind: key material only.
func bareJWK(t testing.TB, k jwk.Kind, private bool) map[string]any {
	t.Helper()
	file := map[jwk.Kind]string{jwk.P256: "p256.pem", jwk.Ed25519: "ed25519.pem", jwk.RSA: "rsa.pem", jwk.X25519: "x25519.pem"}[k]
	j := must(jwk.Parse(readTestdata(t, "keys/"+file)))(t)
	material := any(j.Public)
	if private {
		material = j.Private
	}
	return asMap(t, must(jwk.Marshal(material, "", "", ""))(t))
}

// materialMembers returns the members that hold the key material in base64url, RFC 7518
// section 6 and RFC 8037 section 2.
func materialMembers(kty string, private bool) []string {
	names := map[string][]string{"EC": {"x", "y"}, "OKP": {"x"}, "RSA": {"n", "e"}}[kty]
	if private {
		names = append(names, map[string][]string{"EC": {"d"}, "OKP": {"d"}, "RSA": {"d", "p", "q"}}[kty]...)
	}
	return names
}

func TestParseKeyJWK(t *testing.T) {
	for _, suite := range allSuites {
		for _, private := range []bool{true, false} {
			bare := bareJWK(t, suite.kind(), private)
			want := must(ParseKey(asJSON(t, bare), Hint{Suite: suite}))(t)
			if want.Suite() != suite || want.HasPrivate() != private || want.ID() != strings.TrimLeft(want.Thumbprint(), "-_")[:16] {
				t.Errorf("%v: %v, private %v, kid %s", suite, want.Suite(), want.HasPrivate(), want.ID())
			}
			if private {
				checkKey(t, want)
			}
			for name, c := range map[string]struct {
				members map[string]any
				as      Hint
			}{
				"alg":                {map[string]any{"alg": suite.Alg()}, Hint{}},
				"alg and use":        {map[string]any{"alg": suite.Alg(), "use": suite.Use()}, Hint{}},
				"alg, asked for use": {map[string]any{"alg": suite.Alg()}, Hint{Use: suite.Use()}},
				"alg, asked for it":  {map[string]any{"alg": suite.Alg()}, Hint{Suite: suite}},
				"use, asked for alg": {map[string]any{"use": suite.Use()}, Hint{Suite: suite}},
				"all of it":          {map[string]any{"alg": suite.Alg(), "use": suite.Use()}, Hint{suite.Use(), suite}},
				"empty members":      {map[string]any{"alg": suite.Alg(), "use": "", "key_ops": []string{}, "kid": ""}, Hint{}},
				"certificates": {map[string]any{
					"alg": suite.Alg(), "x5c": []string{"garbage"}, "x5u": "::not a URL", "x5t": "?", "x5t#S256": 7,
				}, Hint{}},
				"unknown members": {map[string]any{"alg": suite.Alg(), "ext": true, "iat": 1, "https://example.com": nil}, Hint{}},
				"CRT parameters":  {map[string]any{"alg": suite.Alg(), "dp": "!", "dq": 1, "qi": nil}, Hint{}},
			} {
				k, err := ParseKey(asJSON(t, with(bare, c.members)), c.as)
				if err != nil || k.Suite() != suite || k.Thumbprint() != want.Thumbprint() || k.ID() != want.ID() || k.HasPrivate() != private {
					t.Errorf("%v, private %v, %s: %v", suite, private, name, err)
				}
			}
			k := must(ParseKey(asJSON(t, with(bare, map[string]any{"kid": " any ~kid", "alg": suite.Alg()})), Hint{}))(t)
			if k.ID() != " any ~kid" {
				t.Errorf("%v: kid %q", suite, k.ID())
			}
		}
	}
}

func TestDefaultSuite(t *testing.T) {
	for _, c := range []struct {
		kind jwk.Kind
		use  Use
		want Suite
	}{
		{jwk.P256, UseSig, ES256},
		{jwk.P256, UseEnc, ECDHES},
		{jwk.Ed25519, UseSig, EdDSA},
		{jwk.Ed25519, "", EdDSA},
		{jwk.RSA, UseSig, RS256},
		{jwk.RSA, UseEnc, RSAOAEP256},
		{jwk.X25519, UseEnc, ECDHESX25519},
		{jwk.X25519, "", ECDHESX25519},
	} {
		bare := bareJWK(t, c.kind, false)
		if k, err := ParseKey(asJSON(t, bare), Hint{Use: c.use}); err != nil || k.Suite() != c.want {
			t.Errorf("%v, asked for %q: %v", c.kind, c.use, err)
		}
		if c.use == "" {
			continue
		}
		if k, err := ParseKey(asJSON(t, with(bare, map[string]any{"use": c.use})), Hint{}); err != nil || k.Suite() != c.want {
			t.Errorf("%v, says %q: %v", c.kind, c.use, err)
		}
	}
}

func TestEd25519Name(t *testing.T) {
	bare := bareJWK(t, jwk.Ed25519, true)
	for _, alg := range []string{"EdDSA", "Ed25519"} {
		for _, as := range []Hint{{}, {Suite: EdDSA}, {Use: UseSig}} {
			k, err := ParseKey(asJSON(t, with(bare, map[string]any{"alg": alg})), as)
			if err != nil || k.Suite() != EdDSA {
				t.Errorf("%s as %v: %v", alg, as, err)
			}
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	ec, okp, rsa := bareJWK(t, jwk.P256, false), bareJWK(t, jwk.Ed25519, false), bareJWK(t, jwk.RSA, false)
	ecPrivate, okpPrivate, rsaPrivate := bareJWK(t, jwk.P256, true), bareJWK(t, jwk.Ed25519, true), bareJWK(t, jwk.RSA, true)
	otherEC := asMap(t, generated(t, ES256).jwk)
	otherEd := asMap(t, generated(t, EdDSA).jwk)
	for name, c := range map[string]struct {
		jwk  map[string]any
		as   Hint
		want error
	}{
		"ambiguous EC":  {ec, Hint{}, ErrUnsupported},
		"ambiguous RSA": {rsa, Hint{}, ErrUnsupported},
		"kid alone":     {with(ec, map[string]any{"kid": "k"}), Hint{}, ErrUnsupported},

		"use and alg":             {with(ec, map[string]any{"use": "sig", "alg": "ECDH-ES"}), Hint{}, ErrUnsupported},
		"use and alg, enc":        {with(ec, map[string]any{"use": "enc", "alg": "ES256"}), Hint{}, ErrUnsupported},
		"use and asked use":       {with(ec, map[string]any{"use": "enc"}), Hint{Use: UseSig}, ErrUnsupported},
		"use and asked alg":       {with(ec, map[string]any{"use": "enc"}), Hint{Suite: ES256}, ErrUnsupported},
		"alg and asked alg":       {with(rsa, map[string]any{"alg": "RS256"}), Hint{Suite: PS256}, ErrUnsupported},
		"alg and asked use":       {with(rsa, map[string]any{"alg": "RS256"}), Hint{Use: UseEnc}, ErrUnsupported},
		"asked alg and asked use": {rsa, Hint{UseEnc, PS256}, ErrUnsupported},
		"asked no such use":       {ec, Hint{Use: "tls"}, ErrUnsupported},
		"asked no such suite":     {ec, Hint{Suite: 99}, ErrUnsupported},
		"alg of another type":     {with(ec, map[string]any{"alg": "RS256"}), Hint{}, ErrUnsupported},
		"asked of another type":   {ec, Hint{Suite: EdDSA}, ErrUnsupported},
		"alg ES384":               {with(ec, map[string]any{"alg": "ES384"}), Hint{}, ErrUnsupported},
		"alg none":                {with(ec, map[string]any{"alg": "none"}), Hint{}, ErrUnsupported},
		"alg RSA-OAEP-384":        {with(rsa, map[string]any{"alg": "RSA-OAEP-384"}), Hint{}, ErrUnsupported},
		"RSA-OAEP, asked for 256": {with(rsa, map[string]any{"alg": "RSA-OAEP"}), Hint{Suite: RSAOAEP256}, ErrUnsupported},
		"RSA-OAEP-256, asked 1":   {with(rsa, map[string]any{"alg": "RSA-OAEP-256"}), Hint{Suite: RSAOAEP}, ErrUnsupported},
		"RSA-OAEP for sig":        {with(rsa, map[string]any{"alg": "RSA-OAEP", "use": "sig"}), Hint{}, ErrUnsupported},
		"RSA-OAEP on P-256":       {with(ec, map[string]any{"alg": "RSA-OAEP"}), Hint{}, ErrUnsupported},
		"alg RSA1_5":              {with(rsa, map[string]any{"alg": "RSA1_5"}), Hint{}, ErrUnsupported},
		"Ed25519 encrypts":        {okp, Hint{Use: UseEnc}, ErrUnsupported},
		"Ed25519 says enc":        {with(okp, map[string]any{"use": "enc"}), Hint{}, ErrUnsupported},
		"use in capitals":         {with(ec, map[string]any{"use": "SIG"}), Hint{}, ErrUnsupported},
		"unknown use":             {with(ec, map[string]any{"use": "mixed"}), Hint{}, ErrUnsupported},

		"use is a number":    {with(ec, map[string]any{"use": 1}), Hint{}, ErrMalformed},
		"alg is an array":    {with(ec, map[string]any{"alg": []string{"ES256"}}), Hint{}, ErrMalformed},
		"kid is a number":    {with(ec, map[string]any{"kid": 1, "alg": "ES256"}), Hint{}, ErrMalformed},
		"key_ops string":     {with(ec, map[string]any{"key_ops": "sign"}), Hint{}, ErrMalformed},
		"key_ops of numbers": {with(ec, map[string]any{"key_ops": []int{1}}), Hint{}, ErrMalformed},
		"key_ops null":       {with(ec, map[string]any{"key_ops": json.RawMessage("null")}), Hint{}, ErrMalformed},
		"kid too long":       {with(ec, map[string]any{"kid": strings.Repeat("k", 257), "alg": "ES256"}), Hint{}, ErrMalformed},
		"kid not ASCII":      {with(ec, map[string]any{"kid": "ключ", "alg": "ES256"}), Hint{}, ErrMalformed},

		"no kty":        {with(ec, map[string]any{"kty": nil}), Hint{Use: UseSig}, ErrMalformed},
		"kty a number":  {with(ec, map[string]any{"kty": 1}), Hint{Use: UseSig}, ErrMalformed},
		"kty ec":        {with(ec, map[string]any{"kty": "ec"}), Hint{Use: UseSig}, ErrUnsupported},
		"oct":           {map[string]any{"kty": "oct", "k": "AAAA"}, Hint{}, ErrUnsupported},
		"AKP":           {map[string]any{"kty": "AKP", "pub": "AAAA"}, Hint{}, ErrUnsupported},
		"P-384":         {with(ec, map[string]any{"crv": "P-384"}), Hint{Use: UseSig}, ErrUnsupported},
		"no crv":        {with(ec, map[string]any{"crv": nil}), Hint{Use: UseSig}, ErrUnsupported},
		"crv a number":  {with(ec, map[string]any{"crv": 256}), Hint{Use: UseSig}, ErrUnsupported},
		"X448":          {with(okp, map[string]any{"crv": "X448"}), Hint{}, ErrUnsupported},
		"crv exchanged": {with(okp, map[string]any{"crv": "P-256"}), Hint{}, ErrUnsupported},

		"no y":            {with(ec, map[string]any{"y": nil}), Hint{Use: UseSig}, ErrMalformed},
		"y a number":      {with(ec, map[string]any{"y": 1}), Hint{Use: UseSig}, ErrMalformed},
		"no e":            {with(rsa, map[string]any{"e": nil}), Hint{Use: UseSig}, ErrMalformed},
		"no x":            {with(okp, map[string]any{"x": nil}), Hint{}, ErrMalformed},
		"short x":         {with(ec, map[string]any{"x": "AAAA"}), Hint{Use: UseSig}, ErrMalformed},
		"off the curve":   {with(ec, map[string]any{"y": otherEC["y"]}), Hint{Use: UseSig}, ErrMalformed},
		"infinity":        {with(ec, map[string]any{"x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))}), Hint{Use: UseEnc}, ErrMalformed},
		"low order point": {with(okp, map[string]any{"x": b64(make([]byte, 32))}), Hint{}, ErrMalformed},
		"e = 3":           {with(rsa, map[string]any{"e": "Aw"}), Hint{Use: UseSig}, ErrWeakKey},
		"even e":          {with(rsa, map[string]any{"e": "AQAC"}), Hint{Use: UseSig}, ErrWeakKey},
		"e = 1":           {with(rsa, map[string]any{"e": "AQ"}), Hint{Use: UseSig}, ErrWeakKey},
		"e of 9 bytes":    {with(rsa, map[string]any{"e": "AQAAAAAAAAAB"}), Hint{Use: UseSig}, ErrWeakKey},
		"n of 128 bytes":  {with(rsa, map[string]any{"n": strings.Repeat("_", 170) + "w"}), Hint{Use: UseSig}, ErrWeakKey},
		"n of 8 KiB":      {with(rsa, map[string]any{"n": strings.Repeat("_", 8192)}), Hint{Use: UseSig}, ErrWeakKey},

		"EC halves":           {with(ecPrivate, map[string]any{"d": otherEC["d"]}), Hint{Use: UseSig}, ErrMalformed},
		"EC halves, enc":      {with(ecPrivate, map[string]any{"d": otherEC["d"]}), Hint{Use: UseEnc}, ErrMalformed},
		"EC d of zero":        {with(ecPrivate, map[string]any{"d": b64(make([]byte, 32))}), Hint{Use: UseSig}, ErrMalformed},
		"EC d too large":      {with(ecPrivate, map[string]any{"d": strings.Repeat("_", 42) + "8"}), Hint{Use: UseSig}, ErrMalformed},
		"EC d of 31 bytes":    {with(ecPrivate, map[string]any{"d": b64(make([]byte, 31))}), Hint{Use: UseSig}, ErrMalformed},
		"EC d a number":       {with(ecPrivate, map[string]any{"d": 1}), Hint{Use: UseSig}, ErrMalformed},
		"EC without x":        {with(ecPrivate, map[string]any{"x": nil}), Hint{Use: UseSig}, ErrMalformed},
		"OKP halves":          {with(okpPrivate, map[string]any{"d": otherEd["d"]}), Hint{}, ErrMalformed},
		"OKP d of 31 bytes":   {with(okpPrivate, map[string]any{"d": b64(make([]byte, 31))}), Hint{}, ErrMalformed},
		"RSA without p":       {with(rsaPrivate, map[string]any{"p": nil}), Hint{Use: UseSig}, ErrMalformed},
		"RSA d":               {with(rsaPrivate, map[string]any{"d": "AQAB"}), Hint{Use: UseSig}, ErrMalformed},
		"RSA p and q":         {with(rsaPrivate, map[string]any{"p": rsaPrivate["q"]}), Hint{Use: UseSig}, ErrMalformed},
		"RSA halves":          {with(rsaPrivate, map[string]any{"n": publicMembersOf(t, "rsa-e3-public.pem")["n"]}), Hint{Use: UseSig}, ErrMalformed},
		"RSA with oth":        {with(rsaPrivate, map[string]any{"oth": []any{}}), Hint{Use: UseSig}, ErrUnsupported},
		"public RSA with oth": {with(rsa, map[string]any{"oth": []any{}}), Hint{Use: UseSig}, ErrUnsupported},
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

func publicMembersOf(t testing.TB, file string) map[string]any {
	t.Helper()
	pub := must(jwk.Parse(readTestdata(t, "keys/"+file)))(t).Public
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

// All 16 combinations of sign, verify and the operations of encryption are tried.
func TestKeyOps(t *testing.T) {
	groups := [][]string{{"sign"}, {"verify"}, {"encrypt", "decrypt", "wrapKey", "unwrapKey"}, {"deriveKey", "deriveBits"}}
	bare := bareJWK(t, jwk.P256, true)
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
			members := with(bare, map[string]any{"key_ops": append([]string{"futureOp"}, ops...)})
			want := says[use]
			if use != "" {
				members["use"] = use
			} else if sig != enc {
				want = map[bool]Suite{true: ES256, false: ECDHES}[sig]
			}
			if sig && enc || use == "sig" && enc || use == "enc" && sig {
				want = 0
			}
			k, err := ParseKey(asJSON(t, members), Hint{})
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
		if got := useOfOperations([]string{op}); got != want {
			t.Errorf("%s: %q", op, got)
		}
	}
}

// Each member of the key material has another spelling of the same bytes.
func TestBase64IsCanonical(t *testing.T) {
	for k, as := range map[jwk.Kind]Hint{jwk.P256: {Use: UseSig}, jwk.Ed25519: {}, jwk.RSA: {Use: UseEnc}, jwk.X25519: {}} {
		bare := bareJWK(t, k, true)
		must(ParseKey(asJSON(t, bare), as))(t)
		for _, name := range materialMembers(bare["kty"].(string), true) {
			s := bare[name].(string)
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
		k, err := ParseKey([]byte(data), Hint{Suite: ES256})
		if k != nil {
			t.Errorf("%q: accepted", data)
		}
		if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%q: %v", data, err)
		}
	}
	_, err := ParseKey([]byte(`{"keys":[]}`), Hint{})
	if wantError(t, err, ErrMalformed); !strings.Contains(err.Error(), "JWK Set") {
		t.Errorf("%v does not say that this is a set", err)
	}
}

func TestParseKeyPEM(t *testing.T) {
	for file, c := range map[string]struct {
		as      []Hint
		private bool
	}{
		"p256.pem":             {[]Hint{{Suite: ES256}, {Suite: ECDHES}, {Suite: ECDHESA256KW}, {Use: UseSig}, {Use: UseEnc}}, true},
		"p256-pkcs8.pem":       {[]Hint{{Suite: ES256}, {Suite: ECDHES}}, true},
		"p256-public.pem":      {[]Hint{{Suite: ES256}, {Suite: ECDHES}}, false},
		"rsa.pem":              {[]Hint{{Suite: RS256}, {Suite: PS256}, {Suite: RSAOAEP256}, {Suite: RSAOAEP}}, true},
		"rsa-pkcs1.pem":        {[]Hint{{Suite: RS256}, {Use: UseEnc}}, true},
		"rsa-public.pem":       {[]Hint{{Suite: RS256}, {Use: UseEnc}}, false},
		"rsa-public-pkcs1.pem": {[]Hint{{Suite: RS256}, {Use: UseEnc}}, false},
		"ed25519.pem":          {[]Hint{{}, {Use: UseSig}, {Suite: EdDSA}}, true},
		"ed25519-public.pem":   {[]Hint{{}}, false},
		"x25519.pem":           {[]Hint{{}, {Use: UseEnc}, {Suite: ECDHESX25519}, {Suite: ECDHESA256KWX25519}}, true},
		"x25519-public.pem":    {[]Hint{{}, {Suite: ECDHESA256KWX25519}}, false},
	} {
		data := readTestdata(t, "keys/"+file)
		for _, as := range c.as {
			k, err := ParseKey(data, as)
			if err != nil || k.HasPrivate() != c.private || as.Suite != 0 && k.Suite() != as.Suite || as.Use != "" && k.Use() != as.Use {
				t.Errorf("%s as %v: %v", file, as, err)
				continue
			}
			if c.private {
				checkKey(t, k)
			}
			// The private and the public file of a key have the same kid.
			family, _, _ := strings.Cut(strings.TrimSuffix(file, ".pem"), "-")
			if whole := must(ParseKey(readTestdata(t, "keys/"+family+".pem"), as))(t); whole.ID() != k.ID() {
				t.Errorf("%s: kid %s, in %s.pem it is %s", file, k.ID(), family, whole.ID())
			}
		}
	}
	// openssl writes text around the block, and users add some.
	data := slices.Concat([]byte("my key\n"), readTestdata(t, "keys/ed25519.pem"), []byte("its end\n"))
	if k, err := ParseKey(data, Hint{}); err != nil || k.Suite() != EdDSA {
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
		as   Hint
		want error
		text string
	}{
		"no use":               {readTestdata(t, "keys/p256.pem"), Hint{}, ErrUnsupported, "what it is for"},
		"no use, RSA":          {readTestdata(t, "keys/rsa-public.pem"), Hint{}, ErrUnsupported, "what it is for"},
		"other suite":          {readTestdata(t, "keys/p256.pem"), Hint{Suite: RS256}, ErrUnsupported, "RS256"},
		"Ed25519 encrypts":     {readTestdata(t, "keys/ed25519.pem"), Hint{Use: UseEnc}, ErrUnsupported, "enc"},
		"passphrase":           {readTestdata(t, "keys/p256-encrypted.pem"), Hint{Suite: ES256}, ErrUnsupported, "openssl pkey"},
		"passphrase, old form": {readTestdata(t, "keys/p256-encrypted-traditional.pem"), Hint{Suite: ES256}, ErrUnsupported, "openssl pkey"},
		"P-384":                {readTestdata(t, "keys/p384.pem"), Hint{Use: UseSig}, ErrUnsupported, ""},
		"X25519 signs":         {readTestdata(t, "keys/x25519.pem"), Hint{Use: UseSig}, ErrUnsupported, "sig"},
		"X25519 as P-256":      {readTestdata(t, "keys/x25519.pem"), Hint{Suite: ECDHES}, ErrUnsupported, "X25519"},
		"P-256 as X25519":      {readTestdata(t, "keys/p256.pem"), Hint{Suite: ECDHESX25519}, ErrUnsupported, "P-256"},
		"damaged X25519":       {damaged("x25519-public.pem"), Hint{}, ErrMalformed, "PUBLIC KEY"},
		"three primes":         {readTestdata(t, "keys/rsa-3primes.pem"), Hint{Use: UseSig}, ErrUnsupported, "two primes"},
		"certificate":          {readTestdata(t, "keys/certificate.pem"), Hint{Use: UseSig}, ErrUnsupported, "CERTIFICATE"},
		"parameters only":      {[]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"), Hint{Use: UseSig}, ErrMalformed, ""},
		"cut":                  {readTestdata(t, "keys/p256-pkcs8.pem")[:100], Hint{Use: UseSig}, ErrMalformed, ""},
		"damaged PKCS#8":       {damaged("p256-pkcs8.pem"), Hint{Use: UseSig}, ErrMalformed, "PRIVATE KEY"},
		"damaged PKCS#1":       {damaged("rsa-pkcs1.pem"), Hint{Use: UseSig}, ErrMalformed, "RSA PRIVATE KEY"},
		"damaged PKIX":         {damaged("rsa-public.pem"), Hint{Use: UseSig}, ErrMalformed, "PUBLIC KEY"},
		"damaged PKCS#1 pub":   {damaged("rsa-public-pkcs1.pem"), Hint{Use: UseSig}, ErrMalformed, "PUBLIC KEY"},
		"garbage SEC1":         {[]byte("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"), Hint{Use: UseSig}, ErrMalformed, ""},
		"long type":            {fmt.Appendf(nil, "-----BEGIN %s-----\nAAAA\n-----END %[1]s-----\n", strings.Repeat("A", 9999)), Hint{Use: UseSig}, ErrUnsupported, "…"},
	} {
		k, err := ParseKey(c.data, c.as)
		if k != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 300 {
			t.Errorf("%s: %v, want %v with %q", name, err, c.want, c.text)
		}
	}
}

// The private JWK in a ring reads back as the same key.
func TestPrivateJWKRoundTrip(t *testing.T) {
	for _, suite := range allSuites {
		k := generated(t, suite)
		again := parsed(t, k.jwk, Hint{})
		if again.ID() != k.ID() || again.Thumbprint() != k.Thumbprint() || again.Suite() != suite || !again.HasPrivate() {
			t.Errorf("%v: another key came back", suite)
		}
		checkKey(t, again.Key)
		if string(again.jwk) != string(k.jwk) {
			t.Errorf("%v: another JWK came back", suite)
		}
	}
}
