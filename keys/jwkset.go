package keys

import (
	"bytes"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// ParsePublicSet reads a JWK Set (RFC 7517 section 5) from another party. A
// member that cannot be used is passed over and reported by
// [PublicSet.Skipped]: an unknown key type, curve, algorithm or use, a weak key,
// and two members with the same kid or the same key, of which neither is used. A
// JWK without alg gets ES256 or ECDH-ES (P-256), EdDSA (Ed25519), ECDH-ES (X25519),
// RS256 or RSA-OAEP-256 (RSA); without use, the one it is asked for. [PublicSet.EncryptionKey]
// can ask for another. A key without kid has none, and a token that names a kid is not for it.
//
// It returns [ErrMalformed] when data is not a JWK Set, and [ErrPrivateKey] when
// any member holds private or symmetric key material: then a secret has leaked
// to where public keys are exchanged, and no part of the set is used.
func ParsePublicSet(data []byte) (*PublicSet, error) {
	if bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return nil, fmt.Errorf("%w: a PEM private key; publish a JWK Set of the public half, and replace that key", ErrPrivateKey)
	}
	o, err := strict.ParseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%w: not a JWK Set: %w", ErrMalformed, err)
	}
	if jwk.HasSecret(o) {
		return nil, fmt.Errorf("%w: a private JWK; publish a JWK Set of the public half, and replace that key", ErrPrivateKey)
	}
	members, ok, err := o.Array("keys")
	if err != nil || !ok {
		return nil, fmt.Errorf(`%w: not a JWK Set: no "keys" array`, ErrMalformed)
	}
	p := &PublicSet{verify: make(map[string]*Key)}
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
			member.read(m)
		}
		read = append(read, member)
	}
	p.admit(read)
	return p, nil
}

// publicMember is one member of a set: its keys, or why there are none. A JWK
// that leaves its use open gives one key for each.
type publicMember struct {
	SkippedKey
	keys []*Key
}

func (m *publicMember) read(o strict.Object) {
	j, err := jwk.FromObject(o)
	m.KeyID, m.Reason = j.KeyID, err
	if err != nil {
		return
	}
	suites, err := suitesOf(j, Hint{})
	for i := 0; err == nil && i < len(suites); i++ {
		var k *Key
		if k, err = newForeignKey(j.KeyID, suites[i], j.Public); err == nil {
			k.anySuite = j.Alg == "" && k.Use() == UseEnc
			m.keys = append(m.keys, k)
		}
	}
	m.Reason = err
}

// admit takes the members whose kid and thumbprint stand once.
func (p *PublicSet) admit(members []publicMember) {
	count := make(map[string]int)
	for _, m := range members {
		if m.Reason == nil {
			if m.keys[0].id != "" {
				count["kid "+m.keys[0].id]++
			}
			count["key "+m.keys[0].thumbprint]++
		}
	}
	for _, m := range members {
		if m.Reason == nil && (count["kid "+m.keys[0].id] > 1 || count["key "+m.keys[0].thumbprint] > 1) {
			m.Reason = fmt.Errorf("%w: another member has the same kid or the same key", ErrDuplicate)
		}
		if m.Reason != nil {
			p.skipped = append(p.skipped, m.SkippedKey)
			continue
		}
		for _, k := range m.keys {
			p.add(k)
		}
		p.written = append(p.written, writtenKey{m.keys[0], len(m.keys) > 1})
	}
}
