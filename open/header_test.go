package open_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
)

// layers are the two headers of a nested token.
var layers = []struct {
	name   string
	header func(f *forgery) *object
	text   func(f *forgery) *string
}{
	{"outer", func(f *forgery) *object { return &f.outer }, func(f *forgery) *string { return &f.outerText }},
	{"inner", func(f *forgery) *object { return &f.inner }, func(f *forgery) *string { return &f.innerText }},
}

// TestBothHeaders is about what holds for either header.
func TestBothHeaders(t *testing.T) {
	t.Parallel()
	jwk := string(must(json.Marshal(testKeyFor(keys.ES256).jwk(testKeyFor(keys.ES256).public()))))
	for _, layer := range layers {
		set := func(name, raw string) func(f *forgery) { return func(f *forgery) { layer.header(f).set(name, raw) } }
		add := func(name, raw string) func(f *forgery) { return func(f *forgery) { layer.header(f).add(name, raw) } }
		remove := func(name string) func(f *forgery) { return func(f *forgery) { layer.header(f).remove(name) } }
		text := func(edit func(header string) string) func(f *forgery) {
			return func(f *forgery) { *layer.text(f) = edit(layer.header(f).String()) }
		}
		sized := func(size int) func(f *forgery) {
			return func(f *forgery) {
				h := layer.header(f)
				h.set("pad", `""`)
				h.set("pad", quoted(strings.Repeat("x", size-len(h.String()))))
			}
		}
		deep := func(n int) func(f *forgery) { // the header itself is one level
			return set("deep", strings.Repeat("[", n-1)+strings.Repeat("]", n-1))
		}
		rows := []row{
			{"4096 bytes", sized(4096), nil, nil},
			{"4097 bytes", sized(4097), nil, open.ErrMalformed},
			{"60 kB", sized(40 << 10), nil, open.ErrMalformed},
			{"depth 32", deep(32), nil, nil},
			{"depth 33", deep(33), nil, open.ErrMalformed},
			{"depth 1000", deep(1000), nil, open.ErrMalformed},

			{"not JSON", text(func(string) string { return "hello" }), nil, open.ErrMalformed},
			{"null", text(func(string) string { return "null" }), nil, open.ErrMalformed},
			{"an array", text(func(h string) string { return "[" + h + "]" }), nil, open.ErrMalformed},
			{"the empty object", text(func(string) string { return "{}" }), nil, open.ErrMalformed},
			{"two objects", text(func(h string) string { return h + h }), nil, open.ErrMalformed},
			{"a comma behind the last member", text(func(h string) string { return h[:len(h)-1] + ",}" }), nil, open.ErrMalformed},
			{"a comment", text(func(h string) string { return h + "/**/" }), nil, open.ErrMalformed},
			{"a byte order mark", text(func(h string) string { return "\ufeff" + h }), nil, open.ErrMalformed},
			{"a NUL behind", text(func(h string) string { return h + "\x00" }), nil, open.ErrMalformed},
			{"white space", text(func(h string) string { return "\r\n" + strings.ReplaceAll(h, ",", " , ") + "\t" }), nil, nil},
			{"escapes", text(func(h string) string { return strings.Replace(h, `"alg"`, `"\u0061lg"`, 1) }), nil, nil},

			{"a name twice", add("alg", `"ES256"`), nil, open.ErrMalformed},
			{"a name twice, spelled with an escape", add(`\u0061lg`, `"ES256"`), nil, open.ErrMalformed},
			{"a name in two cases", add("ALG", `"none"`), nil, open.ErrMalformed},
			{"an unknown name twice", func(f *forgery) { layer.header(f).add("x", "1"); layer.header(f).add("x", "1") }, nil, open.ErrMalformed},
			{"a name twice, one level down", set("x", `{"y":[{"z":1,"z":1}]}`), nil, open.ErrMalformed},
			{"a name in two cases, long s", func(f *forgery) { layer.header(f).add("xs", "1"); layer.header(f).add("x\u017f", "1") }, nil, open.ErrMalformed},
			{"invalid UTF-8 in a value", set("x", "\"\xff\""), nil, open.ErrMalformed},
			{"invalid UTF-8 in a name", set("\xc3\x28", "1"), nil, open.ErrMalformed},
			{"a lone surrogate", set("x", `"\ud800"`), nil, open.ErrMalformed},
			{"a surrogate pair", set("x", `"\ud83d\ude00"`), nil, nil},
			{"a number of 200 digits", set("x", strings.Repeat("9", 200)), nil, open.ErrMalformed},

			{"x5c is ignored", set("x5c", `["MIIB"]`), nil, nil},
			{"x5c of a wrong type is ignored", set("x5c", "5"), nil, nil},
			{"x5t is ignored", set("x5t", `"AAAA"`), nil, nil},
			{"what nobody knows is ignored", set("https://example.com/claims", `{"a":[null,true,1e3]}`), nil, nil},
			{"p2c is ignored", set("p2c", "2000000000"), nil, nil},

			{"alg is missing", remove("alg"), nil, open.ErrMalformed},
			{"alg is null", set("alg", "null"), nil, open.ErrMalformed},
			{"alg is a number", set("alg", "1"), nil, open.ErrMalformed},
			{"alg is an array", set("alg", `["ES256"]`), nil, open.ErrMalformed},
			{"kid is missing", remove("kid"), nil, open.ErrUnknownKey},
			{"kid is unknown", set("kid", `"nobody's"`), nil, open.ErrUnknownKey},
			{"kid is empty", set("kid", `""`), nil, open.ErrUnknownKey},
			{"kid is a number", set("kid", "7"), nil, open.ErrMalformed},
			{"kid is null", set("kid", "null"), nil, open.ErrMalformed},
			{"kid is a path", set("kid", `"../../../../dev/null"`), nil, open.ErrUnknownKey},
			{"kid is SQL", set("kid", `"x' UNION SELECT 'key'--"`), nil, open.ErrUnknownKey},
			{"kid holds a terminal escape", set("kid", `"\u001b[2Jgone"`), nil, open.ErrUnknownKey},
			{"kid is in another case", func(f *forgery) { h := layer.header(f); h.set("kid", strings.ToUpper(kidIn(*h))) }, nil, open.ErrUnknownKey},
			{"kid with a space behind", func(f *forgery) { h := layer.header(f); h.set("kid", strings.TrimSuffix(kidIn(*h), `"`)+` "`) }, nil, open.ErrUnknownKey},
			{"typ is a number", set("typ", "1"), nil, open.ErrMalformed},
			{"typ is null", set("typ", "null"), nil, open.ErrMalformed},
		}
		for _, name := range []string{"enc", "kid", "typ", "cty", "epk", "apu", "apv", "crit", "zip", "b64", "jwk", "jku", "x5u"} {
			lone := func(f *forgery) {
				h := layer.header(f)
				raw := `"x"`
				for _, m := range *h {
					if m.name == name {
						raw = m.raw
					}
				}
				h.remove(name)
				h.add(strings.ToUpper(name[:1])+name[1:], raw)
			}
			rows = append(rows, row{name + " in other letters only", lone, nil, open.ErrMalformed})
		}
		for name, values := range map[string][]string{
			"crit": {`["exp"]`, `["b64"]`, "[]", "null", `"x"`, `["x"]`, `[""]`},
			"zip":  {`"DEF"`, `""`, "null", `"GZ"`},
			"b64":  {"false", "true", "null", `"x"`},
			"jwk":  {jwk, "null", "{}"},
			"jku":  {`"https://attacker.example/jwks.json"`, "null"},
			"x5u":  {`"https://attacker.example/x5u.pem"`, `""`, "null"},
		} {
			for _, v := range values {
				label := v
				if len(label) > 12 {
					label = label[:12]
				}
				rows = append(rows, row{name + " " + label, set(name, v), nil, open.ErrMalformed})
			}
		}
		for _, alg := range []string{
			"none", "None", "nOnE", "NONE", "", "HS256", "HS384", "HS512", "ES384", "ES256K", "PS384", "RS1", "es256", "ES256 ", "ecdh-es",
			"dir", "A256KW", "A128KW", "A256GCMKW", "RSA1_5", "RSA-OAEP-384", "RSA-OAEP-512", "PBES2-HS256+A128KW", "ECDH-ES+A128KW", "Ed448",
			"ES256\x00",
		} {
			rows = append(rows, row{fmt.Sprintf("alg %q", alg), set("alg", quoted(alg)), nil, open.ErrAlgorithm})
		}
		t.Run(layer.name, func(t *testing.T) { run(t, rows) })
	}
}

func kidIn(o object) string {
	for _, m := range o {
		if m.name == "kid" {
			return m.raw
		}
	}
	panic("no kid")
}

// TestAlgorithmOfTheKey has every other algorithm in the header of every key,
// even where the rest of the token fits the header.
func TestAlgorithmOfTheKey(t *testing.T) {
	t.Parallel()
	suites := append(append([]keys.Suite{}, signingSuites...), managementSuites...)
	for _, own := range suites {
		var rows []row
		for _, other := range suites {
			if other != own {
				rows = append(rows, row{"says " + other.Alg(), func(f *forgery) {
					layer := layers[0]
					if own.Use() == keys.UseSig {
						layer = layers[1]
					}
					layer.header(f).set("alg", quoted(other.Alg()))
				}, nil, open.ErrAlgorithm})
			}
		}
		t.Run(own.Alg(), func(t *testing.T) {
			if own.Use() == keys.UseSig {
				runWith(t, func() *forgery { return forgeWith(own, keys.ECDHES, keys.A256GCM) }, rows)
				return
			}
			runWith(t, func() *forgery { return forgeWith(keys.ES256, own, keys.A256GCM) }, rows)
		})
	}
}

func TestAlgorithmConfusion(t *testing.T) {
	t.Parallel()
	rs, ps := testKeyFor(keys.RS256), testKeyFor(keys.PS256)
	hs256 := func(secret []byte) func(f *forgery) {
		return func(f *forgery) {
			f.inner.set("alg", `"HS256"`)
			f.sign = func(input []byte) []byte {
				mac := hmac.New(sha256.New, secret)
				mac.Write(input)
				return mac.Sum(nil)
			}
		}
	}
	der := must(x509.MarshalPKIXPublicKey(testKeyFor(keys.ES256).public()))
	jwk := must(json.Marshal(testKeyFor(keys.ES256).jwk(testKeyFor(keys.ES256).public())))
	run(t, []row{
		{"HMAC with the public key as DER", hs256(der), nil, open.ErrAlgorithm},
		{"HMAC with the public key as PEM", hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil, open.ErrAlgorithm},
		{"HMAC with the public key as JWK", hs256(jwk), nil, open.ErrAlgorithm},
		{"HMAC with no key", hs256(nil), nil, open.ErrAlgorithm},
		{"unsecured", func(f *forgery) {
			f.inner.set("alg", `"none"`)
			f.sign = func([]byte) []byte { return nil }
		}, nil, open.ErrAlgorithm},
		{"unsecured, and no kid", func(f *forgery) {
			f.inner.set("alg", `"none"`)
			f.inner.remove("kid")
			f.sign = func([]byte) []byte { return nil }
		}, nil, open.ErrUnknownKey},
		{"unsecured, no kid, and that is allowed", func(f *forgery) {
			f.inner.set("alg", `"none"`)
			f.inner.remove("kid")
			f.sign = func([]byte) []byte { return nil }
		}, func(c *anyOpen) { c.allow(open.KeyID) }, open.ErrUnknownKey},
		{"unsecured with alg and typ only", func(f *forgery) {
			f.innerText = `{"alg":"none","typ":"JWT"}`
			f.sign = func([]byte) []byte { return nil }
		}, nil, open.ErrType},
		{"no signature under the key's algorithm", func(f *forgery) { f.sign = func([]byte) []byte { return nil } }, nil, open.ErrNotAuthentic},
		{"RS256 under a PS256 key, honestly", func(f *forgery) {
			f.inner.set("alg", `"RS256"`)
			f.inner.set("kid", quoted(ps.kid))
			f.signer = &testKey{suite: keys.RS256, kid: ps.kid, private: ps.private}
		}, nil, open.ErrAlgorithm},
		{"RS256 under a PS256 key, as PS256", func(f *forgery) {
			f.inner.set("alg", `"PS256"`)
			f.inner.set("kid", quoted(ps.kid))
			f.signer = &testKey{suite: keys.RS256, kid: ps.kid, private: ps.private}
		}, nil, open.ErrNotAuthentic},
		{"PS256 under an RS256 key, as RS256", func(f *forgery) {
			f.inner.set("alg", `"RS256"`)
			f.inner.set("kid", quoted(rs.kid))
			f.signer = &testKey{suite: keys.PS256, kid: rs.kid, private: rs.private}
		}, nil, open.ErrNotAuthentic},
		{"EdDSA by its name of RFC 9864", func(f *forgery) {
			f.signer = testKeyFor(keys.EdDSA)
			f.inner.set("alg", `"Ed25519"`)
			f.inner.set("kid", quoted(f.signer.kid))
		}, nil, nil},
	})
}

func TestContentEncryption(t *testing.T) {
	t.Parallel()
	enc := func(raw string) func(f *forgery) { return func(f *forgery) { f.outer.set("enc", raw) } }
	run(t, []row{
		{"missing", func(f *forgery) { f.outer.remove("enc") }, nil, open.ErrMalformed},
		{"null", enc("null"), nil, open.ErrMalformed},
		{"a number", enc("256"), nil, open.ErrMalformed},
		{"empty", enc(`""`), nil, open.ErrAlgorithm},
		{"none", enc(`"none"`), nil, open.ErrAlgorithm},
		{"unknown", enc(`"A512GCM"`), nil, open.ErrAlgorithm},
		{"A192GCM", enc(`"A192GCM"`), nil, open.ErrAlgorithm},
		{"in another case", enc(`"a256gcm"`), nil, open.ErrAlgorithm},
		{"another than was used", enc(`"A128GCM"`), nil, open.ErrNotAuthentic},
		{"another with another IV", enc(`"A128CBC-HS256"`), nil, open.ErrMalformed},
	})
}

// TestKeyOfAnotherUse: a key id of a key that cannot do it is no key id.
func TestKeyOfAnotherUse(t *testing.T) {
	t.Parallel()
	both := func(c *anyOpen) {
		ring := append(keysFor(managementSuites), testKeyFor(keys.ES256))
		c.Decryption = privateSet(ring...)
		c.Trust[0].Keys = publicSet(testKeyFor(keys.ES256), testKeyFor(keys.ECDHES))
	}
	run(t, []row{
		{"both uses in one ring", nil, both, nil},
		{"a signing key's kid outside", func(f *forgery) { f.outer.set("kid", quoted(f.signer.kid)) }, both, open.ErrUnknownKey},
		{"a decryption key's kid inside", func(f *forgery) { f.inner.set("kid", quoted(f.recipient.kid)) }, both, open.ErrUnknownKey},
		{"a public key of ours has no private half", nil, func(c *anyOpen) {
			k := testKeyFor(keys.ECDHES)
			public := must(keys.ParseKey(must(json.Marshal(k.jwk(k.public()))), keys.Hint{}))
			c.Decryption = keytest.NewSet(public)
		}, open.ErrUnknownKey},
	})
}

func TestTypes(t *testing.T) {
	t.Parallel()
	cty := func(raw string) func(f *forgery) { return func(f *forgery) { f.outer.set("cty", raw) } }
	typ := func(raw string) func(f *forgery) { return func(f *forgery) { f.inner.set("typ", raw) } }
	is := func(typ string) func(c *anyOpen) { return func(c *anyOpen) { c.setType(typ) } }
	run(t, []row{
		{"cty missing", func(f *forgery) { f.outer.remove("cty") }, nil, open.ErrType},
		{"cty empty", cty(`""`), nil, open.ErrType},
		{"cty is a number", cty("1"), nil, open.ErrMalformed},
		{"cty is null", cty("null"), nil, open.ErrMalformed},
		{"cty of another type", cty(`"JOSE"`), nil, open.ErrType},
		{"cty of the selective form", cty(`"sealed-claims+json"`), nil, open.ErrType},
		{"cty is the typ", cty(`"sealed+jwt"`), nil, open.ErrType},
		{"cty text/JWT", cty(`"text/JWT"`), nil, open.ErrType},
		{"cty with a parameter", cty(`"JWT;v=1"`), nil, open.ErrType},
		{"cty with a space", cty(`"JWT "`), nil, open.ErrType},
		{"cty in small letters", cty(`"jwt"`), nil, nil},
		{"cty application/jwt", cty(`"application/jwt"`), nil, nil},
		{"cty APPLICATION/JWT", cty(`"APPLICATION/JWT"`), nil, nil},
		{"cty application/ twice", cty(`"application/application/jwt"`), nil, open.ErrType},
		{"cty application/ alone", cty(`"application/"`), nil, open.ErrType},

		{"typ missing", func(f *forgery) { f.inner.remove("typ") }, nil, open.ErrType},
		{"typ empty", typ(`""`), nil, open.ErrType},
		{"typ JWT", typ(`"JWT"`), nil, open.ErrType},
		{"typ at+jwt", typ(`"at+jwt"`), nil, open.ErrType},
		{"typ with more behind", typ(`"sealed+jwtx"`), nil, open.ErrType},
		{"typ with less", typ(`"sealed+jw"`), nil, open.ErrType},
		{"typ with a space", typ(`" sealed+jwt"`), nil, open.ErrType},
		{"typ with the long s", typ(`"` + "\u017f" + `ealed+jwt"`), nil, open.ErrType},
		{"typ in capital letters", typ(`"SEALED+JWT"`), nil, nil},
		{"typ with application/", typ(`"application/sealed+jwt"`), nil, nil},
		{"typ in mixed letters with application/", typ(`"Application/Sealed+JWT"`), nil, nil},
		{"typ outside is another matter", func(f *forgery) { f.outer.set("typ", `"anything"`) }, nil, nil},
		{"typ outside does not stand for the one inside", func(f *forgery) { f.outer.set("typ", `"sealed+jwt"`); f.inner.remove("typ") }, nil, open.ErrType},

		{"configured JWT, is sealed+jwt", nil, is("JWT"), open.ErrType},
		{"configured JWT, is JWT", typ(`"JWT"`), is("JWT"), nil},
		{"configured JWT, is missing", func(f *forgery) { f.inner.remove("typ") }, is("JWT"), open.ErrType},
		{"configured at+jwt, is AT+JWT", typ(`"AT+JWT"`), is("at+jwt"), nil},
		{"configured application/at+jwt, is at+jwt", typ(`"at+jwt"`), is("application/at+jwt"), nil},

		{"cty inside", func(f *forgery) { f.inner.set("cty", `"JWT"`) }, nil, open.ErrType},
		{"cty inside, null", func(f *forgery) { f.inner.set("cty", "null") }, nil, open.ErrType},
		{"cty inside, empty", func(f *forgery) { f.inner.set("cty", `""`) }, nil, open.ErrType},
		{"cty json inside", func(f *forgery) { f.inner.set("cty", `"json"`) }, nil, open.ErrType},
	})
}
