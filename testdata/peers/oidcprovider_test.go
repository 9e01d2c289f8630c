package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// callback is the redirect URI of the relying party. No request goes there.
const callback = "https://rp.example.com/callback"

// liveClient is a relying party of oidc-provider. It has registered one algorithm of encryption and
// a key of ours.
type liveClient struct {
	suite  keys.Suite
	signed string
	enc    string
	own    *keys.Set
}

func newLiveClient(suite keys.Suite, signed, enc string) liveClient {
	return liveClient{suite, signed, enc, keytest.NewSet(keytest.NewKey(suite))}
}

func (c liveClient) id() string { return "client of " + c.suite.Alg() }

const clientSecret = "the secret of a client of a test, which is long enough"

// registration asks to sign and encrypt every kind of token in the same way.
func (c liveClient) registration(t *testing.T) members {
	t.Helper()
	all := members{
		"client_id": c.id(), "client_secret": clientSecret, "redirect_uris": []string{callback},
		"jwks": members{"keys": []json.RawMessage{publicJWK(t, c.own)}},
	}
	for _, kind := range []string{"id_token", "userinfo", "introspection", "authorization"} {
		all[kind+"_signed_response_alg"] = c.signed
		all[kind+"_encrypted_response_alg"] = c.suite.Alg()
		all[kind+"_encrypted_response_enc"] = c.enc
	}
	return all
}

// live is a provider that runs in provider.mjs.
type live struct{ Origin, Version string }

// startLive starts a provider with a command of provider.mjs. The package name needs at least this
// version of Node.js.
func startLive(t *testing.T, name string, node [2]int, cmd string, args members) (at live) {
	t.Helper()
	w := startScript(t, "provider.mjs", name, "jose")
	var has [2]int
	if _, err := fmt.Sscanf(w.version(), "%d.%d", &has[0], &has[1]); err != nil {
		t.Fatal(err)
	}
	if slices.Compare(has[:], node[:]) < 0 {
		missing(t, fmt.Sprintf("npm %s needs Node.js %d.%d, and this one is %s", name, node[0], node[1], w.version()))
	}
	if err := w.call(&at, cmd, args); err != nil {
		t.Fatal(err)
	}
	return at
}

// endpoints holds the endpoints in an issuer's metadata.
type endpoints struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	UserInfo      string `json:"userinfo_endpoint"`
	Introspection string `json:"introspection_endpoint"`
}

func endpointsOf(t *testing.T, issuer string) (at endpoints) {
	t.Helper()
	unmarshal(t, fetched(t, request(t, "GET", issuer+"/.well-known/openid-configuration", nil)), &at)
	if at.Issuer != issuer {
		t.Fatalf("%s says that it is %s", issuer, at.Issuer)
	}
	return at
}

// authorized plays a browser without a user at the authorization endpoint. It returns the
// parameters that the browser takes back to the relying party.
func authorized(t *testing.T, at endpoints, query url.Values) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := browser.Do(request(t, "GET", at.Authorization+"?"+query.Encode(), nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil || !strings.HasPrefix(back.String(), callback) {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("the login ends with %s: %s", resp.Status, body)
	}
	return back.Query()
}

// login gets a token of each kind from oidc-provider. codeOf opens the authorization response
// (JARM). Its code gives the ID token and an opaque access token. With that one the UserInfo and
// the introspection endpoint answer.
func (c liveClient) login(t *testing.T, issuer string, codeOf func(jarm string) string) map[string]string {
	t.Helper()
	at := endpointsOf(t, issuer)
	jarm := authorized(t, at, url.Values{
		"client_id": {c.id()}, "redirect_uri": {callback}, "scope": {"openid email"},
		"response_type": {"code"}, "response_mode": {"jwt"}, "state": {"the-state"}, "nonce": {nonce},
	}).Get("response")

	var granted struct {
		IDToken     string `json:"id_token"`
		AccessToken string `json:"access_token"`
	}
	exchange := request(t, "POST", at.Token, url.Values{
		"grant_type": {"authorization_code"}, "code": {codeOf(jarm)}, "redirect_uri": {callback},
	})
	exchange.SetBasicAuth(url.QueryEscape(c.id()), url.QueryEscape(clientSecret))
	unmarshal(t, fetched(t, exchange), &granted)

	userinfo := request(t, "GET", at.UserInfo, nil)
	userinfo.Header.Set("Authorization", "Bearer "+granted.AccessToken)

	introspection := request(t, "POST", at.Introspection, url.Values{"token": {granted.AccessToken}})
	introspection.SetBasicAuth(url.QueryEscape(c.id()), url.QueryEscape(clientSecret))
	introspection.Header.Set("Accept", "application/token-introspection+jwt")

	return map[string]string{
		jarmKind: jarm, idTokenKind: granted.IDToken,
		userinfoKind: string(fetched(t, userinfo)), introspectionKind: string(fetched(t, introspection)),
	}
}

// request makes a request. If form is not nil it is the body.
func request(t *testing.T, method, to string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// fetched sends a request and returns the body of the answer. Its status must be 200.
func fetched(t *testing.T, r *http.Request) []byte {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v %s", r.Method, r.URL.Path, resp.Status, err, body)
	}
	return bytes.TrimSpace(body)
}

func unmarshal(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(fmt.Errorf("%w: %s", err, data))
	}
}
