package peers

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sealjwt/sealjwt/keys"
)

// goJose is go-jose by itself. This library links it too, so a difference in its row is a fault of
// ours.
type goJose struct{}

func startGoJose(*testing.T) peer { return goJose{} }

func (goJose) version() string { return moduleVersion("github.com/go-jose/go-jose/v4") }

func (goJose) generate(suite string) (made keyPair, err error) {
	k, err := newKey(suite)
	if err != nil {
		return made, err
	}
	private := jose.JSONWebKey{Key: k, KeyID: rand.Text(), Use: useOf(suite), Algorithm: algOfSuite(suite)}
	if made.Private, err = private.MarshalJSON(); err != nil {
		return made, err
	}
	public := private.Public()
	made.Public, err = public.MarshalJSON()
	return made, err
}

// newKey makes a key for a suite with the standard library.
func newKey(suite string) (any, error) {
	switch suite {
	case "ECDH-ES/X25519", "ECDH-ES+A256KW/X25519":
		return ecdh.X25519().GenerateKey(rand.Reader)
	case "ES256", "ECDH-ES", "ECDH-ES+A256KW":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	case "RS256", "PS256", "RSA-OAEP-256", "RSA-OAEP":
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, fmt.Errorf("no key for %s", suite)
}

// useOf returns the use member of a JWK.
func useOf(suite string) string {
	if slices.ContainsFunc(management, func(s keys.Suite) bool { return s.String() == suite }) {
		return "enc"
	}
	return "sig"
}

// algOfSuite returns the alg member. JOSE has one name for both curves.
func algOfSuite(suite string) string {
	alg, _, _ := strings.Cut(suite, "/")
	return alg
}

func (goJose) republish(set json.RawMessage) (json.RawMessage, error) {
	var read jose.JSONWebKeySet
	if err := json.Unmarshal(set, &read); err != nil {
		return nil, err
	}
	return json.Marshal(read)
}

func (goJose) sign(claims, header members, private json.RawMessage) (string, error) {
	k, err := joseKey(private)
	if err != nil {
		return "", err
	}
	opts := (&jose.SignerOptions{}).WithType(jose.ContentType(text(header, "typ")))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(text(header, "alg")), Key: k}, opts)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(map[string]any(claims)).Serialize()
}

func (goJose) verify(token string, public json.RawMessage, want expected) (claims, header members, err error) {
	k, err := joseKey(public)
	if err != nil {
		return nil, nil, err
	}
	signed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(want.alg)})
	if err != nil {
		return nil, nil, err
	}
	var registered jwt.Claims
	if err := signed.Claims(k.Key, &registered, &claims); err != nil {
		return nil, nil, err
	}
	if registered.Expiry == nil {
		return nil, nil, errors.New("no exp")
	}
	header = joseHeader(signed.Headers[0])
	if header["typ"] != want.typ {
		return nil, nil, errors.New("unexpected typ")
	}
	return claims, header, registered.Validate(jwt.Expected{
		Issuer: want.iss, AnyAudience: jwt.Audience{want.aud}, Time: time.Now(),
	})
}

func (goJose) encrypt(plaintext string, header members, public json.RawMessage) (string, error) {
	k, err := joseKey(public)
	if err != nil {
		return "", err
	}
	opts := &jose.EncrypterOptions{ExtraHeaders: map[jose.HeaderKey]any{}}
	for name, value := range header {
		if !slices.Contains([]string{"alg", "enc", "kid"}, name) {
			opts.ExtraHeaders[jose.HeaderKey(name)] = value
		}
	}
	encrypter, err := jose.NewEncrypter(
		jose.ContentEncryption(text(header, "enc")),
		jose.Recipient{Algorithm: jose.KeyAlgorithm(text(header, "alg")), Key: k.Key, KeyID: text(header, "kid")},
		opts,
	)
	if err != nil {
		return "", err
	}
	sealed, err := encrypter.Encrypt([]byte(plaintext))
	if err != nil {
		return "", err
	}
	return sealed.CompactSerialize()
}

func (goJose) decrypt(token string, private json.RawMessage, alg, enc string) (string, members, error) {
	k, err := joseKey(private)
	if err != nil {
		return "", nil, err
	}
	sealed, err := jose.ParseEncryptedCompact(token,
		[]jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.ContentEncryption(enc)})
	if err != nil {
		return "", nil, err
	}
	plaintext, err := sealed.Decrypt(k.Key)
	return string(plaintext), joseHeader(sealed.Header), err
}

func joseKey(jwk json.RawMessage) (k jose.JSONWebKey, err error) {
	err = k.UnmarshalJSON(jwk)
	return k, err
}

func joseHeader(h jose.Header) members {
	all := members{"alg": h.Algorithm, "kid": h.KeyID}
	for name, value := range h.ExtraHeaders {
		all[string(name)] = value
	}
	return all
}

func text(m members, name string) string {
	s, _ := m[name].(string)
	return s
}

// moduleVersion returns a version from go.mod, because a test binary does not know it.
func moduleVersion(path string) string {
	data, _ := os.ReadFile("go.mod")
	found := regexp.MustCompile(regexp.QuoteMeta(path) + ` v(\S+)`).FindSubmatch(data)
	if found == nil {
		return "of unknown version"
	}
	return string(found[1])
}
