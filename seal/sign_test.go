package seal_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/seal"
)

// remote is a signing key that lives elsewhere.
type remote struct {
	crypto.Signer
	sign func(digest []byte) ([]byte, error) // nil: a correct signature
	opts crypto.SignerOpts
}

func (r *remote) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	r.opts = opts
	if r.sign != nil {
		return r.sign(digest)
	}
	return r.Signer.Sign(random, digest, opts)
}

func TestRemoteSigner(t *testing.T) {
	t.Parallel()
	down := errors.New("the HSM is down")
	number := func(r, s *big.Int) []byte { return must(asn1.Marshal(struct{ R, S *big.Int }{r, s})) }
	one, large := big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 256)
	garbage := map[string][]byte{
		"nothing": nil, "one octet": {0x30}, "text": []byte("not a signature, whatever the algorithm"),
		"too long": make([]byte, 1024),
	}
	for _, suite := range []keys.Suite{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256} {
		t.Run(suite.Alg(), func(t *testing.T) {
			t.Parallel()
			private := newPrivate(suite)
			r := &remote{Signer: private}
			k := must(keys.FromSigner("projects/p/keys/k/1", suite, r))
			p := parties{keytest.NewSet(k), newSet(keys.ECDHES)}
			if tok := p.open(t, p.seal(t, seal.Claims{})); tok.SigningKeyID() != "projects/p/keys/k/1" {
				t.Errorf("signed by %q", tok.SigningKeyID())
			}
			if want := crypto.SHA256; suite != keys.EdDSA && r.opts.HashFunc() != want {
				t.Errorf("asked for %v", r.opts.HashFunc())
			}
			s := newSealer(t, p.config())
			check := func(what string) {
				t.Helper()
				token, err := s.Seal(t.Context(), seal.Claims{Subject: "u-secret"})
				if token != "" || !errors.Is(err, seal.ErrSigning) || strings.Contains(err.Error(), "u-secret") {
					t.Errorf("%s: %d bytes, %v", what, len(token), err)
				}
			}
			r.sign = func([]byte) ([]byte, error) { return nil, down }
			check("failing")
			if _, err := s.Seal(t.Context(), seal.Claims{}); !errors.Is(err, down) {
				t.Errorf("the signer's error is not wrapped: %v", err)
			}
			bad := map[string][]byte{}
			for what, sig := range garbage {
				bad[what] = sig
			}
			if suite == keys.ES256 {
				bad["r zero"], bad["s zero"] = number(new(big.Int), one), number(one, new(big.Int))
				bad["r negative"], bad["s too large"] = number(big.NewInt(-1), one), number(one, large)
				bad["text after it"] = append(number(one, one), 0)
				bad["64 octets"] = make([]byte, 64) // the form of RFC 7518, and not of crypto.Signer
			}
			for what, sig := range bad {
				r.sign = func([]byte) ([]byte, error) { return sig, nil }
				check(what)
			}
		})
	}
}

// A remote signer may read its message again after it has answered. The message has not changed by
// then.
func TestSignerKeepsMessage(t *testing.T) {
	t.Parallel()
	private := newPrivate(keys.EdDSA)
	r := &keeping{Signer: private}
	s := newSealer(t, parties{keytest.NewSet(must(keys.FromSigner("k", keys.EdDSA, r))), newSet(keys.ECDHES)}.config())
	for range 20 {
		if _, err := s.Seal(t.Context(), seal.Claims{}); err != nil {
			t.Fatal(err)
		}
	}
	for i, message := range r.messages {
		if string(message) != r.texts[i] {
			t.Fatalf("message %d has become another one", i)
		}
	}
}

// keeping is a signer that keeps the messages that it signs.
type keeping struct {
	crypto.Signer
	messages [][]byte
	texts    []string
}

func (k *keeping) Sign(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.messages, k.texts = append(k.messages, message), append(k.texts, string(message))
	return k.Signer.Sign(random, message, opts)
}

// r and s are padded to 32 octets each. One number in 256 is shorter.
func TestShortNumbers(t *testing.T) {
	t.Parallel()
	private := newPrivate(keys.ES256).(*ecdsa.PrivateKey)
	type numbers struct{ R, S *big.Int }
	for name, short := range map[string]func(n numbers) *big.Int{
		"r": func(n numbers) *big.Int { return n.R },
		"s": func(n numbers) *big.Int { return n.S },
	} {
		r := &remote{Signer: private, sign: func(digest []byte) ([]byte, error) {
			for {
				der, err := private.Sign(rand.Reader, digest, crypto.SHA256)
				if err != nil {
					return nil, err
				}
				var n numbers
				if _, err := asn1.Unmarshal(der, &n); err != nil || short(n).BitLen() <= 31*8 {
					return der, err
				}
			}
		}}
		t.Run(name, func(t *testing.T) {
			p := parties{keytest.NewSet(must(keys.FromSigner("k", keys.ES256, r))), newSet(keys.ECDHES)}
			p.open(t, p.seal(t, seal.Claims{}))
		})
	}
}

// Keys that no set would give are refused all the same.
func TestWrongKeys(t *testing.T) {
	t.Parallel()
	if err := seal.Sign(newKey(keys.RSAOAEP256)); err == nil || !errors.Is(err, seal.ErrSigning) {
		t.Errorf("signing with a decryption key: %v", err)
	}
	if err := seal.Encrypt(newKey(keys.RS256)); err == nil {
		t.Error("encrypted to a signing key")
	}
}

// failingStore is a store that can be down.
type failingStore struct {
	keyring.Store
	down bool
}

func (s *failingStore) Load(ctx context.Context) ([]byte, string, error) {
	if s.down {
		return nil, "", errors.New("the store is down")
	}
	return s.Store.Load(ctx)
}

// TestRing seals with a ring. The policy of the ring bounds the lifetime, and a ring that was read
// too long ago gives no key.
func TestRing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		kek := must(keyring.NewKEK(make([]byte, 32)))
		store := &failingStore{Store: keyring.NewMemStore()}
		ring, err := keyring.Create(ctx, keyring.Config{Store: store, KEK: kek, Policy: keyring.Policy{TokenLifetime: 10 * time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		cfg := anySeal{SelectiveConfig: seal.SelectiveConfig{Issuer: issuerID, Signing: ring, Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: ring}}}}
		sealWith := func(cfg anySeal) (string, error) { return must(newAny(cfg)).Seal(ctx, seal.Claims{}) }

		// The default lifetime of the sealer exceeds the limit of this ring.
		token, err := sealWith(cfg)
		if token != "" || !errors.Is(err, seal.ErrLifetime) {
			t.Errorf("%q, %v", token, err)
		} else if text := err.Error(); !strings.Contains(text, "raise the ring's") || !strings.Contains(text, "10m0s (T)") || !strings.Contains(text, "15m0s") {
			t.Errorf("error says %q", text)
		}
		cfg.Limits.Lifetime = 10*time.Minute + time.Second
		if token, err := sealWith(cfg); token != "" || !errors.Is(err, seal.ErrLifetime) {
			t.Errorf("a second too long: %q, %v", token, err)
		}
		cfg.Limits.Lifetime = 10 * time.Minute
		if _, err := sealWith(cfg); err != nil {
			t.Error(err)
		}

		store.down = true
		time.Sleep(30 * time.Minute)
		if _, err := sealWith(cfg); err != nil {
			t.Errorf("half an hour without the store: %v", err)
		}
		time.Sleep(time.Hour)
		staleRecipient, staleIssuer := cfg, cfg
		staleRecipient.Signing = newSet(keys.ES256)
		staleIssuer.Recipients = []seal.SelectiveRecipient{{Audience: audience, Keys: newSet(keys.ECDHES)}}
		for what, cfg := range map[string]anySeal{"both": cfg, "recipient": staleRecipient, "issuer": staleIssuer} {
			if token, err := sealWith(cfg); token != "" || !errors.Is(err, keys.ErrStale) {
				t.Errorf("%s stale: %q, %v", what, token, err)
			}
		}
		store.down = false
		time.Sleep(10 * time.Second)
		if _, err := sealWith(cfg); err != nil {
			t.Errorf("the store is back: %v", err)
		}
	})
}
