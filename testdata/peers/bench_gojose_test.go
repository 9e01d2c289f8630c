package peers

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// joseKit has the parts that a careful user of go-jose makes once: the signer, the encrypter, the
// allow lists, and the keys of the standard library by kid.
type joseKit struct {
	signer      jose.Signer
	encrypter   jose.Encrypter
	signing     []jose.SignatureAlgorithm
	management  []jose.KeyAlgorithm
	content     []jose.ContentEncryption
	publicKeys  map[string]any
	privateKeys map[string]any
}

func newJoseKit(t testing.TB, k *benchKeys) *joseKit {
	t.Helper()
	kit := &joseKit{
		signing:     []jose.SignatureAlgorithm{jose.SignatureAlgorithm(k.sig.Alg())},
		management:  []jose.KeyAlgorithm{jose.KeyAlgorithm(k.alg.Alg())},
		content:     []jose.ContentEncryption{jose.A256GCM},
		publicKeys:  map[string]any{benchSigningKid: k.signer.Public()},
		privateKeys: map[string]any{benchRecipientKid: k.decrypter},
	}
	var err error
	key := jose.SigningKey{Algorithm: kit.signing[0], Key: jose.JSONWebKey{Key: k.signer, KeyID: benchSigningKid}}
	if kit.signer, err = jose.NewSigner(key, new(jose.SignerOptions).WithType(typ)); err != nil {
		t.Fatal(err)
	}
	recipient := jose.Recipient{Algorithm: kit.management[0], Key: k.decrypter.Public(), KeyID: benchRecipientKid}
	if kit.encrypter, err = jose.NewEncrypter(jose.A256GCM, recipient, new(jose.EncrypterOptions).WithContentType("JWT")); err != nil {
		t.Fatal(err)
	}
	return kit
}

func (kit *joseKit) encrypt(signed string) (string, error) {
	encrypted, err := kit.encrypter.Encrypt([]byte(signed))
	if err != nil {
		return "", err
	}
	return encrypted.CompactSerialize()
}

func (kit *joseKit) decrypt(token string) (string, error) {
	encrypted, err := jose.ParseEncryptedCompact(token, kit.management, kit.content)
	if err != nil {
		return "", err
	}
	key, held := kit.privateKeys[encrypted.Header.KeyID]
	if cty, _ := encrypted.Header.ExtraHeaders[jose.HeaderContentType].(string); !held || cty != "JWT" {
		return "", errors.New("kid or cty")
	}
	signed, err := encrypted.Decrypt(key)
	return string(signed), err
}

// signingKey returns the key for a header, which must have the right typ.
func (kit *joseKit) signingKey(h jose.Header) (any, error) {
	key, known := kit.publicKeys[h.KeyID]
	if found, _ := h.ExtraHeaders[jose.HeaderType].(string); !known || found != typ {
		return nil, errors.New("kid or typ")
	}
	return key, nil
}

// joseWell is go-jose at its least cost: encoding/json handles the JSON of the claims.
func joseWell(t testing.TB, k *benchKeys, p benchProfile) contender {
	t.Helper()
	kit := newJoseKit(t, k)
	seal := func() (string, error) {
		text, err := json.Marshal(newBenchClaims(p))
		if err != nil {
			return "", err
		}
		signed, err := kit.signer.Sign(text)
		if err != nil {
			return "", err
		}
		compact, err := signed.CompactSerialize()
		if err != nil {
			return "", err
		}
		return kit.encrypt(compact)
	}
	open := func(token string) (*benchProfile, error) {
		compact, err := kit.decrypt(token)
		if err != nil {
			return nil, err
		}
		signed, err := jose.ParseSignedCompact(compact, kit.signing)
		if err != nil {
			return nil, err
		}
		key, err := kit.signingKey(signed.Signatures[0].Header)
		if err != nil {
			return nil, err
		}
		text, err := signed.Verify(key)
		if err != nil {
			return nil, err
		}
		c := new(benchClaims)
		if err := json.Unmarshal(text, c); err != nil {
			return nil, err
		}
		return &c.benchProfile, c.check()
	}
	return contender{"go-jose, jws + jwe", seal, open}
}

// joseClaims holds all claims for package jwt.
type joseClaims struct {
	jwt.Claims
	benchProfile
}

// joseJWT is go-jose with its package jwt and the claims in one struct. ParseSignedAndEncrypted of
// that package refuses asymmetric algorithms.
func joseJWT(t testing.TB, k *benchKeys, p benchProfile) contender {
	t.Helper()
	kit := newJoseKit(t, k)
	seal := func() (string, error) {
		c := newBenchClaims(p)
		date := func(seconds int64) *jwt.NumericDate { return jwt.NewNumericDate(time.Unix(seconds, 0)) }
		return jwt.SignedAndEncrypted(kit.signer, kit.encrypter).Claims(joseClaims{jwt.Claims{
			Issuer: c.Issuer, Subject: c.Subject, Audience: jwt.Audience{c.Audience}, IssuedAt: date(c.IssuedAt),
			NotBefore: date(c.NotBefore), Expiry: date(c.Expires), ID: c.ID,
		}, p}).Serialize()
	}
	open := func(token string) (*benchProfile, error) {
		compact, err := kit.decrypt(token)
		if err != nil {
			return nil, err
		}
		signed, err := jwt.ParseSigned(compact, kit.signing)
		if err != nil {
			return nil, err
		}
		key, err := kit.signingKey(signed.Headers[0])
		if err != nil {
			return nil, err
		}
		c := new(joseClaims)
		if err := signed.Claims(key, c); err != nil {
			return nil, err
		}
		if c.Expiry == nil {
			return nil, errors.New("no exp")
		}
		return &c.benchProfile, c.ValidateWithLeeway(jwt.Expected{
			Issuer: issuer, AnyAudience: jwt.Audience{audience}, Time: time.Now(),
		}, benchLeeway)
	}
	return contender{"go-jose, package jwt", seal, open}
}
