package peers

import (
	"errors"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// golangClaims holds all claims for golang-jwt.
type golangClaims struct {
	jwt.RegisteredClaims
	benchProfile
}

// golangJWT is golang-jwt, which does not encrypt, with the JWE of go-jose around it.
func golangJWT(t testing.TB, k *benchKeys, p benchProfile) contender {
	t.Helper()
	jwt.MarshalSingleStringAsArray = false // all others write it so
	kit := newJoseKit(t, k)
	method := jwt.GetSigningMethod(k.sig.Alg())
	parser := jwt.NewParser(jwt.WithValidMethods([]string{k.sig.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(benchLeeway), jwt.WithStrictDecoding())
	key := func(token *jwt.Token) (any, error) {
		kid, _ := token.Header["kid"].(string)
		public, known := kit.publicKeys[kid]
		if found, _ := token.Header["typ"].(string); !known || found != typ {
			return nil, errors.New("kid or typ")
		}
		return public, nil
	}
	seal := func() (string, error) {
		c := newBenchClaims(p)
		date := func(seconds int64) *jwt.NumericDate { return jwt.NewNumericDate(time.Unix(seconds, 0)) }
		token := jwt.NewWithClaims(method, golangClaims{jwt.RegisteredClaims{
			Issuer: c.Issuer, Subject: c.Subject, Audience: jwt.ClaimStrings{c.Audience}, IssuedAt: date(c.IssuedAt),
			NotBefore: date(c.NotBefore), ExpiresAt: date(c.Expires), ID: c.ID,
		}, p})
		token.Header["kid"], token.Header["typ"] = benchSigningKid, typ
		signed, err := token.SignedString(k.signer)
		if err != nil {
			return "", err
		}
		return kit.encrypt(signed)
	}
	open := func(token string) (*benchProfile, error) {
		signed, err := kit.decrypt(token)
		if err != nil {
			return nil, err
		}
		c := new(golangClaims)
		_, err = parser.ParseWithClaims(signed, c, key)
		return &c.benchProfile, err
	}
	return contender{"golang-jwt + go-jose jwe", seal, open}
}
