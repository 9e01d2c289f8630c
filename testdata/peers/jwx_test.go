package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwe"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// jwx is github.com/lestrrat-go/jwx.
type jwx struct{}

func startJWXPeer(*testing.T) peer { return jwx{} }

func (jwx) version() string { return moduleVersion("github.com/lestrrat-go/jwx/v3") }

func (jwx) generate(suite string) (made keyPair, err error) {
	raw, err := newKey(suite)
	if err != nil {
		return made, err
	}
	private, err := jwk.Import(raw)
	if err != nil {
		return made, err
	}
	err = errors.Join(
		jwk.AssignKeyID(private), private.Set(jwk.KeyUsageKey, useOf(suite)), private.Set(jwk.AlgorithmKey, algOfSuite(suite)))
	if err != nil {
		return made, err
	}
	public, err := private.PublicKey()
	if err != nil {
		return made, err
	}
	if made.Private, err = json.Marshal(private); err != nil {
		return made, err
	}
	made.Public, err = json.Marshal(public)
	return made, err
}

func (jwx) republish(set json.RawMessage) (json.RawMessage, error) {
	read, err := jwk.Parse(set)
	if err != nil {
		return nil, err
	}
	return json.Marshal(read)
}

func (jwx) sign(claims, header members, private json.RawMessage) (string, error) {
	k, err := jwk.ParseKey(private)
	if err != nil {
		return "", err
	}
	alg, ok := jwa.LookupSignatureAlgorithm(text(header, "alg"))
	if !ok {
		return "", fmt.Errorf("unknown algorithm %v", header["alg"])
	}
	protected := jws.NewHeaders()
	token := jwt.New()
	if err := errors.Join(recode(header, protected), recode(claims, token)); err != nil {
		return "", err
	}
	signed, err := jwt.Sign(token, jwt.WithKey(alg, k, jws.WithProtectedHeaders(protected)))
	return string(signed), err
}

func (jwx) verify(token string, public json.RawMessage, want expected) (claims, header members, err error) {
	k, err := jwk.ParseKey(public)
	if err != nil {
		return nil, nil, err
	}
	alg, ok := jwa.LookupSignatureAlgorithm(want.alg)
	if !ok {
		return nil, nil, fmt.Errorf("unknown algorithm %s", want.alg)
	}
	verified, err := jwt.Parse([]byte(token), jwt.WithKey(alg, k),
		jwt.WithIssuer(want.iss), jwt.WithAudience(want.aud), jwt.WithRequiredClaim("exp"))
	if err != nil {
		return nil, nil, err
	}
	signed, err := jws.Parse([]byte(token))
	if err != nil {
		return nil, nil, err
	}
	// jwx shows aud as an array, whatever the token has, and no header.
	verified.Options().Enable(jwt.FlattenAudience)
	err = errors.Join(recode(verified, &claims), recode(signed.Signatures()[0].ProtectedHeaders(), &header))
	if err == nil && header["typ"] != want.typ {
		err = errors.New("unexpected typ")
	}
	return claims, header, err
}

func (jwx) encrypt(plaintext string, header members, public json.RawMessage) (string, error) {
	k, err := jwk.ParseKey(public)
	if err != nil {
		return "", err
	}
	alg, known := jwa.LookupKeyEncryptionAlgorithm(text(header, "alg"))
	enc, ok := jwa.LookupContentEncryptionAlgorithm(text(header, "enc"))
	if !known || !ok {
		return "", fmt.Errorf("unknown algorithm %v or %v", header["alg"], header["enc"])
	}
	protected := jwe.NewHeaders()
	if err := recode(header, protected); err != nil {
		return "", err
	}
	token, err := jwe.Encrypt([]byte(plaintext),
		jwe.WithKey(alg, k), jwe.WithContentEncryption(enc), jwe.WithProtectedHeaders(protected))
	return string(token), err
}

func (jwx) decrypt(token string, private json.RawMessage, alg, enc string) (string, members, error) {
	k, err := jwk.ParseKey(private)
	if err != nil {
		return "", nil, err
	}
	a, ok := jwa.LookupKeyEncryptionAlgorithm(alg)
	if !ok {
		return "", nil, fmt.Errorf("unknown algorithm %s", alg)
	}
	var message jwe.Message
	plaintext, err := jwe.Decrypt([]byte(token), jwe.WithKey(a, k), jwe.WithMessage(&message))
	if err != nil {
		return "", nil, err
	}
	var header members
	err = recode(message.ProtectedHeaders(), &header)
	if err == nil && header["enc"] != enc {
		err = errors.New("unexpected enc")
	}
	return string(plaintext), header, err
}

// recode converts a value through JSON, which both the types of jwx and ours can read.
func recode(value, into any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
