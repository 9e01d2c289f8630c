package open_test

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// idTokenOf makes an ID token without typ, with go-jose. changed replaces some claims.
func idTokenOf(provider, client *testKey, changed map[string]any) string {
	now := time.Now().Unix()
	claims := map[string]any{"iss": "https://op.example.com", "sub": "u-42", "aud": "client-17", "iat": now, "exp": now + 300}
	maps.Copy(claims, changed)
	options := (&jose.SignerOptions{}).WithHeader("kid", provider.Kid)
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(provider.Suite.Alg()), Key: provider.Private}, options))
	signed := must(must(signer.Sign(must(json.Marshal(claims)))).CompactSerialize())
	to := jose.Recipient{Algorithm: jose.KeyAlgorithm(client.Suite.Alg()), Key: client.Public(), KeyID: client.Kid}
	encrypter := must(jose.NewEncrypter(jose.A256GCM, to, (&jose.EncrypterOptions{}).WithContentType("JWT")))
	return must(must(encrypter.Encrypt([]byte(signed))).CompactSerialize())
}

// The example refuses every token but the ID token of its login.
func TestRelyingParty(t *testing.T) {
	t.Parallel()
	provider, client := testKeyFor(keys.ES256), testKeyFor(keys.ECDHES)
	rp := must(newRelyingParty("https://op.example.com", publicSet(provider), "client-17", privateSet(client)))
	// The access token and its at_hash come from OpenID Connect Core appendix A.4.
	const nonce, access = "n-0S6_WzA2Mj", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	type m = map[string]any
	for name, tt := range map[string]struct {
		claims m
		nonce  string
		good   bool
		want   error // error of package open, if that refuses
	}{
		"nonce":                          {m{"nonce": nonce}, nonce, true, nil},
		"another nonce":                  {m{"nonce": nonce}, "n-1", false, nil},
		"no nonce in the token":          {m{}, nonce, false, open.ErrClaims},
		"no nonce in either":             {m{}, "", false, open.ErrClaims},
		"an empty nonce in either":       {m{"nonce": ""}, "", false, nil},
		"a nonce that is a number":       {m{"nonce": 7}, "7", false, nil},
		"no nonce in the session":        {m{"nonce": nonce}, "", false, nil},
		"azp":                            {m{"nonce": nonce, "azp": "client-17"}, nonce, true, nil},
		"another azp":                    {m{"nonce": nonce, "azp": "client-18"}, nonce, false, nil},
		"an empty azp":                   {m{"nonce": nonce, "azp": ""}, nonce, false, nil},
		"two audiences and azp":          {m{"nonce": nonce, "aud": []string{"x", "client-17"}, "azp": "client-17"}, nonce, true, nil},
		"two audiences and another azp":  {m{"nonce": nonce, "aud": []string{"x", "client-17"}, "azp": "x"}, nonce, false, nil},
		"two audiences":                  {m{"nonce": nonce, "aud": []string{"x", "client-17"}}, nonce, false, nil},
		"at_hash":                        {m{"nonce": nonce, "at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}, nonce, true, nil},
		"another at_hash":                {m{"nonce": nonce, "at_hash": "uby9Z8Gb_H_x4fPjwNzguw"}, nonce, false, nil},
		"an empty at_hash":               {m{"nonce": nonce, "at_hash": ""}, nonce, false, nil},
		"a logout token":                 {m{"nonce": nonce, "events": m{}}, nonce, false, open.ErrType},
		"an authorization response":      {m{"code": "c", "state": nonce}, nonce, false, open.ErrClaims},
		"an ID token for another client": {m{"nonce": nonce, "aud": "client-18"}, nonce, false, open.ErrAudience},
	} {
		tok, err := rp.login(t.Context(), idTokenOf(provider, client, tt.claims), access, tt.nonce)
		if (err == nil) != tt.good || (tok != nil) != tt.good || !errors.Is(err, tt.want) && tt.want != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
