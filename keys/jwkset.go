package keys

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// ParsePublicSet reads the public keys of another party: a JWK Set (RFC 7517 section 5), one
// JWK, or one key in PEM. PEM may hold a certificate in place of the key. ParsePublicSet does
// not judge a certificate: neither its signature, nor its period of validity, nor its
// purposes.
//
// ParsePublicSet leaves out a member of a set that cannot be used, and [PublicSet.Skipped]
// reports it: a damaged or weak key, and an unknown key type, curve, algorithm or use. In a JWK a
// null or empty value counts as absent, except in a member that makes up the public key. If two
// JWKs have the same kid, use and alg and hold the same key, the set has that key once. If they
// have a kid and hold different keys, the set leaves out both, since either may be the wrong one.
// Here an encryption key without alg counts for every encryption alg of its type.
//
// A JWK without alg gets ES256 or ECDH-ES (P-256), EdDSA (Ed25519), ECDH-ES (X25519), RS256 or
// RSA-OAEP-256 (RSA), and [PublicSet.EncryptionKey] can use it with another suite for encryption.
// A JWK that states neither alg nor use nor key_ops, and could do both, is used for both. A key
// without kid in a set does not match a token that names a kid. But if data is a single key
// without kid, that key stands for every kid.
//
// It returns [ErrMalformed] or [ErrUnsupported] when data is none of these, and for a single key
// that cannot be used [ErrMalformed], [ErrUnsupported] or [ErrWeakKey]. It returns
// [ErrPrivateKey] when anything in data looks like private or symmetric key material: then a
// secret has leaked to where public keys are exchanged, and the caller gets no key of it.
func ParsePublicSet(data []byte) (*PublicSet, error) {
	p, err := parsePublic(data)
	if !errors.Is(err, ErrPrivateKey) && jwk.LooksPrivate(data) {
		return nil, fmt.Errorf("%w: it holds what looks like a private key; give the public key alone, and replace that key", ErrPrivateKey)
	}
	return p, err
}

func parsePublic(data []byte) (*PublicSet, error) {
	text, err := jwk.Text(data)
	if err != nil {
		return nil, err
	}
	if jwk.IsPEM(text) {
		j, err := jwk.ParsePublicPEM(text)
		if j.Private != nil {
			return nil, fmt.Errorf("%w: a PEM private key; give the public key alone, and replace that key", ErrPrivateKey)
		}
		return newLoneKey(publicMember{}.with(j, err))
	}
	o, err := jwk.ParseObject(text)
	if err != nil {
		return nil, err
	}
	if jwk.HasSecret(o) {
		return nil, fmt.Errorf("%w: a private JWK; publish a JWK Set of the public half, and replace that key", ErrPrivateKey)
	}
	if _, ok := o.Raw("keys"); ok {
		return parseSet(o)
	}
	if _, ok := o.Raw("kty"); ok {
		return newLoneKey(publicMember{}.with(jwk.FromForeign(o)))
	}
	return nil, fmt.Errorf(`%w: not a JWK Set: no "keys" array`, ErrMalformed)
}

func parseSet(o strict.Object) (*PublicSet, error) {
	members, _, err := o.Array("keys")
	if err != nil {
		return nil, fmt.Errorf(`%w: not a JWK Set: no "keys" array`, ErrMalformed)
	}
	read := make([]publicMember, 0, len(members))
	for i, raw := range members {
		m, err := strict.ParseObject(raw)
		if err == nil && jwk.HasSecret(m) {
			return nil, fmt.Errorf("%w: member %d; publish the public half only, and replace that key", ErrPrivateKey, i)
		}
		member := publicMember{SkippedKey: SkippedKey{Index: i}}
		if err != nil {
			member.Reason = fmt.Errorf("%w: not a JSON object", ErrMalformed)
		} else {
			member = member.with(jwk.FromForeign(m))
		}
		read = append(read, member)
	}
	p := newEmptySet()
	p.admit(read)
	return p, nil
}

// newLoneKey returns the set of a single key. There is no other key that a token could mean, so
// a key without kid stands for every kid.
func newLoneKey(m publicMember) (*PublicSet, error) {
	if m.Reason != nil {
		return nil, m.Reason
	}
	p := newEmptySet()
	p.admit([]publicMember{m})
	p.anyKeyID = m.KeyID == ""
	return p, nil
}

// publicMember is one member of a set: its keys, or the reason why it has none. A JWK that
// leaves its use open gives one key for each use.
type publicMember struct {
	SkippedKey
	keys []*Key
}

// with returns the member with the keys of j, or with the reason why there are none.
func (m publicMember) with(j jwk.JWK, err error) publicMember {
	m.KeyID, m.use = j.KeyID, useSaidBy(j)
	var suites []Suite
	if err == nil {
		suites, err = suitesOf(j, Hint{})
	}
	for i := 0; err == nil && i < len(suites); i++ {
		var k *Key
		if k, err = newForeignKey(j.KeyID, suites[i], j.Public); err == nil {
			k.anySuite = j.Alg == "" && k.Use() == UseEnc
			m.keys = append(m.keys, k)
		}
	}
	if err != nil {
		m.Reason, m.keys = err, nil
	}
	return m
}

// useSaidBy returns the use that a JWK states by its use, alg, crv and key_ops, empty if it
// states none or two that differ.
func useSaidBy(j jwk.JWK) (use Use) {
	stated := Use(j.Use)
	if stated != UseSig && stated != UseEnc {
		stated = ""
	}
	for _, said := range []Use{stated, Use(jwk.UseOf(j.Alg)), Use(jwk.UseOf(j.Curve)), useOfOperations(j.Ops)} {
		if said != "" && use != "" && said != use || said == mixedUse {
			return ""
		}
		if said != "" {
			use = said
		}
	}
	return use
}

// keyName is the name under which a set keeps a key. A suite implies the use, the alg and the
// kty.
type keyName struct {
	kid   string
	suite Suite
}

// names returns the names of a key of another party: one for its suite, or, if its JWK names no
// alg, one for each suite that the key can be for.
func (k *Key) names() []keyName {
	if !k.anySuite {
		return []keyName{{k.id, k.suite}}
	}
	var all []keyName
	for _, s := range suitesFor(k.suite.kind()) {
		if s.Use() == k.Use() {
			all = append(all, keyName{k.id, s})
		}
	}
	return all
}

// admit takes the members that can be used. Of two different keys with a kid under one name it
// takes neither: a token may mean either. One key that is listed twice it takes once.
func (p *PublicSet) admit(members []publicMember) {
	first, ambiguous := make(map[keyName]*Key), make(map[keyName]bool)
	for _, m := range members {
		for _, k := range m.keys {
			for _, n := range k.names() {
				if other := first[n]; other == nil {
					first[n] = k
				} else if k.id != "" && other.thumbprint != k.thumbprint {
					ambiguous[n] = true
				}
			}
		}
	}
	isAmbiguous := func(k *Key) bool {
		return slices.ContainsFunc(k.names(), func(n keyName) bool { return ambiguous[n] })
	}
	type listing struct {
		keyName
		thumbprint string
		anySuite   bool
	}
	listed := make(map[listing]bool)
	for _, m := range members {
		if slices.ContainsFunc(m.keys, isAmbiguous) {
			m.Reason = fmt.Errorf("%w: another member has the same kid and algorithm, and is another key", ErrDuplicate)
		}
		if m.Reason != nil {
			p.skipped = append(p.skipped, m.SkippedKey)
			continue
		}
		fresh := slices.DeleteFunc(m.keys, func(k *Key) bool {
			l := listing{keyName{k.id, k.suite}, k.thumbprint, k.anySuite}
			known := listed[l]
			listed[l] = true
			return known
		})
		anyUse := len(fresh) > 1
		for i, k := range fresh {
			p.add(k)
			if i == 0 || !anyUse {
				p.written = append(p.written, writtenKey{k, anyUse})
			}
		}
	}
}
