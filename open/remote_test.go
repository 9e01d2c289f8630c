package open_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
)

// kms is a private key that lives elsewhere and may be unavailable.
type kms struct {
	*ecdh.PrivateKey // one of the two
	rsa              *rsa.PrivateKey
	err              error
}

func (k *kms) ECDH(public *ecdh.PublicKey) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	return k.PrivateKey.ECDH(public)
}

func (k *kms) Public() crypto.PublicKey { return k.rsa.Public() }

func (k *kms) Decrypt(random io.Reader, text []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	return k.rsa.Decrypt(random, text, opts)
}

// inKMS returns a key of ours as a key that lives elsewhere.
func inKMS(suite keys.Suite) (*kms, *keys.Key) {
	k := testKeyFor(suite)
	away := kmsOf(k)
	if away.rsa != nil {
		return away, must(keys.FromDecrypter(k.Kid, suite, away))
	}
	return away, must(keys.FromKeyExchanger(k.Kid, suite, away))
}

func kmsOf(k *testKey) *kms {
	if private, ok := k.Private.(*rsa.PrivateKey); ok {
		return &kms{rsa: private}
	}
	return &kms{PrivateKey: must(k.Private.(*ecdsa.PrivateKey).ECDH())}
}

// A decryption key that lives elsewhere opens tokens. If it cannot be reached, the error does not
// judge the token.
func TestRemoteKey(t *testing.T) {
	t.Parallel()
	timeless, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	down := fmt.Errorf("%w: no route", keys.ErrUnavailable)
	for _, suite := range managementSuites {
		t.Run(suite.String(), func(t *testing.T) {
			t.Parallel()
			away, k := inKMS(suite)
			cfg := config()
			cfg.Decryption = keytest.NewSet(k)
			token := forgeWith(keys.ES256, suite, keys.A256GCM).Token()
			accepted(t, cfg, token)
			for name, ctx := range map[string]context.Context{"time is up": timeless, "cancelled": cancelled} {
				tok, err := newOpener(t, cfg).OpenAt(ctx, token, clock)
				if tok != nil || !errors.Is(err, open.ErrKeySource) || !errors.Is(err, ctx.Err()) {
					t.Errorf("%s: %v, %v", name, tok, err)
				}
			}
			away.err = down
			refused(t, cfg, token, open.ErrKeySource)
			away.err = errors.New("padding")
			want := open.ErrKeySource // a key agreement cannot fail because of the token
			if isOAEP(suite) {
				want = open.ErrNotAuthentic
			}
			refused(t, cfg, token, want)
		})
	}
}

// If a key cannot be reached, the token is refused. Its claims are not left out.
func TestRemoteKeySelective(t *testing.T) {
	t.Parallel()
	away, k := inKMS(keys.RSAOAEP256)
	s := forgeSelective()
	second := s.Theirs()
	second.Recipient, second.Management = testKeyFor(keys.RSAOAEP256).Key, "RSA-OAEP-256"
	second.Outer.Set("alg", `"RSA-OAEP-256"`)
	second.Outer.Set("kid", quoted(k.ID()))
	second.Outer.Remove("epk")
	cfg := selectiveConfig()
	cfg.Decryption = keytest.NewSet(testKeyFor(keys.ECDHES).Held, k)
	if tok := accepted(t, cfg, s.Token()); tok.SealedForOthers() != 0 {
		t.Fatalf("%d JWEs are for others", tok.SealedForOthers())
	}
	away.err = keys.ErrUnavailable
	refused(t, cfg, s.Token(), open.ErrKeySource)
}
