package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/lestrrat-go/jwx/v3/jwe"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/opentest"
)

// batteryOurs opens nested tokens with package open.
func batteryOurs(t *testing.T, target opentest.Target) openFunc {
	trusted, err := keys.ParsePublicSet(opentest.PublicSet(target.Issuer.Signing))
	if err != nil {
		t.Fatal(err)
	}
	own, err := keys.ParseKey(target.Recipient, keys.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	decryption := keytest.NewSet(own)
	o, err := open.New(open.Config{
		Audience:   target.Audience,
		Trust:      []open.Issuer{{ID: target.Issuer.ID, Keys: trusted}},
		Decryption: decryption,
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, token string) error {
		_, err := o.OpenAt(ctx, token, target.Now)
		return err
	}
}

// batteryGoJose opens nested tokens with go-jose alone.
func batteryGoJose(t *testing.T, target opentest.Target) openFunc {
	var verification, decryption jose.JSONWebKeySet
	if err := json.Unmarshal(opentest.PublicSet(target.Issuer.Signing), &verification); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(fmt.Appendf(nil, `{"keys":[%s]}`, target.Recipient), &decryption); err != nil {
		t.Fatal(err)
	}
	management := []jose.KeyAlgorithm{jose.KeyAlgorithm(algOf(t, target.Recipient))}
	content := []jose.ContentEncryption{jose.A256GCM, jose.A128GCM, jose.A256CBC_HS512, jose.A128CBC_HS256}
	signing := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algOf(t, target.Issuer.Signing))}
	return func(_ context.Context, token string) error {
		encrypted, err := jose.ParseEncryptedCompact(token, management, content)
		if err != nil {
			return err
		}
		inner, err := encrypted.Decrypt(&decryption)
		if err != nil {
			return err
		}
		signed, err := josejwt.ParseSigned(string(inner), signing)
		if err != nil {
			return err
		}
		var claims josejwt.Claims
		if err := signed.Claims(&verification, &claims); err != nil {
			return err
		}
		return claims.Validate(josejwt.Expected{
			Issuer: target.Issuer.ID, AnyAudience: josejwt.Audience{target.Audience}, Time: target.Now,
		})
	}
}

// batteryJWX opens nested tokens with jwx alone.
func batteryJWX(t *testing.T, target opentest.Target) openFunc {
	verification, err := jwk.Parse(opentest.PublicSet(target.Issuer.Signing))
	if err != nil {
		t.Fatal(err)
	}
	decryption, err := jwk.Parse(fmt.Appendf(nil, `{"keys":[%s]}`, target.Recipient))
	if err != nil {
		t.Fatal(err)
	}
	clock := jwt.ClockFunc(func() time.Time { return target.Now })
	return func(_ context.Context, token string) error {
		inner, err := jwe.Decrypt([]byte(token), jwe.WithKeySet(decryption))
		if err != nil {
			return err
		}
		_, err = jwt.Parse(inner, jwt.WithKeySet(verification), jwt.WithIssuer(target.Issuer.ID), jwt.WithAudience(target.Audience),
			jwt.WithRequiredClaim("exp"), jwt.WithClock(clock), jwt.WithAcceptableSkew(time.Minute))
		return err
	}
}
