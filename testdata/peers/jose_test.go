// Package peers proves that tokens pass between sealjwt and other
// implementations of JOSE, in both directions. It is a module of its own.
package peers

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
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
	management = []keys.Suite{keys.ECDHES, keys.ECDHESA256KW, keys.RSAOAEP256}
	contents   = []keys.Content{keys.A256GCM, keys.A128GCM, keys.A256CBCHS512, keys.A128CBCHS256}
)

// TestJose seals with every pair of suites and every content encryption: a
// token made here opens in npm jose, one made there opens here.
func TestJose(t *testing.T) {
	n := startNode(t)
	us, them := ourParty(t), joseParty(t, n)
	exchange(t, n, us, them, "keys made by their owners", contents)
}

// TestJoseImported does the same with our private keys read from JWKs that npm
// jose has written.
func TestJoseImported(t *testing.T) {
	n := startNode(t)
	us, them := importedParty(t, n), joseParty(t, n)
	exchange(t, n, us, them, "our keys imported from npm jose", contents[:1])
}

// exchange runs one subtest per combination and direction, and logs the matrix.
func exchange(t *testing.T, n *node, us, them party, title string, contents []keys.Content) {
	custom := customClaims(t)
	var matrix strings.Builder
	fmt.Fprintf(&matrix, "%s; each cell: sealed here and opened there / sealed there and opened here\n", title)
	fmt.Fprintf(&matrix, "%-6s %-16s", "sign", "key management")
	for _, enc := range contents {
		fmt.Fprintf(&matrix, " %-14s", enc)
	}
	for _, sig := range signing {
		for _, alg := range management {
			fmt.Fprintf(&matrix, "\n%-6s %-16s", sig.Alg(), alg.Alg())
			for _, enc := range contents {
				c := combination{sig, alg, enc}
				there := t.Run(c.String()+"/here-to-jose", func(t *testing.T) { c.hereToJose(t, n, us, them, custom) })
				here := t.Run(c.String()+"/jose-to-here", func(t *testing.T) { c.joseToHere(t, n, us, them, custom) })
				fmt.Fprintf(&matrix, " %-14s", verdict(there)+" / "+verdict(here))
			}
		}
	}
	t.Log(matrix.String())
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "FAIL"
}

// combination is one cell of the matrix.
type combination struct {
	sig, alg keys.Suite
	enc      keys.Content
}

func (c combination) String() string {
	return c.sig.Alg() + "/" + c.alg.Alg() + "/" + c.enc.String()
}

func (c combination) hereToJose(t *testing.T, n *node, us, them party, custom map[string]any) {
	sealer, err := seal.New(seal.Config{
		Issuer:     issuer,
		Lifetime:   5 * time.Minute,
		Signing:    us.ours[c.sig],
		Recipients: []seal.Recipient{{Audience: audience, Keys: publicSet(t, them.jwk[c.alg]), Content: c.enc}},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: custom})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Claims, Outer, Inner map[string]any
	}
	err = n.call(&got, "open", map[string]any{
		"token": token,
		"decrypt": map[string]any{
			"jwk": them.jose[c.alg], "algs": []string{c.alg.Alg()}, "encs": []string{c.enc.String()},
		},
		"verify": map[string]any{
			"jwk": us.jwk[c.sig], "algs": []string{c.sig.Alg()}, "typ": typ, "iss": issuer, "aud": audience,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"iss": issuer, "aud": audience, "sub": "u-42"}
	contains(t, "claims", got.Claims, want)
	contains(t, "claims", got.Claims, custom)
	contains(t, "outer header", got.Outer, map[string]any{
		"alg": c.alg.Alg(), "enc": c.enc.String(), "kid": kid(t, them.jwk[c.alg]), "cty": "JWT",
	})
	contains(t, "inner header", got.Inner, map[string]any{
		"alg": c.sig.Alg(), "kid": kid(t, us.jwk[c.sig]), "typ": typ,
	})
}

func (c combination) joseToHere(t *testing.T, n *node, us, them party, custom map[string]any) {
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": issuer, "aud": audience, "sub": "u-42", "jti": "made-by-jose", "iat": now, "exp": now + 300,
	}
	for name, value := range custom {
		claims[name] = value
	}
	var made struct {
		Token string
	}
	err := n.call(&made, "seal", map[string]any{
		"claims": claims,
		"sign": map[string]any{
			"jwk": them.jose[c.sig], "alg": c.sig.Alg(), "kid": kid(t, them.jwk[c.sig]), "typ": typ,
		},
		"encrypt": map[string]any{
			"jwk": us.jwk[c.alg], "alg": c.alg.Alg(), "enc": c.enc.String(), "kid": kid(t, us.jwk[c.alg]),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	opener, err := open.New(open.Config{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuer, Keys: publicSet(t, them.jwk[c.sig])}},
		Decryption: us.ours[c.alg],
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := opener.Open(t.Context(), made.Token)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := token.Claims(&got); err != nil {
		t.Fatal(err)
	}
	contains(t, "claims", got, custom)
}

// customClaims are those of testdata/claims/korean.json, which hold text beyond
// ASCII, nested objects, numbers and booleans.
func customClaims(t *testing.T) map[string]any {
	t.Helper()
	data, err := os.ReadFile("../claims/korean.json")
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(data, &claims); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iss", "aud", "sub"} {
		delete(claims, name)
	}
	return claims
}

// contains fails the test unless got has every member of want with its value.
func contains(t *testing.T, what string, got, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if !reflect.DeepEqual(got[name], value) {
			t.Errorf("%s: %s = %v, want %v", what, name, got[name], value)
		}
	}
}
