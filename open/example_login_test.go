package open_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// relyingParty is a client of an OpenID Provider whose ID tokens have no typ.
type relyingParty struct {
	clientID string
	opener   *open.Opener
}

// newRelyingParty accepts the provider's tokens without typ, and requires the nonce instead.
func newRelyingParty(provider string, published keys.PublicSource, clientID string, own keys.PrivateSource) (*relyingParty, error) {
	opener, err := open.New(open.Config{
		Audience:   clientID,
		Trust:      []open.Issuer{{ID: provider, Keys: published, Type: "JWT", AllowMissing: open.Type}},
		Decryption: own,
		Require:    []string{"nonce"},
	})
	return &relyingParty{clientID, opener}, err
}

// login opens the ID token of a login that this client began with a nonce (OpenID Connect Core
// section 3.1.3.7). The nonce must come from the user's session and from nowhere else. ES256, RS256
// and PS256 have this hash.
func (rp *relyingParty) login(ctx context.Context, idToken, accessToken, nonce string) (*open.Token, error) {
	tok, err := rp.opener.Open(ctx, idToken)
	if err != nil {
		return nil, err
	}
	claims, err := open.ClaimsOf[struct {
		Party *string `json:"azp"`
		Hash  *string `json:"at_hash"`
	}](tok)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(accessToken))
	hash := base64.RawURLEncoding.EncodeToString(sum[:16])
	switch {
	case nonce == "" || tok.Nonce() != nonce:
		return nil, errors.New("the ID token of another login")
	case claims.Party == nil && len(tok.Audience()) > 1, claims.Party != nil && *claims.Party != rp.clientID:
		return nil, errors.New("the ID token of another client")
	case claims.Hash != nil && *claims.Hash != hash:
		return nil, errors.New("not the access token that came with the ID token")
	}
	return tok, nil
}

// The provider of this OpenID Connect relying party writes no typ. The nonce tells an ID token from
// the provider's other tokens, and each login from every other one.
func ExampleToken_Nonce() {
	ctx := context.Background()
	provider, client := testKeyFor(keys.ES256), testKeyFor(keys.ECDHES)
	rp, err := newRelyingParty("https://op.example.com", publicSet(provider), "client-17", privateSet(client))
	if err != nil {
		log.Fatal(err)
	}
	const session, accessToken = "n-0S6_WzA2Mj", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	idToken := idTokenOf(provider, client, map[string]any{"nonce": session, "at_hash": "77QmUPtjPfzWtF2AnpK9RQ"})
	tok, err := rp.login(ctx, idToken, accessToken, session)
	fmt.Println(tok.Subject(), err)
	_, err = rp.login(ctx, idToken, accessToken, "n-of-another-session")
	fmt.Println(err)
	_, err = rp.login(ctx, idToken, "a-token-from-elsewhere", session)
	fmt.Println(err)
	// Output:
	// u-42 <nil>
	// the ID token of another login
	// not the access token that came with the ID token
}
