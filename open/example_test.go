package open_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// The parties of the examples. In a service each has its own ring in a file
// (filestore.OpenOrCreate), and gets the JWK Set of the other by URL (jwks.NewRemote).
var (
	idp = keytest.NewRing(keys.ES256)
	api = keytest.NewRing(keys.ECDHES)
)

// sealedFor seals a token to api, as the identity provider does.
func sealedFor(ctx context.Context, custom any, typ string) string {
	sealer, err := seal.New(seal.Config{
		Issuer:    "https://id.example.com",
		Signing:   idp,
		Type:      typ,
		Recipient: seal.Recipient{Audience: "https://api.example.com", Keys: api},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := sealer.Seal(ctx, seal.Claims{Subject: "u-42", Custom: custom})
	if err != nil {
		log.Fatal(err)
	}
	return token
}

// An API opens the tokens of its identity provider.
func ExampleOpener_Open() {
	ctx := context.Background()
	opener, err := open.New(open.Config{
		Audience:   "https://api.example.com",
		Trust:      []open.Issuer{{ID: "https://id.example.com", Keys: idp}},
		Decryption: api,
	})
	if err != nil {
		log.Fatal(err)
	}
	type Profile struct {
		Email string `json:"email"`
	}
	token := sealedFor(ctx, Profile{Email: "ada@example.com"}, "")
	tok, err := opener.Open(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	p, err := open.ClaimsOf[Profile](tok)
	fmt.Println(tok.Issuer(), tok.Subject(), p.Email, err)
	fmt.Println(tok)

	// A token that was changed on the way does not open, and the error gives no reason.
	_, err = opener.Open(ctx, token[:len(token)-1]+"!")
	fmt.Println(err, errors.Is(err, open.ErrMalformed))
	// Output:
	// https://id.example.com u-42 ada@example.com <nil>
	// [redacted]
	// open: malformed token true
}

// JWT access tokens of OAuth (RFC 9068) have a typ of their own. Require names the claims that they
// must have besides iss, exp and aud, which every token must have.
func ExampleConfig_accessTokens() {
	ctx := context.Background()
	opener, err := open.New(open.Config{
		Audience:   "https://api.example.com",
		Decryption: api,
		Trust:      []open.Issuer{{ID: "https://id.example.com", Keys: idp, Type: "at+jwt"}},
		Require:    []string{"sub", "client_id", "iat", "jti"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, custom := range []map[string]string{{"client_id": "app", "scope": "orders:read"}, {"scope": "orders:read"}} {
		tok, err := opener.Open(ctx, sealedFor(ctx, custom, "at+jwt"))
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

// A selective token is for two services behind a gateway. The gateway has no decryption key: it
// verifies and routes the token, and reads the visible claims. Each service reads its own claims.
func ExampleNewGateway() {
	const billing, kyc = "https://billing.example.com", "https://kyc.example.com"
	ctx, billingKeys, kycKeys := context.Background(), keytest.NewRing(keys.ECDHES), keytest.NewRing(keys.ECDHES)
	sealer := must(seal.NewSelective(seal.SelectiveConfig{
		Issuer: "https://id.example.com", Signing: idp, Visible: []string{"scope"},
		Recipients: []seal.SelectiveRecipient{
			{Audience: billing, Keys: billingKeys, Reads: []string{"address"}},
			{Audience: kyc, Keys: kycKeys, Reads: []string{"national_id"}},
		},
	}))
	token := must(sealer.Seal(ctx, seal.Claims{Custom: map[string]string{"scope": "read", "address": "1 Quill Street", "national_id": "991231-1000000"}}))

	trust := []open.Issuer{{ID: "https://id.example.com", Keys: idp}}
	gateway := must(open.NewGateway(open.GatewayConfig{Audiences: []string{billing, kyc}, Trust: trust}))
	routed := must(gateway.Open(ctx, token))
	_, readable := routed.Claim("address")
	fmt.Println(routed.Audience(), readable)

	service := must(open.NewSelective(open.SelectiveConfig{Audience: billing, Trust: trust, Decryption: billingKeys}))
	tok := must(service.Open(ctx, token))
	address, _ := tok.Claim("address")
	fmt.Println(string(address), tok.SealedNames(), tok.SealedForOthers())
	// Output:
	// [https://billing.example.com https://kyc.example.com] false
	// "1 Quill Street" [address] 1
}
