// Package forge makes tokens by hand, without the packages that open them. A Draft is a
// correct token until a test changes it, so that a forged token has one defect and only the
// check in question can refuse it. Package opentest makes its battery with it, and the tests
// of package open their tokens.
package forge

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
)

// Draft is a token about to be made. In either form it is one JWS and one JWE: in the
// nested form the JWE holds the JWS, in the selective one the claims of the JWS hold the
// JWE. A change to the inner layer comes before the outer one authenticates it.
type Draft struct {
	Selective bool

	// The JWS.
	Signer  *Key
	Inner   Object // its header
	Claims  Object
	Sign    func(input []byte) []byte
	BendJWS func(jws string) string // the finished JWS

	// The JWE.
	Recipient  *Key
	Management string // the algorithm that is really carried out, whatever the header says
	Content    Content
	Outer      Object // its header
	Hidden     Object // the claims in the JWE, in the selective form
	Ephemeral  *ecdh.PrivateKey
	Secret     []byte // the shared secret to use instead of the agreed one
	APU, APV   []byte // the party infos that go into the key derivation
	CEK        []byte // the content encryption key to use instead of a random one
	Seal       func(cek, iv, aad, plaintext []byte) (ciphertext, tag []byte)
	BendPlain  func(plaintext string) string
	BendParts  func(p *Parts)
	BendJWE    func(jwe string) string // the finished JWE

	Spell   map[string]func(part string) string // by the name of a part, in base64url, before it is authenticated
	Sealed  func(jwe string) string             // the selective form: the JSON text of sealed
	Unbound bool                                // the selective form: the header of the JWE does not follow iss and jti
	Bend    func(token string) string           // the finished token
}

// New returns a draft with the headers that both layers need, and without claims.
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

// Use chooses a content encryption.
func (d *Draft) Use(c Content) {
	d.Content = c
	d.Outer.Set("enc", Quoted(c.Enc))
}

// Token makes the token.
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

// Follow copies iss and jti from the claims into the header of the JWE. They bind the JWE
// to its token.
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

// spelled returns a part in base64url, or as the test spells it.
func (d *Draft) spelled(part string, b []byte) string { return apply(d.Spell[part], Encode(b)) }

// Part edits one of the parts between the dots of a compact serialization; a negative
// index counts from the end.
func Part(compact string, i int, edit func(part string) string) string {
	parts := slices.Clone(strings.Split(compact, "."))
	i = (i + len(parts)) % len(parts)
	parts[i] = edit(parts[i])
	return strings.Join(parts, ".")
}

// SpareBits sets one of the bits of the last base64url character that encode nothing, which gives
// another spelling of the same bytes. The length of the text must not be a multiple of four.
func SpareBits(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(part)%4 == 0 {
		panic("forge: no spare bits")
	}
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + alphabet[last|1:][:1]
}

// Encode spells b in base64url.
func Encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Decode reads base64url.
func Decode(s string) []byte { return must(base64.RawURLEncoding.DecodeString(s)) }

// must panics on an error, which is a fault of the test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
