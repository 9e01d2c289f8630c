package open

import (
	"context"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// layer runs on published test vectors what Open runs before it reads the claims: package
// keys reads the key, then come parsing, the lookup by kid, decrypt and verify. The vectors
// name no issuer, so the layer trusts the one without a name.
type layer struct {
	*Opener       // nil when package keys refuses the key
	refusal error // why it does
}

// newLayer returns the layer for one private key of the given use. as is the algorithm of
// a JWK that does not say it.
func newLayer(jwk []byte, as string, use keys.Use) layer {
	// An algorithm that is not offered is the zero suite, and the JWK decides.
	suite, _ := keys.ParseSuite(as)
	k, err := keys.ParseKey(jwk, keys.Hint{Use: use, Suite: suite})
	if err != nil {
		return layer{refusal: err}
	}
	o, err := under(k)
	return layer{o, err}
}

// newVerifier returns the layer for a JWK Set that verifies.
func newVerifier(jwks []byte) layer {
	set, err := keys.ParsePublicSet(jwks)
	if err == nil && len(set.Keys()) == 0 && len(set.Skipped()) > 0 {
		err = set.Skipped()[0].Reason
	}
	if err != nil {
		return layer{refusal: err}
	}
	return layer{Opener: &Opener{cfg: settings{allowMissingKeyID: true}, trust: map[string]Issuer{"": {Keys: set}}}}
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
	return &Opener{cfg: settings{allowMissingKeyID: true, decryption: set}, trust: map[string]Issuer{"": {Keys: public}}}, nil
}

// verify returns the payload of a signed token, whatever its typ: Open compares that with
// its configuration.
func (l layer) verify(t testing.TB, token string) ([]byte, error) {
	if l.Opener == nil {
		return nil, l.refusal
	}
	first, _, _ := strings.Cut(token, ".")
	h, err := headerOf(first)
	if err != nil {
		return nil, err
	}
	s, err := parseJWS(token, h.typ)
	if err != nil {
		return nil, err
	}
	k, err := l.verificationKey(t.Context(), &s.header, l.trust[""], new(origin))
	if err != nil {
		return nil, err
	}
	return s.payload, verify(k, s.input, s.signature)
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
	k, err := l.decryptionKey(t.Context(), &j.header, new(origin))
	if err != nil {
		return nil, err
	}
	return j.decrypt(t.Context(), k)
}
