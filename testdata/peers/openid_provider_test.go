package peers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/seal"
)

// registration is the registration of a relying party at an OpenID Provider (OpenID Connect Dynamic
// Client Registration 1.0 section 2). It says how ID tokens are signed, and how and to which keys
// they are encrypted.
type registration struct {
	ClientID     string          `json:"client_id"`
	RedirectURIs []string        `json:"redirect_uris"`
	Keys         json.RawMessage `json:"jwks"`
	SignedAlg    string          `json:"id_token_signed_response_alg"`
	EncryptedAlg string          `json:"id_token_encrypted_response_alg"`
	EncryptedEnc string          `json:"id_token_encrypted_response_enc"`
}

// register returns the registration of a relying party with its public key.
func register(signed, alg, enc string, public json.RawMessage) registration {
	return registration{
		ClientID: "relying-party", RedirectURIs: []string{"https://rp.example.com/callback"},
		Keys:      fmt.Appendf(nil, `{"keys":[%s]}`, public),
		SignedAlg: signed, EncryptedAlg: alg, EncryptedEnc: enc,
	}
}

// idTokens returns a sealer of ID tokens for a registration.
func idTokens(issuer string, signing keys.PrivateSource, r registration) (*seal.Sealer, error) {
	client, err := keys.ParsePublicSet(r.Keys)
	if err != nil {
		return nil, err
	}
	k, err := client.EncryptionKey()
	if err != nil {
		return nil, err
	}
	if algOfSuite(k.Suite().String()) != r.EncryptedAlg {
		return nil, fmt.Errorf("registered for %s with a key for %s", r.EncryptedAlg, k.Suite())
	}
	content, err := keys.ParseContent(r.EncryptedEnc)
	if err != nil {
		return nil, err
	}
	return seal.New(seal.Config{
		Issuer:    issuer,
		Signing:   signing,
		Type:      "JWT",
		Recipient: seal.Recipient{Audience: r.ClientID, Keys: client, Content: content},
	})
}

const (
	code  = "the-code"
	nonce = "the-nonce"
)

// provider is an OpenID Provider for one relying party. It speaks real HTTP.
type provider struct {
	issuer string
	client registration
	keys   providerKeys
	forged string // unless empty, the provider returns it instead of its ID tokens
}

// providerKeys are the keys that the provider publishes and signs with.
type providerKeys interface {
	keys.PublicSource
	keys.PrivateSource
}

func startProvider(t *testing.T, own providerKeys, client registration) *provider {
	t.Helper()
	p := &provider{client: client, keys: own}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.issuer = server.URL
	publish, err := jwks.NewHandler(own, jwks.HandlerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/jwks", publish)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(t, w, members{
			"issuer": p.issuer, "jwks_uri": p.issuer + "/jwks",
			"authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported":    []string{client.SignedAlg},
			"id_token_encryption_alg_values_supported": []string{client.EncryptedAlg},
			"id_token_encryption_enc_values_supported": []string{client.EncryptedEnc},
		})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("code") != code {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		token := p.forged
		if token == "" {
			token = p.idToken(t)
		}
		answer(t, w, members{"access_token": "opaque", "token_type": "Bearer", "id_token": token})
	})
	return p
}

// idToken returns an ID token with the claims that OpenID Connect Core 1.0 section 2 requires, and
// personal data.
func (p *provider) idToken(t *testing.T) string {
	t.Helper()
	sealer, err := idTokens(p.issuer, p.keys, p.client)
	if err != nil {
		t.Error(err)
		return ""
	}
	token, err := sealer.Seal(t.Context(), seal.Claims{
		Subject: "u-42",
		Custom:  members{"nonce": nonce, "auth_time": time.Now().Unix(), "email": "ada@example.com", "name": "Ada Quillwood"},
	})
	if err != nil {
		t.Error(err)
	}
	return token
}

func answer(t *testing.T, w http.ResponseWriter, v members) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Error(err)
	}
}
