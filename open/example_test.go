package open_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// Two parties, each with its own keys, who have exchanged the public halves.
func ExampleOpener_Open() {
	ctx := context.Background()

	// A service keeps its keys: keyring.OpenOrCreate with filestore.New.
	idp, api := keytest.NewRing(keys.ES256), keytest.NewRing(keys.ECDHES)
	// publish returns the JWK Set that goes to the other party.
	publish := func(ring *keyring.Ring) *keys.PublicSet {
		public, err := ring.PublicKeys(ctx, "")
		if err != nil {
			log.Fatal(err)
		}
		jwks, err := json.Marshal(public)
		if err != nil {
			log.Fatal(err)
		}
		received, err := keys.ParsePublicSet(jwks)
		if err != nil {
			log.Fatal(err)
		}
		return received
	}

	// The identity provider seals.
	sealer, err := seal.New(seal.Config{
		Issuer:    "https://id.example.com",
		Signing:   idp,
		Recipient: seal.Recipient{Audience: "https://api.example.com", Keys: publish(api)},
	})
	if err != nil {
		log.Fatal(err)
	}
	type Profile struct {
		Email string `json:"email"`
	}
	token, err := sealer.Seal(ctx, seal.Claims{Subject: "u-42", Custom: Profile{Email: "ada@example.com"}})
	if err != nil {
		log.Fatal(err)
	}

	// The API opens.
	opener, err := open.New(open.Config{
		Audience:   "https://api.example.com",
		Trust:      []open.Issuer{{ID: "https://id.example.com", Keys: publish(idp)}},
		Decryption: api,
		Check: func(_ context.Context, t *open.Token) error {
			// Look the pair of t.Issuer() and t.ID() up among the revoked ones.
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	tok, err := opener.Open(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	p, err := open.ClaimsOf[Profile](tok)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tok.Issuer(), tok.Subject(), p.Email)
	fmt.Println(tok)

	// What was changed on the way does not open, and does not say why.
	_, err = opener.Open(ctx, token[:len(token)-1]+"!")
	fmt.Println(err, errors.Is(err, open.ErrMalformed))
	// Output:
	// https://id.example.com u-42 ada@example.com
	// [redacted]
	// open: malformed token true
}

// JWT access tokens of OAuth (RFC 9068): the typ says what a token is, and Require names
// the claims that it must have besides iss, exp and aud, without which none is accepted.
func ExampleConfig_accessTokens() {
	ctx := context.Background()
	ring := keytest.NewRing() // one for both parties makes the example short
	sealer, err := seal.New(seal.Config{
		Issuer:    "https://id.example.com",
		Signing:   ring,
		Type:      "at+jwt",
		Recipient: seal.Recipient{Audience: "https://api.example.com", Keys: ring},
	})
	if err != nil {
		log.Fatal(err)
	}
	opener, err := open.New(open.Config{
		Audience:   "https://api.example.com",
		Decryption: ring,
		Trust:      []open.Issuer{{ID: "https://id.example.com", Keys: ring}},
		Type:       "at+jwt",
		Require:    []string{"sub", "client_id", "iat", "jti"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, custom := range []map[string]string{{"client_id": "app", "scope": "orders:read"}, {"scope": "orders:read"}} {
		token, err := sealer.Seal(ctx, seal.Claims{Subject: "u-42", Custom: custom})
		if err != nil {
			log.Fatal(err)
		}
		tok, err := opener.Open(ctx, token)
		if err != nil {
			fmt.Println(err)
			continue
		}
		scope, _ := tok.Claim("scope") // as JSON
		fmt.Printf("%s %s\n", tok.Subject(), scope)
	}
	// Output:
	// u-42 "orders:read"
	// open: invalid claims: client_id is required, and was not sealed to us
}
