package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Key is one key of a ring or a set: public, or public and private. It has one
// kid, one use and one algorithm, and brings its algorithm along: nothing that a
// token says can choose another.
//
// The private half never leaves this package. What it can do is offered through
// the standard interfaces by handles that hold no key, so a type assertion on
// them yields nothing. A Key is immutable, safe for concurrent use, and prints
// as [redacted].
type Key struct {
	id         string
	thumbprint string
	suite      Suite
	material   crypto.PublicKey // as its JWK is written: P-256 is always an *ecdsa.PublicKey here
	public     crypto.PublicKey // as Public gives it

	// Handles, nil where the key cannot do it.
	signer    crypto.Signer
	exchanger ecdh.KeyExchanger
	decrypter crypto.Decrypter

	// private returns the private JWK, for the ring's document only. A closure,
	// because fmt walks unexported fields and prints the bytes it finds. It is
	// nil for public keys and for keys that live elsewhere.
	private func() ([]byte, error)
}

// ID returns the kid. For generated keys it is the first 16 characters of the
// thumbprint; for imported ones whatever their owner chose, up to 256 printable
// ASCII characters, so quote it before printing.
func (k *Key) ID() string { return k.id }

// Thumbprint returns the SHA-256 JWK thumbprint (RFC 7638), base64url.
func (k *Key) Thumbprint() string { return k.thumbprint }

// Suite returns the algorithm this key is for, the only one.
func (k *Key) Suite() Suite { return k.suite }

// Use returns what the key is for.
func (k *Key) Use() Use { return k.suite.Use() }

// Public returns the public key: an *ecdsa.PublicKey, ed25519.PublicKey or
// *rsa.PublicKey for signing suites, an *ecdh.PublicKey on P-256 or X25519 or an
// *rsa.PublicKey for encryption suites. Do not modify it.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Signer returns a handle that signs with the private half, or nil: the key is
// for encryption, public only, or its private half is erased.
func (k *Key) Signer() crypto.Signer { return k.signer }

// KeyExchanger returns a handle for the ECDH suites, or nil where the key cannot
// decrypt that way.
func (k *Key) KeyExchanger() ecdh.KeyExchanger { return k.exchanger }

// Decrypter returns a handle for RSA-OAEP-256, or nil where the key cannot
// decrypt that way. It takes *rsa.OAEPOptions with SHA-256.
func (k *Key) Decrypter() crypto.Decrypter { return k.decrypter }

// HasPrivate reports whether the key can sign or decrypt.
func (k *Key) HasPrivate() bool {
	return k.signer != nil || k.exchanger != nil || k.decrypter != nil
}

// publicJWK is the key as it is published, with kid, use and alg.
func (k *Key) publicJWK() writtenJWK {
	return writtenJWK{k.material, k.id, k.Use(), k.suite.Alg()}
}

// withoutPrivate is the same key with its private half gone.
func (k *Key) withoutPrivate() *Key {
	return &Key{id: k.id, thumbprint: k.thumbprint, suite: k.suite, material: k.material, public: k.public}
}

const redacted = "[redacted]"

// Format prints [redacted], whatever the verb.
func (Key) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue is [redacted].
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON gives "[redacted]": only a [PublicSet] can be written as JSON.
func (Key) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// FromSigner makes a signing key of a private key that lives elsewhere: in a
// KMS, an HSM, an agent. The kid must name one version of one key for good; a
// signer that changes keys behind its kid makes tokens that nobody can verify.
//
// It returns [ErrUnsupported] when s cannot do suite, [ErrWeakKey] and
// [ErrMalformed] when its public key or kid is unusable. Such a key can be put
// into a [Set], not into a ring: a ring holds its keys itself.
func FromSigner(kid string, suite Suite, s crypto.Signer) (*Key, error) {
	if suite.Use() != UseSig || s == nil {
		return nil, fmt.Errorf("%w: %v with this signer", ErrUnsupported, suite)
	}
	k, err := newKey(kid, suite, s.Public())
	if err != nil {
		return nil, err
	}
	// A copy: one that signs elsewhere may look at the message once more after it has
	// answered, for its log or another try, and package seal uses the memory again.
	k.signer = signerHandle{s.Public(), func(r io.Reader, message []byte, o crypto.SignerOpts) ([]byte, error) {
		return s.Sign(r, bytes.Clone(message), o)
	}}
	return k, nil
}

// signerHandle, exchangerHandle and decrypterHandle hold one operation of a
// private key and nothing that could be asserted back into it.
type signerHandle struct {
	pub crypto.PublicKey
	op  func(io.Reader, []byte, crypto.SignerOpts) ([]byte, error)
}

func (h signerHandle) Public() crypto.PublicKey { return h.pub }
func (h signerHandle) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return h.op(r, digest, o)
}

type exchangerHandle struct {
	pub *ecdh.PublicKey
	op  func(*ecdh.PublicKey) ([]byte, error)
}

func (h exchangerHandle) PublicKey() *ecdh.PublicKey                { return h.pub }
func (h exchangerHandle) Curve() ecdh.Curve                         { return h.pub.Curve() }
func (h exchangerHandle) ECDH(peer *ecdh.PublicKey) ([]byte, error) { return h.op(peer) }
func (h decrypterHandle) Public() crypto.PublicKey                  { return h.pub }
func (h decrypterHandle) Decrypt(_ io.Reader, c []byte, o crypto.DecrypterOpts) ([]byte, error) {
	return h.op(rand.Reader, c, o)
}

type decrypterHandle struct {
	pub crypto.PublicKey
	op  func(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error)
}
