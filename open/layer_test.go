package open

import (
	"context"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// layer runs published test vectors through the steps that Open makes before it reads the claims:
// package keys reads the key, and then come parsing, the look-up by kid, decrypt and verify. The
// vectors name no issuer, so the layer trusts the issuer without a name.
type layer struct {
	*Opener       // nil if package keys refuses the key
	refusal error // why package keys refuses it
}

// newLayer returns the layer for one private key with this use. as is the algorithm of a JWK
// without alg.
func newLayer(jwk []byte, as string, use keys.Use) layer {
	// If the algorithm is not offered, the suite is zero, and the JWK decides.
	suite, _ := keys.ParseSuite(as)
	k, err := keys.ParseKey(jwk, keys.Hint{Use: use, Suite: suite})
	if err != nil {
		return layer{refusal: err}
	}
	o, err := under(k)
	return layer{o, err}
}

// newVerifier returns the layer for a JWK Set of verification keys.
func newVerifier(jwks []byte) layer {
	set, err := keys.ParsePublicSet(jwks)
	if err == nil && len(set.Keys()) == 0 && len(set.Skipped()) > 0 {
		err = set.Skipped()[0].Reason
	}
	if err != nil {
		return layer{refusal: err}
	}
	return layer{Opener: &Opener{trust: map[string]Issuer{"": {Keys: set, AllowMissing: KeyID}}}}
}

// under returns an Opener with one key for both uses.
func under(k *keys.Key) (*Opener, error) {
	set, err := keys.NewSet(keytest.SetConfig(k))
	if err != nil {
		return nil, err
	}
	public, err := set.PublicKeys(context.Background(), "")
	if err != nil {
		return nil, err
	}
	return &Opener{
		cfg:   settings{allowMissing: KeyID, decryption: set},
		trust: map[string]Issuer{"": {Keys: public, AllowMissing: KeyID}},
	}, nil
}

// verify returns the payload of a signed token, whatever its typ: Open compares that with
// its configuration.
func (l layer) verify(t testing.TB, token string) ([]byte, error) {
	if l.Opener == nil {
		return nil, l.refusal
	}
	s, err := parseJWS(token)
	if err != nil {
		return nil, err
	}
	_, err = l.Opener.verify(t.Context(), s, l.trust[""], new(origin))
	return s.payload, err
}

// decrypt returns the plaintext of a JWE, whatever its cty.
func (l layer) decrypt(t testing.TB, token string) ([]byte, error) {
	if l.Opener == nil {
		return nil, l.refusal
	}
	j, err := parseEnvelope(token)
	if err != nil {
		return nil, err
	}
	if err := j.decode(); err != nil {
		return nil, err
	}
	plaintext, _, err := l.decrypted(t.Context(), j, new(origin))
	return plaintext, err
}
