package jwk

import (
	"bytes"
	"crypto"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// PrivateKey is a private key of the standard library, which signs, decrypts or agrees on keys.
type PrivateKey interface{ Public() crypto.PublicKey }

// JWK is one key as it was read, before an algorithm is chosen for it. From PEM it has only the
// key itself, and Alg for an RSA-PSS key.
type JWK struct {
	KeyID, Use, Alg string
	Curve           string   // crv
	Ops             []string // key_ops, RFC 7517 section 4.3

	Public  crypto.PublicKey
	Private PrivateKey // nil when the key is public
}

// Parse reads one key of the caller's own, private or public, from a JWK or from PEM.
func Parse(data []byte) (JWK, error) {
	text, err := Text(data)
	if err != nil {
		return JWK{}, err
	}
	if IsPEM(text) {
		return readPEM(text, false)
	}
	o, err := ParseObject(text)
	if err != nil {
		return JWK{}, err
	}
	if _, ok := o.Raw("keys"); ok {
		return JWK{}, fmt.Errorf("%w: this is a JWK Set, and not one JWK", ErrMalformed)
	}
	return FromObject(o)
}

// Split returns the JWKs of a JWK Set, and data itself if data is PEM or a single JWK.
func Split(data []byte) ([][]byte, error) {
	text, err := Text(data)
	if err != nil || IsPEM(text) {
		return [][]byte{data}, err
	}
	o, err := ParseObject(text)
	if err != nil {
		return nil, err
	}
	if _, ok := o.Raw("keys"); !ok {
		return [][]byte{data}, nil
	}
	members, _, err := o.Array("keys")
	if err != nil || len(members) == 0 {
		return nil, fmt.Errorf("%w: a JWK Set without keys", ErrMalformed)
	}
	all := make([][]byte, len(members))
	for i, m := range members {
		all[i] = m
	}
	return all, nil
}

// ParsePublicPEM reads one public key of another party from PEM, or the public key of a
// certificate. It also returns a private key, which the caller has to refuse.
func ParsePublicPEM(text []byte) (JWK, error) { return readPEM(text, true) }

// ParseObject reads a text that is not PEM as JSON. If the text is not JSON, the error names
// its format where ParseObject can tell, such as DER or a key of OpenSSH.
func ParseObject(text []byte) (strict.Object, error) {
	o, err := strict.ParseObject(text)
	switch {
	case err == nil:
		return o, nil
	case bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")):
		return o, fmt.Errorf("%w: not a JWK or a JWK Set: %w", ErrMalformed, err)
	case bytes.HasPrefix(text, []byte{0x30, 0x82}), bytes.HasPrefix(text, []byte{0x30, 0x81}):
		return o, fmt.Errorf("%w: neither PEM nor a JWK, but binary, as DER and PKCS#12 are: openssl makes PEM of them", ErrMalformed)
	case bytes.HasPrefix(text, []byte("ssh-")), bytes.HasPrefix(text, []byte("ecdsa-sha2-")):
		return o, unsupported("a public key of OpenSSH: ssh-keygen -e -m PKCS8 -f FILE makes PEM of it")
	}
	return o, fmt.Errorf("%w: neither PEM nor a JWK", ErrMalformed)
}

func newJWK(material any) JWK {
	if p, ok := material.(PrivateKey); ok {
		return JWK{Public: p.Public(), Private: p}
	}
	return JWK{Public: material}
}

// FromObject reads a JWK of the caller's own. A member that it reads must not be null.
func FromObject(o strict.Object) (JWK, error) { return members{o, false}.read() }

// FromForeign reads a public JWK of another party, in which a member whose value is null or
// empty counts as absent.
func FromForeign(o strict.Object) (JWK, error) { return members{o, true}.read() }

// read reads the JWK. Even with an error it returns the members that it could read, so that the
// caller can name the key.
func (m members) read() (JWK, error) {
	var j JWK
	var faults []error
	for _, member := range []struct {
		name string
		dst  *string
	}{{"kid", &j.KeyID}, {"use", &j.Use}, {"alg", &j.Alg}} {
		var err error
		if *member.dst, _, err = m.text(member.name); err != nil {
			faults = append(faults, fmt.Errorf("%w: %s must be a string", ErrMalformed, member.name))
		}
	}
	ops, err := m.operations()
	if err != nil {
		faults = append(faults, err)
	}
	j.Ops = ops
	j.Curve, _, _ = m.Text("crv") // an error is ignored here: material reports it
	if len(faults) > 0 {
		return j, faults[0]
	}
	k, err := m.material()
	j.Public, j.Private = k.Public, k.Private
	return j, err
}

// operations reads key_ops, RFC 7517 section 4.3.
func (m members) operations() (ops []string, err error) {
	if !m.has("key_ops") {
		return nil, nil
	}
	if _, _, err = m.Array("key_ops"); err == nil {
		ops, _, err = m.Strings("key_ops")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: key_ops must be an array of strings", ErrMalformed)
	}
	return ops, nil
}
