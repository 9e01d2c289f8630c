package keys

import (
	"context"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hpke"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// AddHPKE adds a suite at the end of the table, and returns a function that removes it. The suite
// stands for future ones: its JWE has no enc, no initialization vector and no tag, and part 2 is
// the encapsulated key. Keys of both curves can have the suite.
func AddHPKE(x25519 bool) (s Suite, remove func()) {
	kind := jwk.P256
	if x25519 {
		kind = jwk.X25519
	}
	before := suites
	suites = append(suites[:len(suites):len(suites)], suite{
		jwk.Algorithm{Name: "HPKE-TEST", Alg: "HPKE-TEST", Use: "enc", Kind: kind}, nil, integrated{},
	})
	return Suite(len(before)), func() { suites = before }
}

// integrated is HPKE (RFC 9180) in base mode, with the AEAD that HPKE brings along.
type integrated struct{}

func (integrated) send(to *Key, _ Content) (Sender, error) {
	public, err := hpke.NewDHKEMPublicKey(to.public.(*ecdh.PublicKey))
	if err != nil {
		return Sender{}, err
	}
	encapsulated, s, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), nil)
	if err != nil {
		return Sender{}, err
	}
	mode := integratedMode{seal: s.Seal}
	return Sender{
		alg: to.suite.Alg(), kid: to.id, encryptedKey: encapsulated, mode: func() cipher.AEAD { return mode },
	}, nil
}

func (integrated) receive(ctx context.Context, k *Key, h Header, parts [4][]byte) (Recipient, error) {
	if h.hasEnc || len(parts[1]) != 0 || len(parts[3]) != 0 || len(parts[0]) != len(k.public.(*ecdh.PublicKey).Bytes()) {
		return Recipient{}, fmt.Errorf("%w: HPKE has no enc, initialization vector or tag", ErrMalformed)
	}
	private, err := hpke.NewDHKEMPrivateKey(exchangerOf{ctx, k})
	if err != nil {
		return Recipient{}, err
	}
	r, err := hpke.NewRecipient(parts[0], private, hpke.HKDFSHA256(), hpke.AES256GCM(), nil)
	if isOutage(err) {
		return Recipient{}, err
	}
	if err != nil {
		return Recipient{}, errDecrypt
	}
	mode := integratedMode{open: r.Open}
	return Recipient{mode: func() cipher.AEAD { return mode }, sealed: joined(parts[1:])}, nil
}

// exchangerOf is a private key for package hpke.
type exchangerOf struct {
	ctx context.Context
	k   *Key
}

func (x exchangerOf) PublicKey() *ecdh.PublicKey               { return x.k.public.(*ecdh.PublicKey) }
func (x exchangerOf) Curve() ecdh.Curve                        { return x.PublicKey().Curve() }
func (x exchangerOf) ECDH(epk *ecdh.PublicKey) ([]byte, error) { return x.k.exchange(x.ctx, epk) }

// integratedMode puts the tag into the ciphertext, and counts its nonces itself.
type integratedMode struct {
	seal, open func(aad, text []byte) ([]byte, error)
}

func (integratedMode) NonceSize() int { return 0 }
func (integratedMode) Overhead() int  { return 16 }

func (m integratedMode) Seal(dst, _, plaintext, aad []byte) []byte {
	text, err := m.seal(aad, plaintext)
	if err != nil {
		panic(err)
	}
	return append(dst, text...)
}

func (m integratedMode) Open(dst, _, ciphertext, aad []byte) ([]byte, error) {
	text, err := m.open(aad, ciphertext)
	return append(dst, text...), err
}
