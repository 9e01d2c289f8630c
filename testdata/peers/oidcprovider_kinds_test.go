package peers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/open"
)

const (
	idTokenKind       = "ID token"
	userinfoKind      = "userinfo"
	introspectionKind = "introspection"
	jarmKind          = "JARM"
)

// liveKind is a kind of token of oidc-provider with the opener for it: the switches that it needs,
// and the claim that no other kind has.
type liveKind struct {
	name   string
	typ    string
	allow  open.Missing
	needs  string
	within string  // the claim that holds the wanted members; empty: the token itself
	wants  members // members besides iss and aud
}

// oidc-provider writes typ only for the kinds whose standard names one.
var liveKinds = []liveKind{
	{idTokenKind, "JWT", open.Type, "nonce", "", members{"sub": "u-42", "nonce": nonce}},
	{userinfoKind, "JWT", open.Type, "email", "", members{"sub": "u-42", "email": "ada@example.com"}},
	{introspectionKind, "token-introspection+jwt", open.Expiry, "token_introspection", "token_introspection",
		members{"active": true, "sub": "u-42", "scope": "openid email", "token_type": "Bearer"}},
	{jarmKind, "JWT", open.Type, "code", "", members{"state": "the-state"}},
}

// allMissing has all switches, for refusals that no switch affects.
const allMissing = open.Type | open.Expiry | open.KeyID

func (k liveKind) opener(t *testing.T, issuer string, trust *jwks.Remote, c liveClient, allow open.Missing) *open.Opener {
	t.Helper()
	cfg := open.Config{
		Audience:   c.id(),
		Trust:      []open.Issuer{{ID: issuer, Keys: trust, Type: k.typ, AllowMissing: allow}},
		Decryption: c.own,
		Require:    []string{k.needs},
	}
	if allow == allMissing {
		cfg.AllowMissing = open.ContentType | open.KeyID
	}
	o, err := open.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestOIDCProvider opens the tokens that oidc-provider seals for a client: each kind with the
// switches of its row and not without them, for each algorithm that a client registers. No kind is
// accepted as another one.
func TestOIDCProvider(t *testing.T) {
	clients := []liveClient{
		newLiveClient(keys.ECDHES, "ES256", "A256GCM"),
		newLiveClient(keys.RSAOAEP, "RS256", "A128CBC-HS256"),
		newLiveClient(keys.RSAOAEP256, "PS256", "A256GCM"),
	}
	var registered []members
	for _, c := range clients {
		registered = append(registered, c.registration(t))
	}
	at := startLive(t, "oidc-provider", [2]int{20, 12}, "oidcProvider", members{"clients": registered})
	trust := discovered(t, at.Origin)
	opened := 0
	for _, c := range clients {
		jarm := liveKinds[len(liveKinds)-1]
		tokens := c.login(t, at.Origin, func(text string) string {
			tok, err := jarm.opener(t, at.Origin, trust, c, jarm.allow).Open(t.Context(), text)
			if err != nil {
				t.Fatal(detailOf(err))
			}
			claims, err := claimsOf(tok)
			if err != nil {
				t.Fatal(err)
			}
			code, _ := claims["code"].(string)
			return code
		})
		for _, k := range liveKinds {
			if t.Run(c.suite.Alg()+"/"+k.name, func(t *testing.T) { k.test(t, at.Origin, trust, c, tokens) }) {
				opened++
			}
		}
	}
	readmeSays(t, fmt.Sprintf("npm oidc-provider %s, %d of %d", at.Version, opened, len(clients)*len(liveKinds)))
}

// test opens a token of one kind, and presents it to the openers of the other kinds.
func (k liveKind) test(t *testing.T, issuer string, trust *jwks.Remote, c liveClient, tokens map[string]string) {
	text := tokens[k.name]
	header := headerOf(t, text)
	if err := contains("header", header, members{"alg": c.suite.Alg(), "enc": c.enc, "cty": "JWT"}); err != nil {
		t.Error(err)
	}
	tok, err := k.opener(t, issuer, trust, c, k.allow).Open(t.Context(), text)
	if err != nil {
		t.Fatal(detailOf(err))
	}
	claims, err := claimsOf(tok)
	if err != nil {
		t.Fatal(err)
	}
	if err := contains("claims", claims, members{"iss": issuer, "aud": c.id()}); err != nil {
		t.Error(err)
	}
	if k.within != "" {
		claims, _ = claims[k.within].(map[string]any)
	}
	if err := contains("claims", claims, k.wants); err != nil {
		t.Error(err)
	}

	_, err = k.opener(t, issuer, trust, c, 0).Open(t.Context(), text)
	if refusal, ok := errors.AsType[*open.Error](err); !ok {
		t.Errorf("without a switch: %v", err)
	} else if missing, _ := refusal.Avoidable(); missing != k.allow {
		t.Errorf("without a switch the advice is %v: %s", missing, refusal.Detail())
	}
	for _, other := range liveKinds {
		if other.name == k.name {
			continue
		}
		for _, allow := range []open.Missing{other.allow, allMissing} {
			_, err := other.opener(t, issuer, trust, c, allow).Open(t.Context(), text)
			if !errors.Is(err, open.ErrType) && !errors.Is(err, open.ErrClaims) {
				t.Errorf("for the opener of %s with %v: %v", other.name, allow, detailOf(err))
			}
		}
	}
}

// headerOf returns the protected header of a JWE.
func headerOf(t *testing.T, token string) (header members) {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	unmarshal(t, text, &header)
	return header
}

// detailOf returns the full reason of an error of package open.
func detailOf(err error) string {
	if refusal, ok := errors.AsType[*open.Error](err); ok {
		return refusal.Detail()
	}
	if err == nil {
		return "accepted"
	}
	return err.Error()
}
