package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

const (
	issuer   = "https://id.example.com"
	audience = "https://api.example.com"
	typ      = "sealed+jwt"
)

var (
	signing    = []keys.Suite{keys.ES256, keys.EdDSA, keys.RS256, keys.PS256}
	management = []keys.Suite{keys.ECDHES, keys.ECDHESX25519, keys.ECDHESA256KW, keys.ECDHESA256KWX25519, keys.RSAOAEP256, keys.RSAOAEP}
	contents   = []keys.Content{keys.A256GCM, keys.A128GCM, keys.A256CBCHS512, keys.A128CBCHS256}
)

// combination has the algorithms of a token.
type combination struct {
	sig, alg keys.Suite
	enc      keys.Content
}

func (c combination) String() string {
	return c.sig.String() + "/" + c.alg.String() + "/" + c.enc.String()
}

// combinations returns all combinations with these contents.
func combinations(contents ...keys.Content) (all []combination) {
	for _, sig := range signing {
		for _, alg := range management {
			for _, enc := range contents {
				all = append(all, combination{sig, alg, enc})
			}
		}
	}
	return all
}

// oursOpensThere seals here and opens at the peer.
func (c combination) oursOpensThere(t *testing.T, p peer, us party, theirs map[keys.Suite]keyPair) error {
	recipient, err := publicSet(theirs[c.alg].Public)
	if err != nil {
		return err
	}
	sealer, err := seal.New(seal.Config{
		Issuer:    issuer,
		Signing:   us.set[c.sig],
		Recipient: seal.Recipient{Audience: audience, Keys: recipient, Content: c.enc},
		Limits:    seal.Limits{Lifetime: 5 * time.Minute},
	})
	if err != nil {
		return err
	}
	custom := customClaims(t)
	token, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: custom})
	if err != nil {
		return err
	}
	claims, inner, outer, err := openWith(p, token, theirs[c.alg], keyPair{Public: us.jwk[c.sig]},
		c.alg.Alg(), c.enc.String(), expected{c.sig.Alg(), typ, issuer, audience})
	if err != nil {
		return err
	}
	want := members{"iss": issuer, "aud": audience, "sub": "u-42"}
	maps.Copy(want, custom)
	return errors.Join(
		contains("claims", claims, want),
		noMore(claims, want, "iat", "exp", "jti"),
		contains("outer header", outer, c.outer(theirs[c.alg].Public)),
		contains("inner header", inner, c.inner(us.jwk[c.sig])),
	)
}

// theirsOpensHere seals at the peer and opens here.
func (c combination) theirsOpensHere(t *testing.T, p peer, us party, theirs map[keys.Suite]keyPair) error {
	now := time.Now().Unix()
	claims := members{"iss": issuer, "aud": audience, "sub": "u-42", "jti": "made-there", "iat": now, "exp": now + 300}
	maps.Copy(claims, customClaims(t))
	made, err := sealWith(p, claims, theirs[c.sig], keyPair{Public: us.jwk[c.alg]},
		c.inner(theirs[c.sig].Public), c.outer(us.jwk[c.alg]))
	if err != nil {
		return err
	}
	trusted, err := publicSet(theirs[c.sig].Public)
	if err != nil {
		return err
	}
	opener, err := open.New(open.Config{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuer, Keys: trusted}},
		Decryption: us.set[c.alg],
	})
	if err != nil {
		return err
	}
	token, err := opener.Open(t.Context(), made)
	if err != nil {
		return err
	}
	got, err := claimsOf(token)
	if err != nil {
		return err
	}
	want := customClaims(t)
	return errors.Join(contains("claims", got, want), noMore(got, want, "iss", "aud", "sub", "jti", "iat", "exp"))
}

// inner and outer return the protected headers of a token, with the kids of these keys.
func (c combination) inner(signer json.RawMessage) members {
	return members{"alg": c.sig.Alg(), "kid": kid(signer), "typ": typ}
}

func (c combination) outer(recipient json.RawMessage) members {
	return members{"alg": c.alg.Alg(), "enc": c.enc.String(), "kid": kid(recipient), "cty": "JWT"}
}

// customClaims returns the claims of testdata/claims/korean.json: text beyond ASCII, nested
// objects, numbers and booleans.
func customClaims(t *testing.T) members {
	t.Helper()
	data, err := os.ReadFile("../claims/korean.json")
	if err != nil {
		t.Fatal(err)
	}
	var claims members
	if err := json.Unmarshal(data, &claims); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iss", "aud", "sub"} {
		delete(claims, name)
	}
	return claims
}

// claimsOf returns the claims in the form of the other libraries, which read numbers as float64.
func claimsOf(tok *open.Token) (claims members, err error) {
	text, err := open.ClaimsOf[json.RawMessage](tok)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &claims)
	return claims, err
}

// contains returns an error unless got has every member of want with its value.
func contains(what string, got, want members) error {
	for name, value := range want {
		if !reflect.DeepEqual(got[name], value) {
			return fmt.Errorf("%s: %s = %v, want %v", what, name, got[name], value)
		}
	}
	return nil
}

// noMore returns an error if got has a claim that is neither wanted nor among the others.
func noMore(got, want members, others ...string) error {
	got = maps.Clone(got)
	for name := range want {
		delete(got, name)
	}
	for _, name := range others {
		delete(got, name)
	}
	if len(got) > 0 {
		return fmt.Errorf("claims that the sealer did not make: %v", got)
	}
	return nil
}
