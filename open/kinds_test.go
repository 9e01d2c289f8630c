package open_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/open"
)

// kind is a kind of token that an OpenID Provider signs for one client with one key. It has the
// configuration of an opener for such tokens. Widely used providers write no typ into the kinds
// without one here.
type kind struct {
	name   string
	typ    string // empty: the token has none
	claims object // claims besides iss and aud
	expect string // Type of its opener; empty: no opener accepts such a token
	allow  open.Missing
	needs  []string // names for Require
}

func kindsOfTokens() []kind {
	const logout = `{"http://schemas.openid.net/event/backchannel-logout":{}}`
	iat, exp := member{"iat", seconds(-10)}, member{"exp", seconds(60)}
	sub, jti := member{"sub", `"subject-kestrel-42"`}, member{"jti", `"id-bramble-99"`}
	nonce, email, code := member{"nonce", `"n-0S6_WzA2Mj"`}, member{"email", `"ada.quillwood@example.com"`}, member{"code", `"c-17"`}
	events, introspection := member{"events", logout}, member{"token_introspection", `{"active":true,"sub":"u-42","exp":1767229200}`}
	login := object{sub, iat, exp, nonce, {"auth_time", seconds(-20)}, {"at_hash", `"77QmUPtjPfzWtF2AnpK9RQ"`}}
	return []kind{
		{"an ID token", "", login, "JWT", open.Type, []string{"nonce"}},
		{"an access token", "at+jwt", object{sub, iat, exp, jti, {"client_id", `"app"`}, {"scope", `"openid"`}}, "at+jwt", 0, []string{"sub", "client_id", "iat", "jti"}},
		{"a UserInfo response", "", object{sub, iat, exp, email}, "JWT", open.Type, []string{"email"}},
		{"an authorization response (JARM)", "", object{exp, code, {"state", `"s-4"`}}, "JWT", open.Type, []string{"code"}},
		{"an introspection response", "token-introspection+jwt", object{iat, introspection}, "token-introspection+jwt", open.Expiry, []string{"token_introspection"}},
		{"a logout token", "logout+jwt", object{sub, iat, exp, jti, events}, "logout+jwt", 0, []string{"events"}},
		{"a security event", "secevent+jwt", object{iat, jti, events}, "secevent+jwt", open.Expiry, []string{"events"}},

		// No opener here accepts these.
		{"a logout token without typ", "", object{sub, iat, exp, jti, events}, "", 0, nil},
		{"a logout token without typ that has all", "", object{sub, iat, exp, jti, events, nonce, email, code, {"client_id", `"app"`}}, "", 0, nil},
		{"a security event without typ", "", object{iat, jti, events}, "", 0, nil},
		{"an introspection response without typ", "", object{iat, introspection}, "", 0, nil},
		{"an introspection response without typ that has all", "", object{sub, iat, exp, jti, introspection, nonce, email, code, {"client_id", `"app"`}}, "", 0, nil},
		{"a UserInfo response without typ and exp", "", object{sub, iat, email, nonce, code}, "", 0, nil},
		{"a token of a kind that is not known", "dpop+jwt", object{sub, iat, exp, jti, nonce, email, code, events, introspection, {"client_id", `"app"`}}, "", 0, nil},
	}
}

// TestCrossedKinds presents each kind of token to the opener of each other kind. The opener refuses
// it with its own switches and with all of them.
func TestCrossedKinds(t *testing.T) {
	t.Parallel()
	for _, opener := range kindsOfTokens() {
		for _, all := range []bool{false, true} {
			if opener.expect == "" {
				continue
			}
			cfg := config()
			cfg.SetType(opener.expect)
			cfg.Allow(opener.allow)
			cfg.Require = opener.needs
			if all {
				cfg.Allow(allMissing)
			}
			for _, token := range kindsOfTokens() {
				f := forgeNested()
				f.Claims = append(object{{"iss", quoted(issuerID)}, {"aud", quoted(audience)}}, token.claims...).made()
				f.Inner.Remove("typ")
				if token.typ != "" {
					f.Inner.Set("typ", quoted(token.typ))
				}
				text := f.Token()
				t.Run(fmt.Sprintf("%s for %s, all switches %v", token.name, opener.name, all), func(t *testing.T) {
					_, err := newOpener(t, cfg).OpenAt(t.Context(), text, clock)
					if (err == nil) != (token.name == opener.name) {
						t.Errorf("%s", detail(err))
					}
				})
			}
		}
	}
}

// Without its switches an opener refuses its own kind too.
func TestKindsNeedTheirSwitches(t *testing.T) {
	t.Parallel()
	kinds := slices.DeleteFunc(kindsOfTokens(), func(k kind) bool { return k.expect == "" })
	for _, k := range kinds {
		cfg := config()
		cfg.SetType(k.expect)
		cfg.Require = k.needs
		f := forgeNested()
		f.Claims = append(object{{"iss", quoted(issuerID)}, {"aud", quoted(audience)}}, k.claims...).made()
		f.Inner.Set("typ", quoted(k.typ))
		if k.typ == "" {
			f.Inner.Remove("typ")
		}
		if _, err := newOpener(t, cfg).OpenAt(t.Context(), f.Token(), clock); (err == nil) != (k.allow == 0) {
			t.Errorf("%s: %v", k.name, detail(err))
		}
	}
}
