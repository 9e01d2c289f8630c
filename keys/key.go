package keys

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// Key is one key: public, or public and private. It has one kid, one use and one algorithm.
// Nothing that a token says can choose another algorithm.
//
// A Key is a cryptographic function. A private key signs ([Key.Sign]) or decrypts
// ([Key.NewRecipient]), a public one verifies ([Key.Verify]) or encrypts
// ([Key.NewSender]). No field and no method gives the private half away. A Key is
// immutable, safe for concurrent use, and prints as [redacted].
type Key struct {
	redacted
	id         string
	thumbprint string
	suite      Suite
	public     crypto.PublicKey
	anySuite   bool // another party's encryption key whose JWK names no alg: suite is a default

	// The operations of the private half, nil where the key cannot do them. They are
	// closures, because fmt walks unexported fields and prints the bytes that it finds.
	sign     func(ctx context.Context, message []byte) ([]byte, error)
	exchange func(ctx context.Context, epk *ecdh.PublicKey) ([]byte, error)
	decrypt  func(ctx context.Context, encryptedKey []byte) ([]byte, error)
}

// GenerateKey makes a new key for suite from the system's random source, for tests and
// for keys that live as long as the process; package keyring keeps keys. RSA keys get
// 3072 bits and take about a second. It returns [ErrUnsupported] for a suite that does
// not exist, and for X25519 and RSA-OAEP with GODEBUG=fips140=only.
func GenerateKey(suite Suite) (*Key, error) {
	data, err := jwk.Generate(suite.String())
	if err != nil {
		return nil, err
	}
	defer clear(data)
	return ParseKey(data, Hint{Suite: suite})
}

// newKey makes each new Key: it fixes the algorithm, refuses weak public keys and computes the
// thumbprint and, if kid is empty, the kid. Every other Key is a copy of one that newKey made.
func newKey(kid string, suite Suite, pub crypto.PublicKey) (*Key, error) {
	if k, ok := jwk.KindOf(pub); !ok || k != suite.kind() {
		return nil, fmt.Errorf("%w: %v with this type of key", ErrUnsupported, suite)
	}
	if err := suites[suite].CheckMode(); err != nil {
		return nil, err
	}
	id, thumbprint, err := jwk.Identify(pub, kid)
	if err != nil {
		return nil, err
	}
	k := &Key{id: id, thumbprint: thumbprint, suite: suite, public: pub}
	if p, ok := pub.(*ecdsa.PublicKey); ok && suite.Use() == UseEnc {
		// Converted here once, and not for each token that is sealed to the key.
		if k.public, err = p.ECDH(); err != nil {
			return nil, fmt.Errorf("%w: not a point of P-256", ErrMalformed)
		}
	}
	return k, nil
}

// newForeignKey makes a key of another party. If the owner gave the key no kid, the Key has none:
// a token that we seal to it must not name a kid that the owner does not know.
func newForeignKey(kid string, suite Suite, pub crypto.PublicKey) (*Key, error) {
	k, err := newKey(kid, suite, pub)
	if err == nil {
		k.id = kid
	}
	return k, err
}

// newPrivateKey puts a private key of the standard library behind closures.
func newPrivateKey(kid string, suite Suite, priv jwk.PrivateKey) (*Key, error) {
	k, err := newKey(kid, suite, priv.Public())
	if err != nil {
		return nil, err
	}
	if suite.Use() == UseSig {
		signer, ok := priv.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("%w: %v with this type of key", ErrUnsupported, suite)
		}
		scheme := suites[suite].signature
		k.sign = func(_ context.Context, message []byte) ([]byte, error) { return scheme.sign(signer, message) }
		return k, nil
	}
	return k, k.addDecryption(priv)
}

func (k *Key) addDecryption(priv jwk.PrivateKey) error {
	var exchanger ecdh.KeyExchanger
	switch p := priv.(type) {
	case crypto.Decrypter: // RSA
		scheme := k.suite.management().(oaep)
		k.decrypt = func(_ context.Context, encryptedKey []byte) ([]byte, error) { return scheme.decrypt(p, encryptedKey) }
		return nil
	case *ecdsa.PrivateKey:
		x, err := p.ECDH()
		if err != nil {
			return fmt.Errorf("%w: not a P-256 key", ErrMalformed)
		}
		exchanger = x
	case *ecdh.PrivateKey:
		exchanger = p
	}
	k.exchange = func(_ context.Context, epk *ecdh.PublicKey) ([]byte, error) { return exchanger.ECDH(epk) }
	return nil
}

// ID returns the kid: whatever the owner of the key chose, up to 256 printable ASCII characters,
// so quote it before printing. A key of our own that came without kid has 16 characters of its
// thumbprint, as [ParseKey] says, and so has a generated key. For a public key of another party
// that came without kid, ID returns an empty text.
func (k *Key) ID() string { return orZero(k).id }

// Thumbprint returns the SHA-256 JWK thumbprint (RFC 7638), base64url.
func (k *Key) Thumbprint() string { return orZero(k).thumbprint }

// Suite returns the only algorithm that this key is for.
func (k *Key) Suite() Suite { return orZero(k).suite }

// Use returns the use of the key: signing or encryption.
func (k *Key) Use() Use { return orZero(k).suite.Use() }

// Public returns the public key: an *ecdsa.PublicKey, ed25519.PublicKey or
// *rsa.PublicKey for signing suites, an *ecdh.PublicKey on P-256 or X25519 or an
// *rsa.PublicKey for encryption suites. Do not modify it.
func (k *Key) Public() crypto.PublicKey { return orZero(k).public }

// HasPrivate reports whether the key can sign or decrypt.
func (k *Key) HasPrivate() bool {
	k = orZero(k)
	return k.sign != nil || k.exchange != nil || k.decrypt != nil
}

// as returns this encryption key for the suite s: the key itself if s is its suite, or a copy
// with the suite s if its JWK names no alg. It returns false if the key cannot be for s, or if
// this process may not use s (GODEBUG=fips140=only).
func (k *Key) as(s Suite) (*Key, bool) {
	if k.suite == s {
		return k, true
	}
	if !k.anySuite || s.Use() != UseEnc || s.kind() != k.suite.kind() || suites[s].CheckMode() != nil {
		return nil, false
	}
	other := *k
	other.suite = s
	return &other, true
}

// withoutPrivate returns the same key without its private half.
func (k *Key) withoutPrivate() *Key {
	return &Key{id: k.id, thumbprint: k.thumbprint, suite: k.suite, public: k.public}
}

// orZero returns p, or the zero value for nil, so that a method of a nil pointer behaves
// as it does for the zero value.
func orZero[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// errIfNil returns an error for a source that is a nil pointer.
func errIfNil[T any](source *T) error {
	if source == nil {
		return fmt.Errorf("%w: the source of keys is a nil %T", ErrNoKey, source)
	}
	return nil
}

// redacted makes the type that embeds it print as [redacted]: fmt, slog and encoding/json call
// the methods of an embedded field.
type redacted struct{}

const redactedText = "[redacted]"

// Format prints [redacted], whatever the verb.
func (redacted) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, redactedText)
	}
}

// LogValue returns [redacted].
func (redacted) LogValue() slog.Value { return slog.StringValue(redactedText) }

// MarshalJSON writes "[redacted]". To write public keys as JSON, marshal a [PublicSet].
func (redacted) MarshalJSON() ([]byte, error) { return json.Marshal(redactedText) }
