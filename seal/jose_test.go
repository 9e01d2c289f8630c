package seal_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
)

// rsaKey returns one RSA key, because making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

// oaepHashes maps the suites of RSA-OAEP to their hashes, and has no other suite.
var oaepHashes = map[keys.Suite]crypto.Hash{keys.RSAOAEP256: crypto.SHA256, keys.RSAOAEP: crypto.SHA1}

// privates maps kids to the raw keys of the tests, which the library does not give out.
var privates sync.Map

func newPrivate(suite keys.Suite) crypto.Signer {
	switch suite {
	case keys.RS256, keys.PS256, keys.RSAOAEP256, keys.RSAOAEP:
		return rsaKey()
	case keys.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return must(private, err)
	}
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

// newKey makes a raw key and imports it. The key has the kid that a generated key would have.
func newKey(suite keys.Suite) *keys.Key {
	private := newPrivate(suite)
	jwk := must(json.Marshal(jose.JSONWebKey{Key: private, Algorithm: suite.Alg()}))
	k := must(keys.ParseKey(jwk, keys.Hint{}))
	privates.Store(k.ID(), private)
	return k
}

// layers holds the two layers of a token, as go-jose reads them.
type layers struct {
	inner   string // JWS
	header  string // the inner header
	payload string
}

// decryptJOSE decrypts a JWE with go-jose alone.
func decryptJOSE(jwe string) ([]byte, error) {
	encrypted, err := jose.ParseEncryptedCompact(jwe,
		[]jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A256KW, jose.RSA_OAEP_256, jose.RSA_OAEP},
		[]jose.ContentEncryption{jose.A256GCM, jose.A128GCM, jose.A256CBC_HS512, jose.A128CBC_HS256})
	if err != nil {
		return nil, err
	}
	private, _ := privates.Load(encrypted.Header.KeyID)
	return encrypted.Decrypt(private)
}

// read decrypts with go-jose and verifies with it.
func (p parties) read(token string) (layers, error) {
	inner, err := decryptJOSE(token)
	if err != nil {
		return layers{}, err
	}
	l := layers{inner: string(inner)}
	l.header = string(decode(strings.Split(l.inner, ".")[0]))
	l.payload, err = verifyJOSE(l.inner)
	return l, err
}

// verifyJOSE returns the payload of a JWS that go-jose verifies.
func verifyJOSE(jws string) (string, error) {
	signed, err := jose.ParseSignedCompact(jws, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256, jose.PS256})
	if err != nil {
		return "", err
	}
	private, _ := privates.Load(signed.Signatures[0].Protected.KeyID)
	payload, err := signed.Verify(private.(crypto.Signer).Public())
	return string(payload), err
}
