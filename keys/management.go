package keys

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"slices"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

// management is how a suite gets the content encryption key to the recipient, RFC 7518
// section 4.
type management interface {
	send(to *Key, c Content) (Sender, error)
	receive(ctx context.Context, k *Key, h Header, parts [4][]byte) (Recipient, error)
}

const (
	keyWrapSize  = 32 // bytes of the key with which A256KW wraps
	wrapOverhead = 8  // bytes that AES Key Wrap adds, RFC 3394
)

// agreement is ECDH-ES on the curve of the key, RFC 7518 section 4.6 and RFC 8037
// section 3.2. The key agreed on is the content encryption key, or wraps it.
type agreement struct{ wraps bool }

// send uses the ephemeral key for this message only.
func (a agreement) send(to *Key, c Content) (Sender, error) {
	public := to.public.(*ecdh.PublicKey)
	ephemeral, err := public.Curve().GenerateKey(rand.Reader)
	if err != nil {
		return Sender{}, err
	}
	z, err := ephemeral.ECDH(public)
	if err != nil {
		return Sender{}, err
	}
	var room contentKey
	agreed := a.derive(&room, to.suite, z, c, nil, nil)
	if !a.wraps {
		return newSender(to, c, agreed, nil, ephemeral.PublicKey())
	}
	defer clear(agreed)
	var drawn contentKey
	cek := c.draw(&drawn)
	wrapped, err := wrapKey(agreed, cek)
	if err != nil {
		return Sender{}, err
	}
	return newSender(to, c, cek, wrapped, ephemeral.PublicKey())
}

func (a agreement) receive(ctx context.Context, k *Key, h Header, parts [4][]byte) (Recipient, error) {
	c, err := h.content(&parts)
	if err != nil {
		return Recipient{}, err
	}
	// ECDH-ES without key wrap has an empty encrypted key (RFC 7516 section 5.2 step 10): we
	// would ignore its bytes, and the same token would have a second text.
	size := 0
	if a.wraps {
		size = contents[c].key + wrapOverhead
	}
	if len(parts[0]) != size {
		return Recipient{}, fmt.Errorf("%w: an encrypted key of %d bytes, and %v with %v has %d", ErrMalformed, len(parts[0]), k.suite, c, size)
	}
	epk, err := h.ephemeralKey(k.public.(*ecdh.PublicKey).Curve())
	if err != nil {
		return Recipient{}, err
	}
	apu, err := h.partyInfo("apu")
	if err != nil {
		return Recipient{}, err
	}
	apv, err := h.partyInfo("apv")
	if err != nil {
		return Recipient{}, err
	}
	// With an epk of low order on X25519 the shared secret is zero for every key, so every
	// attacker could read such a token. crypto/ecdh refuses it (RFC 7748 section 6.1), and so
	// does a key of FromKeyExchanger.
	z, err := k.exchange(ctx, epk)
	if isOutage(err) {
		return Recipient{}, err
	}
	if err != nil {
		return Recipient{}, errDecrypt
	}
	var room contentKey
	agreed := a.derive(&room, k.suite, z, c, apu, apv)
	if !a.wraps {
		return newRecipient(c, agreed, parts)
	}
	defer clear(agreed)
	var drawn contentKey
	return newRecipient(c, unwrapKey(agreed, parts[0], c.draw(&drawn)), parts)
}

// derive derives a key in room from z, the shared secret, and wipes z. It is Concat KDF as RFC
// 7518 section 4.6.2 has it: for ECDH-ES it returns the content encryption key, for
// ECDH-ES+A256KW the key that wraps it. The party infos are the decoded header values.
func (a agreement) derive(room *contentKey, s Suite, z []byte, c Content, apu, apv []byte) []byte {
	defer clear(z)
	id, size := s.Alg(), keyWrapSize
	if !a.wraps {
		id, size = c.String(), contents[c].key
	}
	in := appendInput(make([]byte, 0, 192), z, id, apu, apv, size) // room for the usual length
	defer clear(in)
	key := room[:0] // two rounds at most
	for round := uint32(1); len(key) < size; round++ {
		binary.BigEndian.PutUint32(in, round)
		sum := sha256.Sum256(in)
		key = append(key, sum[:]...)
	}
	return key[:size]
}

// appendInput appends the input of Concat KDF to dst: the round number, which is zero yet, and what
// RFC 7518 section 4.6.2 hashes after it. It grows dst before it writes z there: if dst grew later,
// the shared secret would stay in the old memory.
func appendInput(dst, z []byte, id string, apu, apv []byte, size int) []byte {
	dst = slices.Grow(dst, 5*4+len(z)+len(id)+len(apu)+len(apv))
	dst = append(append(dst, 0, 0, 0, 0), z...)
	dst = appendPrefixed(dst, id)
	dst = appendPrefixed(dst, apu)
	dst = appendPrefixed(dst, apv)
	return binary.BigEndian.AppendUint32(dst, uint32(size)*8)
}

func appendPrefixed[T string | []byte](dst []byte, b T) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

// wrapKey wraps a content encryption key with AES Key Wrap (RFC 3394; RFC 7518 section
// 4.4).
func wrapKey(kek, cek []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("keys: wrapping a key: %w", err)
	}
	return josecipher.KeyWrap(block, cek)
}

// unwrapKey reverses wrapKey and returns the key in the memory of other. If that fails, it
// returns other unchanged: see either.
func unwrapKey(kek, wrapped, other []byte) []byte {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return other
	}
	cek, err := josecipher.KeyUnwrap(block, wrapped)
	return either(cek, err, other)
}

// either returns the content encryption key cek. If the unwrapping failed or cek has another
// length than other, it returns other, a random key that the caller drew before. So a failed
// unwrapping shows only as a failed decryption: an earlier answer or another error would be an
// oracle (RFC 7516 section 11.5). Both cases take the same steps. The result lies in the memory
// of other, and cek is wiped.
func either(cek []byte, err error, other []byte) []byte {
	var none contentKey
	unwrapped := 1
	if err != nil || len(cek) != len(other) {
		unwrapped, cek = 0, none[:len(other)]
	}
	subtle.ConstantTimeCopy(unwrapped, other, cek)
	clear(cek)
	return other
}

// oaep is RSAES-OAEP with a hash, which MGF1 uses too, RFC 7518 section 4.3.
type oaep struct{ hash crypto.Hash }

func (o oaep) send(to *Key, c Content) (Sender, error) {
	var drawn contentKey
	cek := c.draw(&drawn)
	encryptedKey, err := o.encrypt(to, cek)
	if err != nil {
		return Sender{}, err
	}
	return newSender(to, c, cek, encryptedKey, nil)
}

func (oaep) receive(ctx context.Context, k *Key, h Header, parts [4][]byte) (Recipient, error) {
	c, err := h.content(&parts)
	if err != nil {
		return Recipient{}, err
	}
	// RFC 8017 section 7.1.2 step 1b. crypto/rsa also takes a ciphertext without its leading
	// zeros, with which the same token would have a second text.
	if size := k.public.(*rsa.PublicKey).Size(); len(parts[0]) != size {
		return Recipient{}, fmt.Errorf("%w: an encrypted key of %d bytes, and this key's has %d", ErrMalformed, len(parts[0]), size)
	}
	// The random key is drawn before the call, so that success and failure take the same steps:
	// a recipient that shows whether the padding was bad is Manger's oracle (CRYPTO 2001).
	var drawn contentKey
	other := c.draw(&drawn)
	cek, err := k.decrypt(ctx, parts[0])
	if isOutage(err) {
		return Recipient{}, err
	}
	return newRecipient(c, either(cek, err, other), parts)
}

func (o oaep) encrypt(to *Key, cek []byte) ([]byte, error) {
	return rsa.EncryptOAEP(o.hash.New(), rand.Reader, to.public.(*rsa.PublicKey), cek, nil)
}

// decrypt passes options for OAEP: with nil options crypto/rsa decrypts PKCS #1 v1.5, whose
// padding errors are Bleichenbacher's oracle.
func (o oaep) decrypt(d crypto.Decrypter, encryptedKey []byte) ([]byte, error) {
	return d.Decrypt(rand.Reader, encryptedKey, &rsa.OAEPOptions{Hash: o.hash})
}
