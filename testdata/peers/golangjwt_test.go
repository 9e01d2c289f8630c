package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// golangJWTOnlyVerifies is the note under the matrix.
const golangJWTOnlyVerifies = "golang-jwt does not encrypt. It verifies our selective tokens, as plain signed JWTs, and reads their claims in clear."

// verifyGolangJWT verifies a token with golang-jwt, like a service that has the issuer's key.
func verifyGolangJWT(token string, public json.RawMessage, want expected) (claims jwt.MapClaims, header members, err error) {
	k, err := joseKey(public)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := jwt.ParseWithClaims(token, jwt.MapClaims{}, func(*jwt.Token) (any, error) { return k.Key, nil },
		jwt.WithValidMethods([]string{want.alg}), jwt.WithIssuer(want.iss), jwt.WithAudience(want.aud),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding())
	if err != nil {
		return nil, nil, err
	}
	if parsed.Header["typ"] != want.typ {
		return nil, nil, errors.New("unexpected typ")
	}
	return parsed.Claims.(jwt.MapClaims), parsed.Header, nil
}

// golangJWTRow lets golang-jwt verify a selective token with each signature.
func golangJWTRow(t *testing.T, us party) row {
	r := row{peer: "golang-jwt", version: moduleVersion("github.com/golang-jwt/jwt/v5"), onlyVerifies: golangJWTOnlyVerifies}
	for _, s := range signing {
		ok := t.Run(s.String(), func(t *testing.T) {
			if err := golangJWTVerifies(t, s, us); err != nil {
				t.Error(err)
			}
		})
		r.cells = append(r.cells, cell{combination: combination{sig: s}, there: ok, here: ok})
	}
	return r
}

// golangJWTVerifies seals a selective token and verifies it with golang-jwt, which sees the claims
// in clear and no sealed one. A recipient reads both.
func golangJWTVerifies(t *testing.T, sig keys.Suite, us party) error {
	sealer, err := seal.NewSelective(seal.SelectiveConfig{
		Issuer:  issuer,
		Signing: us.set[sig],
		Recipients: []seal.SelectiveRecipient{
			{Audience: audience, Keys: us.set[keys.ECDHES], ReadsAll: true},
			{Audience: billing, Keys: us.set[keys.ECDHESA256KW], Reads: []string{"email"}},
		},
		Visible: []string{"scope"},
	})
	if err != nil {
		return err
	}
	sealed := members{"email": "ada@example.com", "national_id": "991231-1000000"}
	custom := members{"scope": "read"}
	for name, value := range sealed {
		custom[name] = value
	}
	token, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: custom})
	if err != nil {
		return err
	}
	want := expected{sig.Alg(), open.DefaultSelectiveType, issuer, audience}
	claims, header, err := verifyGolangJWT(token, us.jwk[sig], want)
	if err != nil {
		return err
	}
	clear := members{"sub": "u-42", "scope": "read", "iss": issuer, "aud": []any{audience, billing}, "sealed": claims["sealed"]}
	if jwes, ok := claims["sealed"].([]any); !ok || len(jwes) != 2 {
		return fmt.Errorf("sealed is %v", claims["sealed"])
	}
	stranger := generate(t, goJose{}, sig.String())
	_, _, other := verifyGolangJWT(token, stranger.Public, want)
	if other == nil {
		return errors.New("golang-jwt verifies with any key")
	}
	opener, err := open.NewSelective(open.SelectiveConfig{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuer, Keys: us.set[sig]}},
		Decryption: us.set[keys.ECDHES],
	})
	if err != nil {
		return err
	}
	return errors.Join(
		contains("header", header, members{"alg": sig.Alg(), "kid": kid(us.jwk[sig])}),
		contains("claims", members(claims), clear),
		noMore(members(claims), clear, "iat", "exp", "jti"),
		opensTo(t, opener, token, desk{audience: audience, claims: sealed}),
	)
}
