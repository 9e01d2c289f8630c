package peers

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwe"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// jwxWell is jwx at its least cost: keys of the standard library, which need no conversion for each
// token, headers that are made once, and encoding/json for the JSON of the claims.
func jwxWell(t testing.TB, k *benchKeys, p benchProfile) contender {
	t.Helper()
	sig, known := jwa.LookupSignatureAlgorithm(k.sig.Alg())
	alg, ok := jwa.LookupKeyEncryptionAlgorithm(k.alg.Alg())
	if !known || !ok {
		t.Fatalf("jwx does not know %v", k)
	}
	inner, outer := jws.NewHeaders(), jwe.NewHeaders()
	if err := errors.Join(inner.Set(jws.KeyIDKey, benchSigningKid), inner.Set(jws.TypeKey, typ),
		outer.Set(jwe.KeyIDKey, benchRecipientKid), outer.Set(jwe.ContentTypeKey, "JWT")); err != nil {
		t.Fatal(err)
	}
	withSigner := jws.WithKey(sig, k.signer, jws.WithProtectedHeaders(inner))
	withRecipient := jwe.WithKey(alg, k.decrypter.Public())
	withHeaders, withContent := jwe.WithProtectedHeaders(outer), jwe.WithContentEncryption(jwa.A256GCM())
	seal := func() (string, error) {
		text, err := json.Marshal(newBenchClaims(p))
		if err != nil {
			return "", err
		}
		signed, err := jws.Sign(text, withSigner)
		if err != nil {
			return "", err
		}
		token, err := jwe.Encrypt(signed, withRecipient, withContent, withHeaders)
		return string(token), err
	}

	// jwx gets only the key that the header names, and only if the type is right.
	ours := jwe.WithKeyProvider(jwe.KeyProviderFunc(func(_ context.Context, sink jwe.KeySink, _ jwe.Recipient, m *jwe.Message) error {
		kid, _ := m.ProtectedHeaders().KeyID()
		cty, _ := m.ProtectedHeaders().ContentType()
		if kid == benchRecipientKid && cty == "JWT" {
			sink.Key(alg, k.decrypter)
		}
		return nil
	}))
	theirs := jws.WithKeyProvider(jws.KeyProviderFunc(func(_ context.Context, sink jws.KeySink, s *jws.Signature, _ *jws.Message) error {
		kid, _ := s.ProtectedHeaders().KeyID()
		found, _ := s.ProtectedHeaders().Type()
		if kid == benchSigningKid && found == typ {
			sink.Key(sig, k.signer.Public())
		}
		return nil
	}))
	open := func(token string) (*benchProfile, error) {
		signed, err := jwe.Decrypt([]byte(token), ours)
		if err != nil {
			return nil, err
		}
		text, err := jws.Verify(signed, theirs)
		if err != nil {
			return nil, err
		}
		c := new(benchClaims)
		if err := json.Unmarshal(text, c); err != nil {
			return nil, err
		}
		return &c.benchProfile, c.check()
	}
	return contender{"jwx, jws + jwe", seal, open}
}
