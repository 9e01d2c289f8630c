package peers

import (
	"context"
	"crypto/ecdsa"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// The functions from here to TestMigration are the code of seal/MIGRATING.md.

// User is a user of the issuer.
type User struct {
	ID    string   `json:"sub"`
	Roles []string `json:"roles"`
	Email string   `json:"email"`
}

func issueBefore(key *ecdsa.PrivateKey, user User) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": "https://id.example.com", "aud": "https://api.example.com", "sub": user.ID,
		"iat": time.Now().Unix(), "exp": time.Now().Add(15 * time.Minute).Unix(),
		"roles": user.Roles, "email": user.Email,
	})
	return token.SignedString(key)
}

func verifyWithGolangJWT(key *ecdsa.PublicKey, token string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer("https://id.example.com"),
		jwt.WithAudience("https://api.example.com"), jwt.WithExpirationRequired())
	return claims, err
}

func verifyWithGoJose(key *ecdsa.PublicKey, token string) (claims map[string]any, err error) {
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, err
	}
	var registered josejwt.Claims
	if err := parsed.Claims(key, &registered, &claims); err != nil {
		return nil, err
	}
	return claims, registered.Validate(josejwt.Expected{Issuer: "https://id.example.com", AnyAudience: josejwt.Audience{"https://api.example.com"}})
}

func newSealer(ring keys.PrivateSource, api keys.PublicSource) (*seal.Sealer, error) {
	return seal.NewSelective(seal.SelectiveConfig{
		Issuer:        "https://id.example.com",
		Signing:       ring,
		Recipients:    []seal.SelectiveRecipient{{Audience: "https://api.example.com", Keys: api}},
		Visible:       []string{"roles", "email"}, // step 3 takes email out
		AllowReadable: []string{"email"},          // and this line
	})
}

func issue(ctx context.Context, sealer *seal.Sealer, user User) (string, error) {
	return sealer.Seal(ctx, seal.Claims{
		Subject: user.ID,
		Custom:  map[string]any{"roles": user.Roles, "email": user.Email},
	})
}

func newOpener(ring keys.PrivateSource, issuer keys.PublicSource) (*open.Opener, error) {
	return open.NewSelective(open.SelectiveConfig{
		Audience:   "https://api.example.com",
		Trust:      []open.Issuer{{ID: "https://id.example.com", Keys: issuer}},
		Decryption: ring,
	})
}

func emailOf(ctx context.Context, opener *open.Opener, token string) (string, error) {
	tok, err := opener.Open(ctx, token)
	if err != nil {
		return "", err
	}
	user, err := open.ClaimsOf[User](tok)
	return user.Email, err
}

func newSealerAfter(ring keys.PrivateSource, api keys.PublicSource) (*seal.Sealer, error) {
	return seal.NewSelective(seal.SelectiveConfig{
		Issuer:     "https://id.example.com",
		Signing:    ring,
		Recipients: []seal.SelectiveRecipient{{Audience: "https://api.example.com", Keys: api}},
		Visible:    []string{"roles"},
	})
}

// At each step of the move, each service that has not moved yet verifies, and each that has
// moved reads the e-mail address.
func TestMigration(t *testing.T) {
	raw, signing := parsedKey(t, "ES256", "the-issuers-old-kid")
	key := raw.(*ecdsa.PrivateKey)
	idp, api := keytest.NewSet(signing), keytest.NewRing(keys.ECDHES)
	opener, err := newOpener(api, idp)
	if err != nil {
		t.Fatal(err)
	}
	ada := User{ID: "u-42", Roles: []string{"admin"}, Email: "ada@example.com"}
	from := func(sealer *seal.Sealer, err error) func() (string, error) {
		if err != nil {
			t.Fatal(err)
		}
		return func() (string, error) { return issue(t.Context(), sealer, ada) }
	}
	for _, step := range []struct {
		name    string
		issue   func() (string, error)
		inClear any // the e-mail address, for a service that verifies
		opens   bool
	}{
		{"before", func() (string, error) { return issueBefore(key, ada) }, ada.Email, false},
		{"the issuer seals", from(newSealer(idp, api)), ada.Email, true},
		{"the claim leaves the clear", from(newSealerAfter(idp, api)), nil, true},
	} {
		t.Run(step.name, func(t *testing.T) {
			token, err := step.issue()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d characters", len(token))
			golang, err := verifyWithGolangJWT(&key.PublicKey, token)
			if err != nil || golang["sub"] != ada.ID || golang["email"] != step.inClear {
				t.Errorf("golang-jwt: %v, %v", golang, err)
			}
			gojose, err := verifyWithGoJose(&key.PublicKey, token)
			if err != nil || gojose["sub"] != ada.ID || gojose["email"] != step.inClear {
				t.Errorf("go-jose: %v, %v", gojose, err)
			}
			email, err := emailOf(t.Context(), opener, token)
			if step.opens && (err != nil || email != ada.Email) || !step.opens && err == nil {
				t.Errorf("the opener: %q, %v", email, err)
			}
		})
	}
}

// The page shows the code that TestMigration runs.
func TestMigrationPage(t *testing.T) {
	page, err := os.ReadFile("../../seal/MIGRATING.md")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("migrating_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		if !strings.Contains(string(code), "\n"+block) {
			t.Errorf("this code is not tested:\n%s", block)
		}
	}
	if len(blocks) < 8 {
		t.Errorf("the page has %d blocks of code", len(blocks))
	}
}
