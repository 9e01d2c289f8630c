package open

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// profile opens published test vectors at the layer under Open: all that comes before
// the claims. It has two halves:
//
//   - shipped is the code that Open runs: package keys reads the keys, then come
//     parsing, the lookup by kid, decrypt and verify;
//   - extended adds the algorithms that are never offered (profile_*_test.go), so that
//     vectors for those are decided by our parsing and our rules about keys as well.
//
// What is offered is decided by the first half alone.
type profile struct {
	offered       bool    // the first half decides about the keys
	opener        *Opener // nil when package keys takes none of them
	refusal       error   // why it takes none
	others        []*otherKey
	othersRefusal error
}

// newProfile is for one JWK and one use. as says what a JWK without alg is for.
func newProfile(jwk []byte, as string, use keys.Use) *profile {
	var suite keys.Suite
	var unknown error
	if as != "" {
		suite, unknown = keys.ParseSuite(as)
	}
	p := &profile{}
	k, err := keys.ParseKey(jwk, keys.Hint{Use: use, Suite: suite})
	if err == nil {
		p.opener, err = under(k)
	}
	p.refusal = err
	if p.offered = unknown == nil && !errors.Is(err, keys.ErrUnsupported); p.offered && err != nil {
		p.othersRefusal = err
		return p
	}
	p.others, p.othersRefusal = readOthers([]json.RawMessage{jwk}, as, use)
	return p
}

// under is an Opener of one key, for what comes before the claims: nobody is trusted
// but the issuer who is not named.
func under(k *keys.Key) (*Opener, error) {
	set, err := keys.NewSet(keytest.SetConfig(k))
	if err != nil {
		return nil, err
	}
	public, err := set.PublicKeys(context.Background(), "")
	if err != nil {
		return nil, err
	}
	return &Opener{cfg: Config{AllowMissingKeyID: true, Decryption: set}, trust: map[string]Issuer{"": {Keys: public}}}, nil
}

// newSetProfile is for a JWK Set that verifies. Neither half takes any key of a set
// with a secret among public keys. Package keys takes no set of secrets either; the
// extension does, since that is what HMAC has.
func newSetProfile(jwks []byte) *profile {
	p := &profile{}
	set, err := keys.ParsePublicSet(jwks)
	var members []json.RawMessage
	if o, errObject := strict.ParseObject(jwks); errObject == nil {
		members, _, _ = o.Array("keys") // an error is one of ParsePublicSet too
	}
	if err == nil && len(set.Keys()) > 0 {
		p.offered = true
		p.opener = &Opener{cfg: Config{AllowMissingKeyID: true}, trust: map[string]Issuer{"": {Keys: set}}}
		return p
	}
	if err == nil && len(set.Skipped()) > 0 {
		err = set.Skipped()[0].Reason
	}
	if errors.Is(err, keys.ErrUnsupported) || errors.Is(err, keys.ErrPrivateKey) && allSecret(members) {
		p.others, p.othersRefusal = readOthers(members, "", keys.UseSig)
	} else {
		p.offered, p.othersRefusal = true, err
	}
	p.refusal = err
	return p
}

func allSecret(members []json.RawMessage) bool {
	for _, m := range members {
		o, err := strict.ParseObject(m)
		if kty, _, _ := o.Text("kty"); err != nil || kty != "oct" {
			return false
		}
	}
	return true
}

// verify decides about a signed token.
func (p *profile) verify(t testing.TB, token string) ([]byte, error) {
	if p.offered {
		return p.shippedVerify(t, token)
	}
	return p.extendedVerify(token)
}

// shippedVerify does what Open does with a signed token, before it reads the claims.
func (p *profile) shippedVerify(t testing.TB, token string) ([]byte, error) {
	if p.opener == nil {
		return nil, p.refusal
	}
	s, err := parseAnyJWS(token)
	if err != nil {
		return nil, err
	}
	k, err := p.opener.verificationKey(t.Context(), &s.header, p.opener.trust[""], new(origin))
	if err != nil {
		return nil, err
	}
	if err := verify(k, s.input, s.signature); err != nil {
		return nil, err
	}
	return s.payload, nil
}

// parseAnyJWS is parseJWS with the typ that the token has: what it has to be is
// configured, and no matter of this layer.
func parseAnyJWS(token string) (*jws, error) {
	first, _, _ := strings.Cut(token, ".")
	h, err := headerOf(first)
	if err != nil {
		return nil, err
	}
	return parseJWS(token, h.typ)
}

// decrypt decides about a JWE.
func (p *profile) decrypt(t testing.TB, token string) ([]byte, error) {
	if p.offers(token) {
		return p.shippedDecrypt(t, token)
	}
	return p.extendedDecrypt(token)
}

// offers reports whether the shipped half decides about a JWE: it does about all for
// its keys, but those that nothing is wrong with other than their content encryption.
func (p *profile) offers(token string) bool {
	j, err := parseEnvelope(token)
	if err != nil {
		return p.offered
	}
	_, other := otherContents[encOf(j)]
	return p.offered && !other
}

// shippedDecrypt does what Open does with a JWE, whatever its cty.
func (p *profile) shippedDecrypt(t testing.TB, token string) ([]byte, error) {
	if p.opener == nil {
		return nil, p.refusal
	}
	j, err := parseEnvelope(token)
	if err != nil {
		return nil, err
	}
	if err := j.decode(); err != nil {
		return nil, err
	}
	k, err := p.opener.decryptionKey(t.Context(), &j.header, new(origin))
	if err != nil {
		return nil, err
	}
	return j.decrypt(t.Context(), k)
}

// other is the extension's key for a header, found as the Opener finds its keys: by
// kid, or, without one, if exactly one fits.
func (p *profile) other(h header) (*otherKey, error) {
	if p.othersRefusal != nil {
		return nil, p.othersRefusal
	}
	var found []*otherKey
	for _, k := range p.others {
		if h.hasKid && k.kid == string(h.kid) || !h.hasKid && k.alg == h.alg {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%w: %d keys fit", ErrKey, len(found))
	}
	if found[0].alg != h.alg {
		return nil, fmt.Errorf("%w: the header says %s and the key %s", ErrAlgorithm, h.alg, found[0].alg)
	}
	return found[0], nil
}
