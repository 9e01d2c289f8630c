// Package forge makes correct and forged tokens without the packages that seal and open them.
// A test makes a Draft of a correct token and changes one thing in it. The rest of the token
// stays correct, so that only the check under test can refuse the token. Package opentest and
// the tests of package open make their tokens with it.
package forge

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
)

// Draft is a token that is not made yet. In either form it has one JWS and one JWE. In the
// nested form the plaintext of the JWE is the JWS. In the selective form the JWE stands in the
// claim sealed of the JWS. A change to the inner layer takes effect before the outer layer
// authenticates it. A function that is nil changes nothing.
type Draft struct {
	Selective bool

	// The JWS.
	Signer  *Key
	Inner   Object // its header
	Claims  Object
	Sign    func(input []byte) []byte // signs in the place of Signer
	BendJWS func(jws string) string   // changes the finished JWS

	// The JWE.
	Recipient  *Key
	Management string // the key management algorithm to carry out, whatever the header says
	Content    Content
	Outer      Object // its header
	Hidden     Object // the claims in the JWE, in the selective form
	Ephemeral  *ecdh.PrivateKey
	Secret     []byte // the shared secret to use in the place of the agreed one
	APU, APV   []byte // the party infos that go into the key derivation
	CEK        []byte // the content encryption key to use in the place of a random one

	// Seal encrypts in the place of EncryptContent.
	Seal func(cek, iv, aad, plaintext []byte) (ciphertext, tag []byte)

	BendPlain func(plaintext string) string // changes the plaintext
	BendParts func(p *Parts)                // changes the parts after encryption
	BendJWE   func(jwe string) string       // changes the finished JWE

	Spell   map[string]func(part string) string // respells the base64url text of the part of this name
	Sealed  func(jwe string) string             // in the selective form, returns the JSON text of sealed; nil leaves sealed out
	Unbound bool                                // in the selective form, Follow does not copy iss and jti
	Bend    func(token string) string           // changes the finished token
}

// New returns a draft with a correct header in both layers, and without claims.
func New(signer, recipient *Key, content Content, typ, cty string) *Draft {
	d := &Draft{Signer: signer, Recipient: recipient, Management: recipient.Alg}
	d.Inner = NewObject("alg", Quoted(signer.Alg), "kid", Quoted(signer.Kid), "typ", Quoted(typ))
	d.Outer = NewObject("alg", Quoted(d.Management), "enc", "", "kid", Quoted(recipient.Kid))
	d.Use(content)
	if strings.HasPrefix(d.Management, "ECDH-ES") {
		d.Ephemeral = must(recipient.Point().Curve().GenerateKey(rand.Reader))
		d.Outer.Add("epk", EPK(d.Ephemeral.PublicKey().Bytes()))
	}
	d.Outer.Add("cty", Quoted(cty))
	return d
}

// Use sets the content encryption, also in the header.
func (d *Draft) Use(c Content) {
	d.Content = c
	d.Outer.Set("enc", Quoted(c.Enc))
}

// Token makes the token. In the selective form it adds sealed to the claims of d.
func (d *Draft) Token() string {
	if !d.Selective {
		return apply(d.Bend, d.JWE(d.JWS()))
	}
	d.Follow()
	if d.Sealed != nil {
		d.Claims.Add("sealed", d.Sealed(d.JWE(d.Hidden.Text())))
	}
	return apply(d.Bend, d.JWS())
}

// Follow copies iss and jti from the claims into the header of the JWE, unless Unbound is set.
// In the selective form they bind the JWE to its token.
func (d *Draft) Follow() {
	for _, name := range []string{"iss", "jti"} {
		if raw := d.Claims.Raw(name); raw != "" && !d.Unbound {
			d.Outer.Set(name, raw)
		}
	}
}

// JWS makes a compact JWS, RFC 7515 section 5.1.
func (d *Draft) JWS() string {
	input := d.spelled("JWS header", []byte(d.Inner.Text())) + "." + d.spelled("JWS payload", []byte(d.Claims.Text()))
	sign := d.Sign
	if sign == nil {
		sign = d.Signer.Sign
	}
	return apply(d.BendJWS, input+"."+d.spelled("JWS signature", sign([]byte(input))))
}

// spelled returns b in base64url, changed by the function of Spell for this part.
func (d *Draft) spelled(part string, b []byte) string { return apply(d.Spell[part], Encode(b)) }

// Part edits the i-th part between the dots of a compact serialization. A negative i counts
// from the end.
func Part(compact string, i int, edit func(part string) string) string {
	parts := slices.Clone(strings.Split(compact, "."))
	i = (i + len(parts)) % len(parts)
	parts[i] = edit(parts[i])
	return strings.Join(parts, ".")
}

// SpareBits returns another base64url text of the same bytes: it sets a bit of the last character
// that decoders ignore. It panics if the length of the text is a multiple of four, because such a
// text has no spare bits.
func SpareBits(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(part)%4 == 0 {
		panic("forge: no spare bits")
	}
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + alphabet[last|1:][:1]
}

// Encode returns b in base64url.
func Encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Decode returns the bytes of a base64url text. It panics on any other text.
func Decode(s string) []byte { return must(base64.RawURLEncoding.DecodeString(s)) }

// must returns v. It panics on an error, because such an error is a bug of the test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
