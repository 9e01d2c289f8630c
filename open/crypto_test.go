package open_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// bendParts returns a bend of the parts that are not in the header.
func bendParts(bend func(p *parts)) func(f *forgery) {
	return func(f *forgery) { f.bendParts = bend }
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[(i+len(b))%len(b)] ^= 1
	return b
}

func TestLengths(t *testing.T) {
	t.Parallel()
	for _, content := range allContents {
		rows := []row{
			{"no tag", bendParts(func(p *parts) { p.tag = nil }), nil, open.ErrMalformed},
			{"a tag of one octet", bendParts(func(p *parts) { p.tag = p.tag[:1] }), nil, open.ErrMalformed},
			{"a tag that is one octet short", bendParts(func(p *parts) { p.tag = p.tag[:len(p.tag)-1] }), nil, open.ErrMalformed},
			{"a tag with one octet more", bendParts(func(p *parts) { p.tag = append(p.tag, 0) }), nil, open.ErrMalformed},
			{"an octet moved from the ciphertext to the tag", bendParts(func(p *parts) {
				last := len(p.ciphertext) - 1
				p.tag = append([]byte{p.ciphertext[last]}, p.tag...)
				p.ciphertext = p.ciphertext[:last]
			}), nil, open.ErrMalformed},
			{"the whole ciphertext moved to the tag", bendParts(func(p *parts) { p.tag, p.ciphertext = append(p.ciphertext, p.tag...), nil }), nil, open.ErrMalformed},
			{"an octet moved from the tag to the ciphertext", bendParts(func(p *parts) {
				p.ciphertext, p.tag = append(p.ciphertext, p.tag[0]), p.tag[1:]
			}), nil, open.ErrMalformed},
			{"octets of the IV moved to the ciphertext", bendParts(func(p *parts) {
				p.iv, p.ciphertext = p.iv[:8], append(bytes.Clone(p.iv[8:]), p.ciphertext...)
			}), nil, open.ErrMalformed},
			{"no IV", bendParts(func(p *parts) { p.iv = nil }), nil, open.ErrMalformed},
			{"an IV with one octet more", bendParts(func(p *parts) { p.iv = append(p.iv, 0) }), nil, open.ErrMalformed},
			{"an IV with one octet less", bendParts(func(p *parts) { p.iv = p.iv[1:] }), nil, open.ErrMalformed},
			{"no ciphertext", bendParts(func(p *parts) { p.ciphertext = nil }), nil, open.ErrNotAuthentic},
		}
		if content == keys.A256GCM || content == keys.A128GCM {
			for _, size := range []int{1, 8, 11, 13, 16, 32} {
				rows = append(rows, row{fmt.Sprintf("GCM with an IV of %d octets", size), func(f *forgery) { f.ivSize = size }, nil, open.ErrMalformed})
			}
		}
		t.Run(content.String(), func(t *testing.T) {
			runWith(t, func() *forgery { return forgeWith(keys.ES256, keys.ECDHES, content) }, rows)
		})
	}
}

// TestRSAContentEncryption: enc and the lengths are checked whichever way the key comes.
func TestRSAContentEncryption(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"no enc", func(f *forgery) { f.outer.remove("enc") }, nil, open.ErrMalformed},
		{"an enc that is no string", func(f *forgery) { f.outer.set("enc", "1") }, nil, open.ErrMalformed},
		{"an enc that is not offered", func(f *forgery) { f.outer.set("enc", `"A192GCM"`) }, nil, open.ErrAlgorithm},
		{"octets of the IV moved to the ciphertext", bendParts(func(p *parts) {
			p.iv, p.ciphertext = p.iv[:8], append(bytes.Clone(p.iv[8:]), p.ciphertext...)
		}), nil, open.ErrMalformed},
		{"an octet moved from the tag to the ciphertext", bendParts(func(p *parts) {
			p.ciphertext, p.tag = append(p.ciphertext, p.tag[0]), p.tag[1:]
		}), nil, open.ErrMalformed},
	}
	for suite := range oaepHashes {
		t.Run(suite.String(), func(t *testing.T) {
			runWith(t, func() *forgery { return forgeWith(keys.ES256, suite, keys.A256GCM) }, rows)
		})
	}
}

func TestEncryptedKey(t *testing.T) {
	t.Parallel()
	withCEK := func(size int) func(f *forgery) {
		return func(f *forgery) {
			f.cek = make([]byte, size)
			rand.Read(f.cek)
			f.encryptContent = func(_, iv, aad, plaintext []byte) (ciphertext, tag []byte) {
				return f.authenticated(make([]byte, sizesOf[f.content].key), iv, aad, plaintext)
			}
		}
	}
	// The key is of the other AES, and the content encrypted with that.
	otherAES := func(size int) func(f *forgery) {
		return func(f *forgery) { f.cek = make([]byte, size); rand.Read(f.cek) }
	}
	key := func(b []byte) func(f *forgery) { return bendParts(func(p *parts) { p.encryptedKey = b }) }
	longer := bendParts(func(p *parts) { p.encryptedKey = append(p.encryptedKey, 0) })
	shorter := bendParts(func(p *parts) { p.encryptedKey = p.encryptedKey[:len(p.encryptedKey)-1] })
	swapped := bendParts(func(p *parts) { p.encryptedKey = flip(p.encryptedKey, 20) })

	t.Run("ECDH-ES", func(t *testing.T) {
		run(t, []row{
			{"one octet", key([]byte{0}), nil, open.ErrMalformed},
			{"a wrapped key", key(make([]byte, 40)), nil, open.ErrMalformed},
		})
	})
	t.Run("ECDH-ES+A256KW", func(t *testing.T) {
		runWith(t, func() *forgery { return forgeWith(keys.ES256, keys.ECDHESA256KW, keys.A256GCM) }, []row{
			{"none", key(nil), nil, open.ErrMalformed},
			{"8 octets", key(make([]byte, 8)), nil, open.ErrMalformed},
			{"16 octets", key(make([]byte, 16)), nil, open.ErrMalformed},
			{"one octet more", longer, nil, open.ErrMalformed},
			{"one octet less", shorter, nil, open.ErrMalformed},
			{"8 octets more", bendParts(func(p *parts) { p.encryptedKey = append(p.encryptedKey, make([]byte, 8)...) }), nil, open.ErrMalformed},
			{"a key of 16 octets for A256GCM", otherAES(16), nil, open.ErrMalformed},
			{"a key of 64 octets", withCEK(64), nil, open.ErrMalformed},
			{"a key of 8 octets", withCEK(8), nil, open.ErrMalformed},
			{"another octet", swapped, nil, open.ErrNotAuthentic},
		})
	})
	for suite, hash := range oaepHashes {
		other := crypto.SHA1 + crypto.SHA256 - hash
		t.Run(suite.String(), func(t *testing.T) {
			runWith(t, func() *forgery { return forgeWith(keys.ES256, suite, keys.A256GCM) }, []row{
				{"none", key(nil), nil, open.ErrMalformed},
				{"one octet more", longer, nil, open.ErrMalformed},
				{"one octet less", shorter, nil, open.ErrMalformed},
				{"zeros before", bendParts(func(p *parts) { p.encryptedKey = append(make([]byte, 8), p.encryptedKey...) }), nil, open.ErrMalformed},
				{"too large a number", key(bytes.Repeat([]byte{0xff}, 256)), nil, open.ErrNotAuthentic},
				{"zero", key(make([]byte, 256)), nil, open.ErrNotAuthentic},
				{"a key of 16 octets for A256GCM", otherAES(16), nil, open.ErrNotAuthentic},
				{"a key of 64 octets", withCEK(64), nil, open.ErrNotAuthentic},
				{"an empty key", withCEK(0), nil, open.ErrNotAuthentic},
				{"another octet", swapped, nil, open.ErrNotAuthentic},
				{"OAEP with " + other.String(), func(f *forgery) {
					f.bendParts = func(p *parts) {
						p.encryptedKey = must(rsa.EncryptOAEP(other.New(), rand.Reader, f.recipient.public().(*rsa.PublicKey), make([]byte, 32), nil))
					}
					f.cek = make([]byte, 32)
				}, nil, open.ErrNotAuthentic},
				{"OAEP with a label", func(f *forgery) {
					f.cek = make([]byte, 32)
					f.bendParts = func(p *parts) {
						p.encryptedKey = must(rsa.EncryptOAEP(hash.New(), rand.Reader, f.recipient.public().(*rsa.PublicKey), f.cek, []byte("label")))
					}
				}, nil, open.ErrNotAuthentic},
				{"PKCS #1 v1.5", func(f *forgery) {
					f.cek = make([]byte, 32)
					f.bendParts = func(p *parts) {
						//lint:ignore SA1019 it is what must be refused
						p.encryptedKey = must(rsa.EncryptPKCS1v15(rand.Reader, f.recipient.public().(*rsa.PublicKey), f.cek))
					}
				}, nil, open.ErrNotAuthentic},
			})
		})
	}
}

// TestLeadingZeros: an RSA ciphertext that starts with a zero octet has a shorter
// spelling of the same number, and would give its token a second text.
func TestLeadingZeros(t *testing.T) {
	t.Parallel()
	for suite, hash := range oaepHashes {
		f := forgeWith(keys.ES256, suite, keys.A256GCM)
		f.cek = make([]byte, 32)
		rand.Read(f.cek)
		pub := f.recipient.public().(*rsa.PublicKey)
		short := []byte{1}
		for short[0] != 0 {
			short = must(rsa.EncryptOAEP(hash.New(), rand.Reader, pub, f.cek, nil))
		}
		f.bendParts = func(p *parts) { p.encryptedKey = short }
		accepted(t, config(), f.token())
		f.bendParts = func(p *parts) { p.encryptedKey = short[1:] }
		refused(t, config(), f.token(), open.ErrMalformed)
	}
}

func TestEphemeralKey(t *testing.T) {
	t.Parallel()
	epk := func(raw string) func(f *forgery) { return func(f *forgery) { f.outer.set("epk", raw) } }
	// spelled changes the honest epk.
	spelled := func(edit func(o *object)) func(f *forgery) {
		return func(f *forgery) {
			point := f.ephemeral.PublicKey().Bytes()
			o := object{{"kty", `"EC"`}, {"crv", `"P-256"`}, {"x", quoted(encode(point[1:33]))}, {"y", quoted(encode(point[33:]))}}
			edit(&o)
			f.outer.set("epk", o.String())
		}
	}
	set := func(name, raw string) func(f *forgery) { return spelled(func(o *object) { o.set(name, raw) }) }
	remove := func(name string) func(f *forgery) { return spelled(func(o *object) { o.remove(name) }) }
	coordinates := func(x, y []byte) func(f *forgery) {
		return spelled(func(o *object) { o.set("x", quoted(encode(x))); o.set("y", quoted(encode(y))) })
	}
	zeros, ones := make([]byte, 32), bytes.Repeat([]byte{0xff}, 32)
	p384 := must(ecdh.P384().GenerateKey(rand.Reader)).PublicKey().Bytes()
	p := elliptic.P256().Params().P
	// A point whose x is short enough that x + p still has 32 octets does not
	// come by chance; (0, sqrt b) has the smallest x of all.
	y0 := new(big.Int).ModSqrt(elliptic.P256().Params().B, p)
	zeroX := y0.FillBytes(make([]byte, 32))
	var onTwist []byte // the first x that no point of the curve has
	for x := byte(2); ; x++ {
		square := new(big.Int).Exp(big.NewInt(int64(x)), big.NewInt(3), nil)
		square.Sub(square, big.NewInt(3*int64(x)))
		square.Add(square, elliptic.P256().Params().B)
		if new(big.Int).ModSqrt(square.Mod(square, p), p) == nil {
			onTwist = big.NewInt(int64(x)).FillBytes(make([]byte, 32))
			break
		}
	}
	rows := []row{
		{"missing", func(f *forgery) { f.outer.remove("epk") }, nil, open.ErrMalformed},
		{"null", epk("null"), nil, open.ErrMalformed},
		{"a string", epk(`"AAAA"`), nil, open.ErrMalformed},
		{"an array", epk("[]"), nil, open.ErrMalformed},
		{"empty", epk("{}"), nil, open.ErrMalformed},
		{"kty missing", remove("kty"), nil, open.ErrMalformed},
		{"kty OKP", set("kty", `"OKP"`), nil, open.ErrMalformed},
		{"kty null", set("kty", "null"), nil, open.ErrMalformed},
		{"crv missing", remove("crv"), nil, open.ErrMalformed},
		{"crv null", set("crv", "null"), nil, open.ErrMalformed},
		{"crv P-384", set("crv", `"P-384"`), nil, open.ErrMalformed},
		{"crv secp256k1", set("crv", `"secp256k1"`), nil, open.ErrMalformed},
		{"crv in another case", set("crv", `"p-256"`), nil, open.ErrMalformed},
		{"a P-384 point", epk(fmt.Sprintf(`{"kty":"EC","crv":"P-384","x":"%s","y":"%s"}`, encode(p384[1:49]), encode(p384[49:]))), nil, open.ErrMalformed},
		{"a P-384 point as P-256", coordinates(p384[1:49], p384[49:]), nil, open.ErrMalformed},
		{"an X25519 key", epk(`{"kty":"OKP","crv":"X25519","x":"` + encode(ones) + `"}`), nil, open.ErrMalformed},
		{"with d", set("d", `"AAAA"`), nil, open.ErrMalformed},
		{"with d null", set("d", "null"), nil, open.ErrMalformed},
		{"with members that mean nothing", set("alg", `"ECDH-ES"`), nil, nil},
		{"a member twice", spelled(func(o *object) { o.add("x", `"AAAA"`) }), nil, open.ErrMalformed},
		{"x missing", remove("x"), nil, open.ErrMalformed},
		{"y missing", remove("y"), nil, open.ErrMalformed},
		{"x empty", set("x", `""`), nil, open.ErrMalformed},
		{"x null", set("x", "null"), nil, open.ErrMalformed},
		{"x a number", set("x", "5"), nil, open.ErrMalformed},
		{"x not base64url", set("x", `"+/=="`), nil, open.ErrMalformed},
		{"y an array", set("y", "[]"), nil, open.ErrMalformed},
		{"x of 31 octets", coordinates(ones[:31], zeros), nil, open.ErrMalformed},
		{"an octet moved from y to x", spelled(func(o *object) { moveOctet(o) }), nil, open.ErrMalformed},
		{"zeros before x", spelled(func(o *object) { o.set("x", quoted(encode(append(zeros[:1:1], firstDecoded(o)...)))) }), nil, open.ErrMalformed},
		{"x with a line feed", spelled(func(o *object) { respell(o, func(s string) string { return s[:4] + `\n` + s[4:] }) }), nil, open.ErrMalformed},
		{"x with padding", spelled(func(o *object) { respell(o, func(s string) string { return s + "=" }) }), nil, open.ErrMalformed},
		{"x with spare bits", spelled(func(o *object) { respell(o, respellLast) }), nil, open.ErrMalformed},
		{"the point at infinity", coordinates(zeros, zeros), nil, open.ErrMalformed},
		{"off the curve", coordinates(big.NewInt(1).FillBytes(make([]byte, 32)), big.NewInt(1).FillBytes(make([]byte, 32))), nil, open.ErrMalformed},
		{"on the twist", coordinates(onTwist, big.NewInt(1).FillBytes(make([]byte, 32))), nil, open.ErrMalformed},
		{"coordinates too large", coordinates(ones, ones), nil, open.ErrMalformed},
		{"x is p and not 0", coordinates(p.FillBytes(make([]byte, 32)), zeroX), nil, open.ErrMalformed},
		{"another point", coordinates(zeros, zeroX), nil, open.ErrNotAuthentic},
		{"the recipient's own point", func(f *forgery) {
			f.outer.set("epk", epkOf(must(f.recipient.public().(*ecdsa.PublicKey).ECDH()).Bytes()))
		}, nil, open.ErrNotAuthentic},
		{"the point mirrored gives the same secret", func(f *forgery) {
			// Inside the header, which is authenticated: only the sender can do it.
			point := f.ephemeral.PublicKey().Bytes()
			y := new(big.Int).Sub(p, new(big.Int).SetBytes(point[33:]))
			y.FillBytes(point[33:])
			f.outer.set("epk", epkOf(point))
		}, nil, nil},
	}
	for _, m := range []keys.Suite{keys.ECDHES, keys.ECDHESA256KW} {
		t.Run(m.Alg(), func(t *testing.T) {
			runWith(t, func() *forgery { return forgeWith(keys.ES256, m, keys.A256GCM) }, rows)
		})
	}
}

func firstDecoded(o *object) []byte {
	for _, m := range *o {
		if m.name == "x" {
			return decode(strings.Trim(m.raw, `"`))
		}
	}
	panic("no x")
}

func respell(o *object, spell func(s string) string) {
	o.set("x", `"`+spell(encode(firstDecoded(o)))+`"`)
}

// moveOctet keeps the sum of the lengths.
func moveOctet(o *object) {
	x, y := decode(strings.Trim((*o)[2].raw, `"`)), decode(strings.Trim((*o)[3].raw, `"`))
	o.set("x", quoted(encode(append(x, y[0]))))
	o.set("y", quoted(encode(y[1:])))
}

func TestPartyInfo(t *testing.T) {
	t.Parallel()
	with := func(apu, apv string) func(f *forgery) {
		return func(f *forgery) {
			f.apu, f.apv = []byte(apu), []byte(apv)
			f.outer.set("apu", quoted(encode(f.apu)))
			f.outer.set("apv", quoted(encode(f.apv)))
		}
	}
	header := func(name, raw string) func(f *forgery) { return func(f *forgery) { f.outer.set(name, raw) } }
	rows := []row{
		{"both", with("Alice", "Bob"), nil, nil},
		{"long", with(strings.Repeat("A", 600), strings.Repeat("B", 600)), nil, nil},
		{"empty", with("", ""), nil, nil},
		{"apu alone", func(f *forgery) { f.apu = []byte("Alice"); f.outer.set("apu", `"QWxpY2U"`) }, nil, nil},
		{"apv alone", func(f *forgery) { f.apv = []byte("Bob"); f.outer.set("apv", `"Qm9i"`) }, nil, nil},
		{"apu not agreed on", header("apu", `"QWxpY2U"`), nil, open.ErrNotAuthentic},
		{"apv not agreed on", header("apv", `"QWxpY2U"`), nil, open.ErrNotAuthentic},
		{"apu agreed on and not said", func(f *forgery) { f.apu = []byte("Alice") }, nil, open.ErrNotAuthentic},
		{"exchanged", func(f *forgery) { with("Alice", "Bob")(f); f.apu, f.apv = f.apv, f.apu }, nil, open.ErrNotAuthentic},
	}
	for _, name := range []string{"apu", "apv"} {
		for _, raw := range []string{"null", "5", "[]", `"QWxpY2U="`, `"QWxpY2V"`, `"QW\nxpY2U"`, `"Q"`, `"+/+/"`, `" "`} {
			rows = append(rows, row{name + " " + raw, header(name, raw), nil, open.ErrMalformed})
		}
	}
	for _, m := range []keys.Suite{keys.ECDHES, keys.ECDHESA256KW} {
		t.Run(m.Alg(), func(t *testing.T) {
			runWith(t, func() *forgery { return forgeWith(keys.ES256, m, keys.A128CBCHS256) }, rows)
		})
	}
	for suite := range oaepHashes {
		t.Run("mean nothing with "+suite.String(), func(t *testing.T) {
			runWith(t, func() *forgery { return forgeWith(keys.ES256, suite, keys.A256GCM) }, []row{
				{"apu", header("apu", "5"), nil, nil},
				{"epk", header("epk", "5"), nil, nil},
			})
		})
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	n := elliptic.P256().Params().N
	zero, one := new(big.Int), big.NewInt(1)
	pair := func(r, s *big.Int) func(f *forgery) {
		return func(f *forgery) {
			f.sign = func([]byte) []byte {
				return slices.Concat(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32)))
			}
		}
	}
	bent := func(bend func(sig []byte) []byte) func(f *forgery) {
		return func(f *forgery) { f.sign = func(input []byte) []byte { return bend(f.signer.sign(input)) } }
	}
	// What is wrong for every algorithm.
	always := []row{
		{"empty", bent(func([]byte) []byte { return nil }), nil, open.ErrNotAuthentic},
		{"zeros", bent(func(s []byte) []byte { return make([]byte, len(s)) }), nil, open.ErrNotAuthentic},
		{"ones", bent(func(s []byte) []byte { return bytes.Repeat([]byte{0xff}, len(s)) }), nil, open.ErrNotAuthentic},
		{"the first octet", bent(func(s []byte) []byte { return flip(s, 0) }), nil, open.ErrNotAuthentic},
		{"the middle octet", bent(func(s []byte) []byte { return flip(s, len(s)/2) }), nil, open.ErrNotAuthentic},
		{"the last octet", bent(func(s []byte) []byte { return flip(s, -1) }), nil, open.ErrNotAuthentic},
		{"one octet more", bent(func(s []byte) []byte { return append(s, 0) }), nil, open.ErrNotAuthentic},
		{"one octet less", bent(func(s []byte) []byte { return s[:len(s)-1] }), nil, open.ErrNotAuthentic},
		{"a zero before", bent(func(s []byte) []byte { return append([]byte{0}, s...) }), nil, open.ErrNotAuthentic},
		{"twice", bent(func(s []byte) []byte { return append(s, s...) }), nil, open.ErrNotAuthentic},
		{"over something else", func(f *forgery) { f.sign = func(input []byte) []byte { return f.signer.sign(input[1:]) } }, nil, open.ErrNotAuthentic},
		{"over the payload alone", func(f *forgery) {
			f.sign = func(input []byte) []byte { return f.signer.sign(input[bytes.IndexByte(input, '.')+1:]) }
		}, nil, open.ErrNotAuthentic},
		{"by another key", func(f *forgery) {
			other := map[keys.Suite]crypto.Signer{
				keys.ES256: newP256(), keys.EdDSA: newEd25519(),
				keys.RS256: testKeyFor(keys.PS256).private, keys.PS256: testKeyFor(keys.RS256).private,
			}
			f.signer = &testKey{suite: f.signer.suite, kid: f.signer.kid, private: other[f.signer.suite]}
		}, nil, open.ErrNotAuthentic},
		{"of another token", func(f *forgery) {
			sig := f.signer.sign([]byte("another"))
			f.sign = func([]byte) []byte { return sig }
		}, nil, open.ErrNotAuthentic},
	}
	own := map[keys.Suite][]row{
		keys.ES256: {
			{"r and s zero", pair(zero, zero), nil, open.ErrNotAuthentic},
			{"r zero", pair(zero, one), nil, open.ErrNotAuthentic},
			{"s zero", pair(one, zero), nil, open.ErrNotAuthentic},
			{"r and s one", pair(one, one), nil, open.ErrNotAuthentic},
			{"r is n", pair(n, one), nil, open.ErrNotAuthentic},
			{"s is n", pair(one, n), nil, open.ErrNotAuthentic},
			{"r and s are n", pair(n, n), nil, open.ErrNotAuthentic},
			{"r + n", bent(func(s []byte) []byte {
				// Only when it fits; else the largest number that does.
				r := new(big.Int).Add(new(big.Int).SetBytes(s[:32]), n)
				if r.BitLen() > 256 {
					r.Sub(new(big.Int).Lsh(one, 256), one)
				}
				r.FillBytes(s[:32])
				return s
			}), nil, open.ErrNotAuthentic},
			{"r and s exchanged", bent(func(s []byte) []byte { return append(s[32:64:64], s[:32]...) }), nil, open.ErrNotAuthentic},
			{"a zero before s", bent(func(s []byte) []byte { return slices.Insert(s, 32, 0) }), nil, open.ErrNotAuthentic},
			{"s without its leading zero", func(f *forgery) {
				f.sign = func(input []byte) []byte {
					sig := f.signer.sign(input)
					for sig[32] != 0 {
						sig = f.signer.sign(input)
					}
					return slices.Delete(sig, 32, 33)
				}
			}, nil, open.ErrNotAuthentic},
			{"DER", func(f *forgery) {
				f.sign = func(input []byte) []byte {
					digest := sha256.Sum256(input)
					return must(ecdsa.SignASN1(rand.Reader, f.signer.private.(*ecdsa.PrivateKey), digest[:]))
				}
			}, nil, open.ErrNotAuthentic},
			{"DER of 64 octets", bent(func(s []byte) []byte {
				der := must(asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:])}))
				return der[:64]
			}), nil, open.ErrNotAuthentic},
			{"SHA-512", func(f *forgery) {
				f.sign = func(input []byte) []byte {
					digest := sha512.Sum512(input)
					r, s, err := ecdsa.Sign(rand.Reader, f.signer.private.(*ecdsa.PrivateKey), digest[:])
					out := make([]byte, 64)
					must(r, err).FillBytes(out[:32])
					s.FillBytes(out[32:])
					return out
				}
			}, nil, open.ErrNotAuthentic},
			// Not refused: whoever signs can respell, nobody else can reach it. It is
			// why a token's text is not its identity.
			{"n - s", bent(func(s []byte) []byte {
				new(big.Int).Sub(n, new(big.Int).SetBytes(s[32:])).FillBytes(s[32:])
				return s
			}), nil, nil},
		},
		keys.EdDSA: {
			{"S + L", bent(func(s []byte) []byte { return addOrder(s) }), nil, open.ErrNotAuthentic},
		},
		keys.PS256: {
			{"a salt of 20 octets", pssSalt(20), nil, open.ErrNotAuthentic},
			{"a salt of 31 octets", pssSalt(31), nil, open.ErrNotAuthentic},
			{"a salt of 32 octets", pssSalt(32), nil, nil},
			{"a salt of 33 octets", pssSalt(33), nil, open.ErrNotAuthentic},
			{"the longest salt", pssSalt(256 - 34), nil, open.ErrNotAuthentic},
		},
		keys.RS256: {
			{"SHA-512", func(f *forgery) {
				f.sign = func(input []byte) []byte {
					digest := sha512.Sum512(input)
					return must(rsa.SignPKCS1v15(rand.Reader, f.signer.private.(*rsa.PrivateKey), crypto.SHA512, digest[:]))
				}
			}, nil, open.ErrNotAuthentic},
			{"without the hash's name", func(f *forgery) {
				f.sign = func(input []byte) []byte {
					digest := sha256.Sum256(input)
					return must(rsa.SignPKCS1v15(rand.Reader, f.signer.private.(*rsa.PrivateKey), 0, digest[:]))
				}
			}, nil, open.ErrNotAuthentic},
		},
	}
	for _, s := range signingSuites {
		t.Run(s.Alg(), func(t *testing.T) {
			runWith(t, func() *forgery { return forgeWith(s, keys.ECDHES, keys.A256GCM) }, append(slices.Clone(always), own[s]...))
		})
	}
}

func pssSalt(length int) func(f *forgery) {
	return func(f *forgery) {
		f.sign = func(input []byte) []byte {
			digest := sha256.Sum256(input)
			return signPSS(f.signer.private.(*rsa.PrivateKey), digest[:], length)
		}
	}
}

// addOrder adds the order of Ed25519 to S, which some verifiers take.
func addOrder(signature []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(signature[32:])
	slices.Reverse(s) // little-endian
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(signature[:32:32], sum...)
}

// TestUniformFailure: every failure of decryption and of the signature is one and
// the same error value. Whoever can tell two of them apart has an oracle.
func TestUniformFailure(t *testing.T) {
	t.Parallel()
	count := 0
	check := func(what string, f *forgery) {
		t.Helper()
		count++
		tok, err := newOpener(t, config()).OpenAt(t.Context(), f.token(), clock)
		// The very value, not one that wraps it.
		if tok != nil || err != open.ErrNotAuthentic || err.Error() != "open: token is not authentic" {
			t.Errorf("%s: %v, %v", what, tok, err)
		}
	}
	for _, m := range managementSuites {
		for _, c := range allContents {
			name := m.Alg() + " " + c.String()
			for what, bend := range map[string]func(f *forgery){
				"tag":                  bendParts(func(p *parts) { p.tag = flip(p.tag, 0) }),
				"last octet of tag":    bendParts(func(p *parts) { p.tag = flip(p.tag, -1) }),
				"ciphertext":           bendParts(func(p *parts) { p.ciphertext = flip(p.ciphertext, 0) }),
				"last ciphertext":      bendParts(func(p *parts) { p.ciphertext = flip(p.ciphertext, -1) }),
				"ciphertext cut":       bendParts(func(p *parts) { p.ciphertext = p.ciphertext[:len(p.ciphertext)-16] }),
				"ciphertext longer":    bendParts(func(p *parts) { p.ciphertext = append(p.ciphertext, make([]byte, 16)...) }),
				"ciphertext one off":   bendParts(func(p *parts) { p.ciphertext = p.ciphertext[1:] }),
				"no ciphertext":        bendParts(func(p *parts) { p.ciphertext = nil }),
				"iv":                   bendParts(func(p *parts) { p.iv = flip(p.iv, 3) }),
				"header":               bendParts(func(p *parts) { p.header = append(p.header[:len(p.header)-1], `,"x":1}`...) }),
				"header, white space":  bendParts(func(p *parts) { p.header = append(p.header, ' ') }),
				"encrypted to another": func(f *forgery) { f.recipient = otherRecipient(f.recipient) },
			} {
				f := forgeWith(keys.ES256, m, c)
				bend(f)
				check(name+": "+what, f)
			}
			if m == keys.ECDHES {
				continue
			}
			f := forgeWith(keys.ES256, m, c)
			f.bendParts = func(p *parts) { p.encryptedKey = flip(p.encryptedKey, 9) }
			check(name+": encrypted key", f)
			f = forgeWith(keys.ES256, m, c)
			f.bendParts = func(p *parts) { p.encryptedKey = flip(p.encryptedKey, -1) }
			check(name+": last octet of the encrypted key", f)
		}
	}
	for _, c := range []keys.Content{keys.A256CBCHS512, keys.A128CBCHS256} {
		for pad := range 256 {
			// The MAC is right, by the sender's hand; the padding is what it is.
			f := forgeWith(keys.ES256, keys.ECDHES, c)
			f.encryptContent = func(cek, iv, aad, plaintext []byte) ([]byte, []byte) {
				return cbcWithPadding(cek, iv, aad, plaintext, byte(pad))
			}
			if pad >= 1 && pad <= 16 {
				continue // may be right
			}
			check(fmt.Sprintf("%v: padding of %d", c, pad), f)
		}
	}
	for _, s := range signingSuites {
		for _, sign := range []func(valid []byte) []byte{
			func(v []byte) []byte { return flip(v, 0) },
			func(v []byte) []byte { return flip(v, -1) },
			func([]byte) []byte { return nil },
			func(v []byte) []byte { return v[:len(v)/2] },
			func(v []byte) []byte { return make([]byte, len(v)) },
		} {
			f := forgeWith(s, keys.ECDHES, keys.A256GCM)
			f.sign = func(input []byte) []byte { return sign(f.signer.sign(input)) }
			check(s.Alg()+" signature", f)
		}
	}
	t.Log(count, "failures, one error")
}

// otherRecipient has the same kid and suite and another key.
func otherRecipient(k *testKey) *testKey {
	other := *k
	other.private = newP256()
	if isOAEP(k.suite) {
		other.private = testKeyFor(map[keys.Suite]keys.Suite{keys.RSAOAEP256: keys.RSAOAEP, keys.RSAOAEP: keys.RSAOAEP256}[k.suite]).private
	}
	return &other
}

// cbcWithPadding is AES-CBC with HMAC, RFC 7518 section 5.2, whose last block is
// padded with any octet.
func cbcWithPadding(cek, iv, aad, plaintext []byte, pad byte) (ciphertext, tag []byte) {
	half := len(cek) / 2
	plaintext = bytes.Clone(plaintext)
	for len(plaintext)%aes.BlockSize != aes.BlockSize-1 {
		plaintext = append(plaintext, '.')
	}
	plaintext = append(plaintext, pad)
	ciphertext = make([]byte, len(plaintext))
	cipher.NewCBCEncrypter(must(aes.NewCipher(cek[half:])), iv).CryptBlocks(ciphertext, plaintext)
	hash := sha256.New
	if half == 32 {
		hash = sha512.New
	}
	mac := hmac.New(hash, cek[:half])
	mac.Write(slices.Concat(aad, iv, ciphertext, binary.BigEndian.AppendUint64(nil, uint64(len(aad))*8)))
	return ciphertext, mac.Sum(nil)[:half]
}

// TestCBCByHand checks that what TestUniformFailure makes is right but for its
// padding.
func TestCBCByHand(t *testing.T) {
	t.Parallel()
	cek, iv, aad := make([]byte, 64), make([]byte, 16), []byte("header")
	ciphertext, tag := cbcWithPadding(cek, iv, aad, make([]byte, 31), 1)
	mode := must(josecipher.NewCBCHMAC(cek, aes.NewCipher))
	if _, err := mode.Open(nil, iv, append(ciphertext, tag...), aad); err != nil {
		t.Error(err)
	}
}
