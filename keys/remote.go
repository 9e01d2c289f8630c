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
	"fmt"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
)

// FromSigner makes a signing key of a private key that lives elsewhere: in a KMS, an HSM, an
// agent. The kid must name one version of one key for good: a verifier that knows the old key
// refuses the tokens of another key under the same kid.
//
// FromSigner signs once, to check that the signer's signatures verify under its public key. Every
// later signature is verified before [Key.Sign] returns it. It returns [ErrUnsupported] when s
// cannot do suite, [ErrWeakKey] and [ErrMalformed] when its public key or kid is unusable,
// ErrMalformed when the signature does not verify, [ErrUnavailable] when s does not answer or
// panics, and the error of s. Such a key can be put into a [Set], not into a ring: a ring holds
// its keys itself.
//
// FromSigner asks s twice, for its public key and for the signature. When s does not answer
// within 30 seconds each time, FromSigner returns ErrUnavailable.
//
// A call to s that outlasts its context, or these 30 seconds, goes on in the background,
// because a crypto.Signer takes no context. While 16 such calls hang, the key refuses further
// calls at once with [ErrUnavailable].
func FromSigner(kid string, suite Suite, s crypto.Signer) (*Key, error) {
	if suite.Use() != UseSig || nilcheck.IsNil(s) {
		return nil, fmt.Errorf("%w: %v with this signer", ErrUnsupported, suite)
	}
	calls := new(remoteCalls)
	public, err := publicOf(calls, s.Public)
	if err != nil {
		return nil, err
	}
	k, err := newKey(kid, suite, public)
	if err != nil {
		return nil, err
	}
	scheme := suites[suite].signature
	k.sign = func(ctx context.Context, message []byte) ([]byte, error) {
		// A copy: a signer may read the message once more after its answer, for its log or
		// another try, and package seal uses the memory again.
		message = bytes.Clone(message)
		signature, err := call(ctx, calls, func() ([]byte, error) { return scheme.sign(s, message) })
		if errors.Is(err, errPanicked) {
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if err == nil && !k.Verify(message, signature) {
			err = fmt.Errorf("%w: the signer gave a signature that its public key does not verify", ErrMalformed)
		}
		if err != nil {
			return nil, err
		}
		return signature, nil
	}
	if _, err := firstCall(func(ctx context.Context) ([]byte, error) {
		return k.sign(ctx, []byte("sealjwt: is this the key?"))
	}); err != nil {
		return nil, err
	}
	return k, nil
}

// FromKeyExchanger makes a decryption key for a suite of the ECDH-ES family of a private
// key that lives elsewhere, on P-256 or X25519. The kid must name one version of one key
// for good.
//
// FromKeyExchanger makes one key agreement with x and compares the result with its own
// computation. It returns the errors of [FromSigner], and [ErrMalformed] when the two differ.
// Every error of x counts as an outage, an [ErrUnavailable]. FromKeyExchanger waits for x as long
// as FromSigner does, and treats calls that outlast their context as FromSigner does.
func FromKeyExchanger(kid string, suite Suite, x ecdh.KeyExchanger) (*Key, error) {
	if _, ok := suite.management().(agreement); !ok || nilcheck.IsNil(x) {
		return nil, fmt.Errorf("%w: %v with this key exchanger", ErrUnsupported, suite)
	}
	calls := new(remoteCalls)
	public, err := publicOf(calls, x.PublicKey)
	if err != nil {
		return nil, err
	}
	material, err := agreementMaterial(public)
	if err != nil {
		return nil, err
	}
	k, err := newKey(kid, suite, material)
	if err != nil {
		return nil, err
	}
	k.exchange = func(ctx context.Context, epk *ecdh.PublicKey) ([]byte, error) {
		// A client chooses the epk. Its mistake, an epk of low order, must not count as an
		// outage of x.
		if err := jwk.CheckPoint(epk); err != nil {
			return nil, errDecrypt
		}
		z, err := call(ctx, calls, func() ([]byte, error) { return x.ECDH(epk) })
		if err == nil && (len(z) != coordinateSize || bytes.Equal(z, make([]byte, coordinateSize))) {
			// Every attacker knows a shared secret of zero (RFC 7748 section 6.1).
			err = errors.New("keys: the key exchanger gave no shared secret")
		}
		switch {
		case err == nil:
			return z, nil
		case ctx.Err() != nil && errors.Is(err, ctx.Err()): // the caller's context has ended
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := k.checkExchange(public); err != nil {
		return nil, err
	}
	return k, nil
}

// checkExchange makes one key agreement with the exchanger, and compares the result with the
// one computed from its public key.
func (k *Key) checkExchange(public *ecdh.PublicKey) error {
	ours, err := public.Curve().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	want, err := ours.ECDH(public)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWeakKey, err)
	}
	got, err := firstCall(func(ctx context.Context) ([]byte, error) { return k.exchange(ctx, ours.PublicKey()) })
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%w: the key exchanger does not agree with its public key", ErrMalformed)
	}
	return err
}

func agreementMaterial(public *ecdh.PublicKey) (crypto.PublicKey, error) {
	if public == nil {
		return nil, fmt.Errorf("%w: the key exchanger has no public key", ErrMalformed)
	}
	if public.Curve() != ecdh.P256() {
		return public, nil
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public.Bytes())
}

// FromDecrypter makes a decryption key for RSA-OAEP-256 or RSA-OAEP of a private key that lives
// elsewhere. It calls d.Decrypt with *rsa.OAEPOptions that have the hash of the suite, SHA-256
// or SHA-1. The kid must name one version of one key for good.
//
// FromDecrypter encrypts a random text, has d decrypt it, and compares. It returns the errors of
// [FromSigner], and [ErrMalformed] when d gives another plaintext. Of the later errors of d only
// one that wraps [ErrUnavailable], or the error of a context, counts as an outage. Every other
// error counts as a failed decryption, and the caller cannot tell it from a wrong tag.
// FromDecrypter waits for d as long as FromSigner does, and treats calls that outlast their
// context as FromSigner does.
func FromDecrypter(kid string, suite Suite, d crypto.Decrypter) (*Key, error) {
	scheme, ok := suite.management().(oaep)
	if !ok || nilcheck.IsNil(d) {
		return nil, fmt.Errorf("%w: %v with this decrypter", ErrUnsupported, suite)
	}
	calls := new(remoteCalls)
	public, err := publicOf(calls, d.Public)
	if err != nil {
		return nil, err
	}
	k, err := newKey(kid, suite, public)
	if err != nil {
		return nil, err
	}
	k.decrypt = func(ctx context.Context, encryptedKey []byte) ([]byte, error) {
		encryptedKey = bytes.Clone(encryptedKey) // d may read it after its answer: see FromSigner
		return call(ctx, calls, func() ([]byte, error) { return scheme.decrypt(d, encryptedKey) })
	}
	if err := k.checkDecryption(scheme); err != nil {
		return nil, err
	}
	return k, nil
}

// checkDecryption encrypts a random text to the key, and checks that the decrypter returns it.
func (k *Key) checkDecryption(scheme oaep) error {
	var room contentKey
	want := A256GCM.draw(&room)
	encrypted, err := scheme.encrypt(k, want)
	if err != nil {
		return err
	}
	got, err := firstCall(func(ctx context.Context) ([]byte, error) { return k.decrypt(ctx, encrypted) })
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%w: the decrypter does not decrypt what its public key encrypts", ErrMalformed)
	}
	return err
}
