package open_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// joseToken makes a token with go-jose alone.
func joseToken(signer, recipient *testKey, content keys.Content, typ string, claims []byte) string {
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", signer.Kid)
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(signer.Alg), Key: signer.Private}, options))
	inner := must(must(s.Sign(claims)).CompactSerialize())
	to := jose.Recipient{Algorithm: jose.KeyAlgorithm(recipient.Alg), Key: recipient.Public(), KeyID: recipient.Kid}
	e := must(jose.NewEncrypter(jose.ContentEncryption(content.String()), to, (&jose.EncrypterOptions{}).WithContentType("JWT")))
	return must(must(e.Encrypt([]byte(inner))).CompactSerialize())
}

// joseClaims opens a token with go-jose alone: it decrypts and then verifies.
func joseClaims(token string, signer, recipient *testKey) ([]byte, error) {
	return joseOpen(token, signer.JWK(signer.Public()).JSONWebKey, recipient.JWK(recipient.Private).JSONWebKey)
}

func joseOpen(token string, issuer, recipient jose.JSONWebKey) ([]byte, error) {
	inner, err := joseDecrypt(token, recipient)
	if err != nil {
		return nil, err
	}
	return joseVerify(string(inner), issuer)
}

func joseDecrypt(jwe string, recipient jose.JSONWebKey) ([]byte, error) {
	if private, ok := recipient.Key.(*ecdh.PrivateKey); ok {
		return decryptX25519(jwe, private, recipient.Algorithm)
	}
	encrypted, err := jose.ParseEncryptedCompact(jwe, []jose.KeyAlgorithm{jose.KeyAlgorithm(recipient.Algorithm)},
		[]jose.ContentEncryption{jose.A256GCM, jose.A128GCM, jose.A256CBC_HS512, jose.A128CBC_HS256})
	if err != nil {
		return nil, err
	}
	return encrypted.Decrypt(recipient.Key)
}

func joseVerify(inner string, issuer jose.JSONWebKey) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(inner, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(issuer.Algorithm)})
	if err != nil {
		return nil, err
	}
	return signed.Verify(issuer.Key)
}

// readRecipient reads a private JWK with go-jose. For X25519, which go-jose does not know, the key
// is an *ecdh.PrivateKey, and joseDecrypt recognizes it by its type.
func readRecipient(jwk []byte) jose.JSONWebKey { return must(forge.ReadJWK(jwk)).JSONWebKey }

// decryptX25519 implements RFC 8037 section 3.2 and RFC 7518 section 4.6.
func decryptX25519(jwe string, private *ecdh.PrivateKey, alg string) ([]byte, error) {
	var p [5][]byte
	for i, part := range strings.Split(jwe, ".") {
		p[i] = decode(part)
	}
	var header struct {
		Alg, Enc string
		Epk      struct{ Kty, Crv, X string }
	}
	if err := json.Unmarshal(p[0], &header); err != nil || header.Alg != alg || header.Epk.Kty != "OKP" || header.Epk.Crv != "X25519" {
		return nil, fmt.Errorf("%s: %v", p[0], err)
	}
	z := must(private.ECDH(must(ecdh.X25519().NewPublicKey(decode(header.Epk.X)))))
	content := must(keys.ParseContent(header.Enc))
	cek := forge.ConcatKDF(z, header.Enc, nil, nil, contentOf(content).Key)
	if alg == "ECDH-ES+A256KW" {
		cek = must(josecipher.KeyUnwrap(must(aes.NewCipher(forge.ConcatKDF(z, alg, nil, nil, 32))), p[1]))
	} else if len(p[1]) != 0 {
		return nil, errors.New("an encrypted key")
	}
	var mode cipher.AEAD
	if content == keys.A256GCM || content == keys.A128GCM {
		mode = must(cipher.NewGCM(must(aes.NewCipher(cek))))
	} else {
		mode = must(josecipher.NewCBCHMAC(cek, aes.NewCipher))
	}
	return mode.Open(nil, p[2], append(p[3], p[4]...), []byte(jwe[:strings.IndexByte(jwe, '.')]))
}
