package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// mockpassLogin logs in at one of the two providers of @opengovsg/mockpass and returns the ID
// token. The relying party sends a signed assertion instead of a secret.
func mockpassLogin(t *testing.T, issuer, client string, own keyPair) string {
	t.Helper()
	at := endpointsOf(t, issuer)
	back := authorized(t, at, url.Values{
		"client_id": {client}, "redirect_uri": {callback}, "scope": {"openid"},
		"response_type": {"code"}, "state": {"the-state"}, "nonce": {nonce},
	})
	now := time.Now().Unix()
	assertion, err := goJose{}.sign(
		members{"iss": client, "sub": client, "aud": issuer, "iat": now, "exp": now + 60, "jti": "once"},
		members{"alg": "ES256", "typ": "JWT", "kid": kid(own.Public)}, own.Private)
	if err != nil {
		t.Fatal(err)
	}
	var granted struct {
		IDToken string `json:"id_token"`
	}
	unmarshal(t, fetched(t, request(t, "POST", at.Token, url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Get("code")}, "redirect_uri": {callback}, "client_id": {client},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	})), &granted)
	return granted.IDToken
}

// The ID tokens of the mocks of Singpass and Corppass live for 24 hours and have a typ. They open
// here without a switch, and neither is accepted as the other.
func TestMockpass(t *testing.T) {
	const client = "relying-party"
	own, signer := newLiveClient(keys.ECDHESA256KW, "ES256", "A256CBC-HS512"), generate(t, goJose{}, "ES256")
	party := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(t, w, members{"keys": []json.RawMessage{signer.Public, publicJWK(t, own.own)}})
	}))
	t.Cleanup(party.Close)
	at := startLive(t, "@opengovsg/mockpass", [2]int{18, 0}, "mockpass", members{"jwks": party.URL})

	opener := func(issuer string, lifetime time.Duration) *open.Opener {
		o, err := open.New(open.Config{
			Audience:   client,
			Trust:      []open.Issuer{{ID: issuer, Keys: discovered(t, issuer), Type: "JWT"}},
			Decryption: own.own,
			Require:    []string{"nonce"},
			Limits:     open.Limits{MaxLifetime: lifetime},
		})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	singpass, corppass := at.Origin+"/singpass/v2", at.Origin+"/corppass/v2"
	rows := []struct {
		issuer, other string
		subject       string
		wants         members
	}{
		{singpass, corppass, "s=S8979373D,u=a9865837-7bd7-46ac-bef4-42a76a946424", members{}},
		{corppass, singpass, "s=S8979373D,u=a9865837-7bd7-46ac-bef4-42a76a946424,c=SG", members{
			"userInfo": map[string]any{"CPAccType": "User", "CPUID_FullName": "Name of S8979373D", "ISSPHOLDER": "YES"},
		}},
	}
	opened := 0
	for _, c := range rows {
		passed := t.Run(c.issuer[len(at.Origin)+1:], func(t *testing.T) {
			text := mockpassLogin(t, c.issuer, client, signer)
			if err := contains("header", headerOf(t, text), members{"alg": "ECDH-ES+A256KW", "enc": "A256CBC-HS512", "cty": "JWT"}); err != nil {
				t.Error(err)
			}
			tok, err := opener(c.issuer, 24*time.Hour).Open(t.Context(), text)
			if err != nil {
				t.Fatal(detailOf(err))
			}
			claims, err := claimsOf(tok)
			if err != nil {
				t.Fatal(err)
			}
			if tok.Nonce() != nonce || tok.Subject() != c.subject {
				t.Errorf("nonce %q, sub %q", tok.Nonce(), tok.Subject())
			}
			if err := contains("claims", claims, c.wants); err != nil {
				t.Error(err)
			}
			if _, err := opener(c.issuer, 0).Open(t.Context(), text); !errors.Is(err, open.ErrLifetime) {
				t.Errorf("for an hour: %v", detailOf(err))
			}
			if _, err := opener(c.other, 24*time.Hour).Open(t.Context(), text); !errors.Is(err, open.ErrIssuer) {
				t.Errorf("from %s: %v", c.other, detailOf(err))
			}
		})
		if passed {
			opened++
		}
	}
	readmeSays(t, fmt.Sprintf("npm @opengovsg/mockpass %s, %d of %d", at.Version, opened, len(rows)))
}
