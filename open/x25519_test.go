package open_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// x25519Key is a key on X25519. go-jose, by whose types the other test keys go, has
// none.
type x25519Key struct {
	suite   keys.Suite
	kid     string
	private *ecdh.PrivateKey
	key     *keys.Key
}

func newX25519(suite keys.Suite) *x25519Key {
	k := &x25519Key{suite: suite, kid: "kid-of-" + suite.String(), private: must(ecdh.X25519().GenerateKey(rand.Reader))}
	k.key = must(keys.ParseKey(k.jwk(), keys.Hint{}))
	return k
}

// jwk is the private JWK, RFC 8037 section 2.
func (k *x25519Key) jwk() []byte {
	return fmt.Appendf(nil, `{"use":"enc","kty":"OKP","kid":"%s","crv":"X25519","alg":"%s","x":"%s","d":"%s"}`,
		k.kid, k.suite.Alg(), encode(k.private.PublicKey().Bytes()), encode(k.private.Bytes()))
}

// config takes tokens for this key and no other.
func (k *x25519Key) config(c *anyOpen) { c.Decryption = keytest.NewSet(k.key) }

var x25519Suites = []keys.Suite{keys.ECDHESX25519, keys.ECDHESA256KWX25519}

// forge returns a correct token for the key.
func (k *x25519Key) forge(content keys.Content) *forgery {
	p256 := map[string]keys.Suite{"ECDH-ES": keys.ECDHES, "ECDH-ES+A256KW": keys.ECDHESA256KW}[k.suite.Alg()]
	f := forgeWith(keys.ES256, p256, content) // whose point the secret below replaces
	ephemeral := must(ecdh.X25519().GenerateKey(rand.Reader))
	f.z = must(ephemeral.ECDH(k.private.PublicKey()))
	f.outer.set("kid", quoted(k.kid))
	f.outer.set("epk", x25519EPK(ephemeral.PublicKey().Bytes()))
	return f
}

func x25519EPK(x []byte) string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"X25519","x":"%s"}`, encode(x))
}

// littleEndian is 32 bytes of a number.
func littleEndian(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	for i := range 16 {
		b[i], b[31-i] = b[31-i], b[i]
	}
	return b
}

// lowOrder are the points with which every key agrees on zero, in all spellings
// (https://cr.yp.to/ecdh.html#validate).
func lowOrder() [][]byte {
	number := func(s string) *big.Int { n, _ := new(big.Int).SetString(s, 10); return n }
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	var points [][]byte
	for _, n := range []*big.Int{
		new(big.Int), big.NewInt(1), new(big.Int).Sub(p, big.NewInt(1)), p, new(big.Int).Add(p, big.NewInt(1)),
		number("325606250916557431795983626356110631294008115727848805560023387167927233504"),
		number("39382357235489614581723060781553021112529911719440698176882885853963445705823"),
	} {
		point := littleEndian(n)
		points = append(points, point)
		point = bytes.Clone(point)
		point[31] |= 0x80 // a bit that X25519 does not use
		points = append(points, point)
	}
	return points
}

func TestX25519(t *testing.T) {
	t.Parallel()
	for _, suite := range x25519Suites {
		k := newX25519(suite)
		for _, content := range allContents {
			f := k.forge(content)
			cfg := config()
			k.config(&cfg)
			if got := string(rawClaims(t, accepted(t, cfg, f.token()))); got != f.claims.String() {
				t.Errorf("%v, %v: claims are %s", suite, content, got)
			}
		}
		t.Run(suite.String(), func(t *testing.T) {
			runWith(t, func() *forgery { return k.forge(keys.A256GCM) }, k.rows())
		})
	}
}

func (k *x25519Key) rows() []row {
	epk := func(raw string) func(f *forgery) { return func(f *forgery) { f.outer.set("epk", raw) } }
	edited := func(edit func(epk string) string) func(f *forgery) {
		return func(f *forgery) { f.outer.set("epk", edit(epkIn(f))) }
	}
	replaced := func(from, to string) func(f *forgery) {
		return edited(func(epk string) string { return strings.Replace(epk, from, to, 1) })
	}
	// at has the sender name a point and know the secret that it leads to.
	at := func(x []byte) func(f *forgery) {
		return func(f *forgery) {
			f.z = must(k.private.ECDH(must(ecdh.X25519().NewPublicKey(x))))
			f.outer.set("epk", x25519EPK(x))
		}
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	p256 := must(ecdh.P256().GenerateKey(rand.Reader)).PublicKey().Bytes()
	rows := []row{
		{"epk missing", func(f *forgery) { f.outer.remove("epk") }, k.config, open.ErrMalformed},
		{"epk null", epk("null"), k.config, open.ErrMalformed},
		{"kty EC", replaced("OKP", "EC"), k.config, open.ErrMalformed},
		{"kty missing", replaced("kty", "KTY"), k.config, open.ErrMalformed},
		{"crv Ed25519", replaced("X25519", "Ed25519"), k.config, open.ErrMalformed},
		{"crv X448", replaced("X25519", "X448"), k.config, open.ErrMalformed},
		{"crv P-256", replaced("X25519", "P-256"), k.config, open.ErrMalformed},
		{"crv in another case", replaced("X25519", "x25519"), k.config, open.ErrMalformed},
		{"crv missing", replaced("crv", "CRV"), k.config, open.ErrMalformed},
		{"a key on P-256", epk(epkOf(p256)), k.config, open.ErrMalformed},
		{"a coordinate of P-256", epk(x25519EPK(p256)), k.config, open.ErrMalformed},
		{"x missing", replaced(`"x":`, `"X":`), k.config, open.ErrMalformed},
		{"x of 31 octets", epk(x25519EPK(make([]byte, 31))), k.config, open.ErrMalformed},
		{"x of 33 octets", epk(x25519EPK(make([]byte, 33))), k.config, open.ErrMalformed},
		{"x of 56 octets", epk(x25519EPK(make([]byte, 56))), k.config, open.ErrMalformed},
		{"x with padding", edited(func(epk string) string { return epk[:len(epk)-2] + `="}` }), k.config, open.ErrMalformed},
		{"x with spare bits", edited(func(epk string) string { return epk[:len(epk)-3] + `B"}` }), k.config, open.ErrMalformed},
		{"with d", replaced("}", `,"d":"AAAA"}`), k.config, open.ErrMalformed},
		{"with a y, which means nothing", replaced("}", `,"y":"AAAA"}`), k.config, nil},
		{"with members that mean nothing", replaced("}", `,"kid":"x","use":"enc"}`), k.config, nil},
		{"another point", epk(x25519EPK(littleEndian(big.NewInt(9)))), k.config, open.ErrNotAuthentic},
		{"our own point", epk(x25519EPK(k.private.PublicKey().Bytes())), k.config, open.ErrNotAuthentic},

		// RFC 7748 section 5: what crypto/ecdh takes. The sender knows the secret all the same.
		{"a point of the twist", at(littleEndian(big.NewInt(2))), k.config, nil},
		{"a point spelled beyond the field", at(littleEndian(new(big.Int).Add(p, big.NewInt(9)))), k.config, nil},
		{"a point with the unused bit", at(append(make([]byte, 0, 32), bytes.Repeat([]byte{0xaa}, 32)...)), k.config, nil},

		{"the name of the suite", func(f *forgery) { f.outer.set("alg", quoted(k.suite.String())) }, k.config, open.ErrAlgorithm},
		{"no kid", func(f *forgery) { f.outer.remove("kid") }, func(c *anyOpen) { k.config(c); c.allow(open.KeyID) }, nil},
		{"no kid, and one on P-256 has the algorithm too", func(f *forgery) { f.outer.remove("kid") }, func(c *anyOpen) {
			c.allow(open.KeyID)
			held := []*keys.Key{k.key}
			for _, other := range keysFor(managementSuites) {
				held = append(held, other.key)
			}
			c.Decryption = keytest.NewSet(held...)
		}, nil},
		{"for a key on P-256", func(f *forgery) { f.outer.set("kid", quoted(f.recipient.kid)) }, nil, open.ErrMalformed},
	}
	for i, x := range lowOrder() {
		// What one arrives at who does not look: at zero, or at nothing.
		for _, z := range [][]byte{make([]byte, 32), {}} {
			rows = append(rows, row{fmt.Sprintf("a point of low order %d, a secret of %d bytes", i, len(z)), func(f *forgery) {
				f.z = z
				f.outer.set("epk", x25519EPK(x))
			}, k.config, open.ErrNotAuthentic})
		}
	}
	other := map[keys.Suite]string{keys.ECDHESX25519: "ECDH-ES+A256KW", keys.ECDHESA256KWX25519: "ECDH-ES"}[k.suite]
	return append(rows, row{"the other algorithm", func(f *forgery) { f.outer.set("alg", quoted(other)) }, k.config, open.ErrAlgorithm})
}

// epkIn is the honest epk.
func epkIn(f *forgery) string {
	for _, m := range f.outer {
		if m.name == "epk" {
			return m.raw
		}
	}
	panic("no epk")
}

// TestX25519SealOpen: what package seal makes opens here, and by hand.
func TestX25519SealOpen(t *testing.T) {
	t.Parallel()
	for _, suite := range x25519Suites {
		k, signer := newX25519(suite), testKeyFor(keys.ES256)
		set := keytest.NewSet(k.key)
		for _, content := range allContents {
			sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
				Issuer:     issuerID,
				Signing:    privateSet(signer),
				Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: set, Content: content}},
			}}))
			token := must(sealer.Seal(t.Context(), seal.Claims{Custom: json.RawMessage(`{"email":"ada@example.com"}`)}))
			cfg := config()
			k.config(&cfg)
			tok, err := newOpener(t, cfg).Open(t.Context(), token)
			if err != nil {
				t.Fatalf("%v, %v: %v", suite, content, err)
			}
			if got := rawClaims(t, tok); !bytes.Equal(got, must(k.claims(token, signer))) {
				t.Errorf("%v, %v: claims are %s", suite, content, got)
			}
		}
	}
}

// claims opens a token, as go-jose does those for other keys.
func (k *x25519Key) claims(token string, signer *testKey) ([]byte, error) {
	return joseOpen(token, signer.jwk(signer.public()), readRecipient(k.jwk()))
}

// readRecipient is a private JWK as go-jose reads it; for X25519, of which it knows
// nothing, it holds an *ecdh.PrivateKey, and joseDecrypt goes by that.
func readRecipient(jwk []byte) jose.JSONWebKey {
	var k jose.JSONWebKey
	var members struct{ Kid, Crv, Alg, D string }
	if err := json.Unmarshal(jwk, &members); err != nil || members.Crv != "X25519" {
		must(0, k.UnmarshalJSON(jwk))
		return k
	}
	return jose.JSONWebKey{Key: must(ecdh.X25519().NewPrivateKey(decode(members.D))), KeyID: members.Kid, Algorithm: members.Alg}
}

// decryptX25519 is RFC 8037 section 3.2 and RFC 7518 section 4.6, by hand.
func decryptX25519(jwe string, private *ecdh.PrivateKey, alg string) ([]byte, error) {
	var p [5][]byte
	for i, part := range strings.Split(jwe, ".") {
		p[i] = decode(part)
	}
	var header struct {
		Alg, Enc string
		Epk      struct{ Kty, Crv, X string }
	}
	if err := json.Unmarshal(p[0], &header); err != nil || header.Alg != alg || header.Epk.Kty != "OKP" || header.Epk.Crv != "X25519" {
		return nil, fmt.Errorf("%s: %v", p[0], err)
	}
	z := must(private.ECDH(must(ecdh.X25519().NewPublicKey(decode(header.Epk.X)))))
	content := must(keys.ParseContent(header.Enc))
	cek := derive(z, header.Enc, sizesOf[content].key, nil, nil)
	if alg == "ECDH-ES+A256KW" {
		cek = must(josecipher.KeyUnwrap(must(aes.NewCipher(derive(z, alg, 32, nil, nil))), p[1]))
	} else if len(p[1]) != 0 {
		return nil, errors.New("an encrypted key")
	}
	var mode cipher.AEAD
	if content == keys.A256GCM || content == keys.A128GCM {
		mode = must(cipher.NewGCM(must(aes.NewCipher(cek))))
	} else {
		mode = must(josecipher.NewCBCHMAC(cek, aes.NewCipher))
	}
	return mode.Open(nil, p[2], append(p[3], p[4]...), []byte(jwe[:strings.IndexByte(jwe, '.')]))
}

// sealedX25519 makes a golden token for a key on X25519.
func sealedX25519(suite keys.Suite, file string) func(t *testing.T) goldenToken {
	return func(t *testing.T) goldenToken {
		signer, _ := goldenKeys(keys.ES256, keys.ECDHES)
		recipient := &x25519Key{suite: suite, private: must(ecdh.X25519().GenerateKey(rand.Reader))}
		recipient.kid = must(keys.ParseKey(bytes.Replace(recipient.jwk(), []byte(`"kid":"",`), nil, 1), keys.Hint{})).ID()
		recipient.key = must(keys.ParseKey(recipient.jwk(), keys.Hint{}))
		g := goldenToken{
			About:     fmt.Sprintf("Made by package seal with ES256, %v and A256GCM, of claims/%s.json. The keys are for this test alone.", suite, file),
			Recipient: recipient.jwk(),
			Issuer:    must(json.Marshal(signer.jwk(signer.public()))),
			Iss:       issuerID, Aud: audience, Typ: "sealed+jwt", Clock: clock.Unix() + 60,
		}
		subject, claims := claimsFile(t, file)
		sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
			Issuer:     issuerID,
			Signing:    privateSet(signer),
			Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: keytest.NewSet(recipient.key)}},
		}}))
		g.Token = must(sealer.Seal(t.Context(), seal.Claims{Subject: subject, Custom: claims}))
		g.Claims = must(recipient.claims(g.Token, signer))
		return g
	}
}
