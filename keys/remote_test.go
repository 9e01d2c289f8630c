package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"testing"
)

// remote stands for a private key in a KMS. Its functions do the work.
type remote struct {
	pub     crypto.PublicKey
	asked   func() // called before the public key is returned; may be nil
	sign    func(digest []byte, o crypto.SignerOpts) ([]byte, error)
	ecdh    func(*ecdh.PublicKey) ([]byte, error)
	decrypt func([]byte, crypto.DecrypterOpts) ([]byte, error)
}

func (r *remote) Public() crypto.PublicKey {
	if r.asked != nil {
		r.asked()
	}
	return r.pub
}

func (r *remote) Sign(_ io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return r.sign(digest, o)
}

func (r *remote) Decrypt(_ io.Reader, encrypted []byte, o crypto.DecrypterOpts) ([]byte, error) {
	return r.decrypt(encrypted, o)
}

// remoteExchanger is a remote key for a key agreement. Its method for the public key has another
// name.
type remoteExchanger struct{ *remote }

func (r remoteExchanger) PublicKey() *ecdh.PublicKey { p, _ := r.Public().(*ecdh.PublicKey); return p }
func (r remoteExchanger) Curve() ecdh.Curve          { return r.PublicKey().Curve() }
func (r remoteExchanger) ECDH(epk *ecdh.PublicKey) ([]byte, error) {
	return r.ecdh(epk)
}

// exchanger returns the private key of k for a key agreement.
func exchanger(t testing.TB, k ownKey) ecdh.KeyExchanger {
	t.Helper()
	if p, ok := k.priv.(*ecdsa.PrivateKey); ok {
		return must(p.ECDH())(t)
	}
	return k.priv.(*ecdh.PrivateKey)
}

// keyOf returns a remote key that works with the private key of k.
func keyOf(t testing.TB, k ownKey) *remote {
	t.Helper()
	r := &remote{pub: k.priv.Public()}
	if s, ok := k.priv.(crypto.Signer); ok {
		r.sign = func(digest []byte, o crypto.SignerOpts) ([]byte, error) { return s.Sign(rand.Reader, digest, o) }
	}
	if d, ok := k.priv.(crypto.Decrypter); ok {
		r.decrypt = func(encrypted []byte, o crypto.DecrypterOpts) ([]byte, error) {
			return d.Decrypt(rand.Reader, encrypted, o)
		}
	} else if k.Use() == UseEnc {
		x := exchanger(t, k)
		r.pub, r.ecdh = x.PublicKey(), x.ECDH
	}
	return r
}

// fromRemote makes a Key from a remote key.
func fromRemote(kid string, suite Suite, r *remote) (*Key, error) {
	switch {
	case suite.Use() == UseSig:
		return FromSigner(kid, suite, r)
	case isOAEP(suite):
		return FromDecrypter(kid, suite, r)
	}
	return FromKeyExchanger(kid, suite, remoteExchanger{r})
}

// use makes a key do one private operation.
func use(ctx context.Context, t testing.TB, k *Key) error {
	t.Helper()
	if k.Use() == UseSig {
		_, err := k.Sign(ctx, []byte("message"))
		return err
	}
	m := sealed(t, k, A256GCM, "plaintext")
	r, err := m.recipientIn(ctx, t, k)
	if err != nil {
		return err
	}
	_, err = r.Open(m.aad())
	return err
}

func TestFromRemote(t *testing.T) {
	for _, suite := range allSuites {
		k := must(fromRemote("kms/keys/7", suite, keyOf(t, generated(t, suite))))(t)
		if k.ID() != "kms/keys/7" || !k.HasPrivate() || k.Suite() != suite {
			t.Errorf("%v: kid %q, suite %v", suite, k.ID(), k.Suite())
		}
		checkKey(t, k)
		set := must(NewSet(configOf(ownKey{Key: k})))(t)
		if suite.Use() == UseSig {
			if got := must(set.SigningKey())(t); got != k {
				t.Errorf("%v: the set signs with another key", suite)
			}
		} else if got, ok := heldKey(set, "kms/keys/7"); !ok || got != k {
			t.Errorf("%v: the set decrypts with another key", suite)
		}
	}
}

// A KMS may become faulty after the key was made. No token gets a faulty signature.
func TestEverySignatureIsVerified(t *testing.T) {
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	for _, suite := range []Suite{ES256, EdDSA, RS256, PS256} {
		r := keyOf(t, generated(t, suite))
		good := r.sign
		k := must(FromSigner("k", suite, r))(t)
		for name, bad := range map[string]func([]byte, crypto.SignerOpts) ([]byte, error){
			"another message": func(digest []byte, o crypto.SignerOpts) ([]byte, error) {
				digest = bytes.Clone(digest)
				digest[0] ^= 1
				return good(digest, o)
			},
			"another key": func(digest []byte, o crypto.SignerOpts) ([]byte, error) {
				return other.Sign(rand.Reader, make([]byte, 32), crypto.SHA256)
			},
			"one bit": func(digest []byte, o crypto.SignerOpts) ([]byte, error) {
				s, err := good(digest, o)
				s[len(s)-1] ^= 1
				return s, err
			},
			"one byte less": func(digest []byte, o crypto.SignerOpts) ([]byte, error) {
				s, err := good(digest, o)
				return s[:len(s)-1], err
			},
			"nothing": func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, nil },
			"zeros":   func([]byte, crypto.SignerOpts) ([]byte, error) { return make([]byte, 64), nil },
		} {
			r.sign = bad
			if sig, err := k.Sign(t.Context(), []byte("message")); sig != nil || !errors.Is(err, ErrMalformed) {
				t.Errorf("%v, %s: %x, %v", suite, name, sig, err)
			}
		}
		r.sign = func(digest []byte, o crypto.SignerOpts) ([]byte, error) {
			s, _ := good(digest, o)
			return s, io.ErrUnexpectedEOF
		}
		if sig, err := k.Sign(t.Context(), []byte("message")); sig != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v, an error with a signature: %x, %v", suite, sig, err)
		}
		r.sign = good
		checkKey(t, k)
	}
}

// A handle may read its input again after it has answered, or after its context has ended. Package
// seal uses that memory again by then.
func TestRemoteKeysGetCopies(t *testing.T) {
	ed := keyOf(t, generated(t, EdDSA))
	var kept []byte
	sign := ed.sign
	ed.sign = func(message []byte, o crypto.SignerOpts) ([]byte, error) {
		kept = message
		return sign(message, o)
	}
	k := must(FromSigner("k", EdDSA, ed))(t)
	message := []byte("message")
	must(k.Sign(t.Context(), message))(t)
	clear(message)
	if string(kept) != "message" {
		t.Errorf("the signer sees %q", kept)
	}

	oaep := keyOf(t, generated(t, RSAOAEP256))
	decrypt := oaep.decrypt
	oaep.decrypt = func(encrypted []byte, o crypto.DecrypterOpts) ([]byte, error) {
		kept = encrypted
		return decrypt(encrypted, o)
	}
	d := must(FromDecrypter("k", RSAOAEP256, oaep))(t)
	m := sealed(t, d, A256GCM, "plaintext")
	encrypted := bytes.Clone(m.parts[0])
	must(m.recipient(t, d))(t)
	clear(m.parts[0])
	if !bytes.Equal(kept, encrypted) {
		t.Error("the decrypter sees other bytes")
	}
}
