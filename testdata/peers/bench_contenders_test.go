package peers

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sealjwt/sealjwt/open"
)

// contenders returns all contenders, first the floor and then this library. Before it returns, each
// of them has opened a token of ours with the right claims, and this library has opened a token of
// each.
func contenders(t testing.TB, k *benchKeys, size int, withPeers bool) (all []contender, token string) {
	t.Helper()
	p := profileOf(t, size)
	us := ours(t, k, p)
	token, err := us.seal()
	if err != nil {
		t.Fatal(err)
	}
	all = []contender{newFloor(t, k, p, token), us, joseWell(t, k, p)}
	if withPeers {
		all = append(all, joseJWT(t, k, p), golangJWT(t, k, p), jwxWell(t, k, p))
	}
	for _, c := range all {
		got, err := c.open(token)
		if err != nil || !reflect.DeepEqual(*got, p) {
			t.Fatalf("%v, %d bytes: %s does not open ours: %v", k, size, c.name, err)
		}
		// A second token shows that no contender reuses a part of the first one.
		first, err := c.seal()
		if err != nil {
			t.Fatalf("%v, %d bytes: %s: %v", k, size, c.name, err)
		}
		second, err := c.seal()
		if err != nil || first == second {
			t.Fatalf("%v, %d bytes: %s seals twice the same: %v", k, size, c.name, err)
		}
		for _, theirs := range []string{first, second} {
			checkTheirs(t, k, c.name, theirs, p, size)
		}
	}
	return all, token
}

// checkTheirs opens a contender's token with this library: it has the same claims, of the same
// length, and all headers that package open checks.
func checkTheirs(t testing.TB, k *benchKeys, name, token string, p benchProfile, size int) {
	t.Helper()
	o, err := open.New(open.Config{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuer, Keys: k.issuer}},
		Decryption: k.recipient,
		Limits:     open.Limits{MaxLifetime: benchLifetime, MaxSize: benchMaxSize},
	})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := o.Open(t.Context(), token)
	if err != nil {
		t.Fatalf("%v, %d bytes: a token of %s is refused: %v", k, size, name, err)
	}
	var text json.RawMessage
	var got benchProfile
	if err := tok.Claims(&text); err != nil {
		t.Fatal(err)
	}
	if err := tok.Claims(&got); err != nil || !reflect.DeepEqual(got, p) || len(text) != size {
		t.Fatalf("%v: %s seals %d bytes of claims, not %d, or others", k, name, len(text), size)
	}
	if tok.ID() == "" || tok.Subject() != benchSubject || tok.NotBefore().IsZero() || tok.IssuedAt().IsZero() {
		t.Fatalf("%v: %s leaves out a registered claim", k, name)
	}
}

// TestContenders lets every contender make and open tokens, so that the comparison compares working
// code. All of them refuse a token with a changed byte.
func TestContenders(t *testing.T) {
	for _, suite := range benchSuites {
		k := newBenchKeys(t, suite)
		for _, size := range benchSizes {
			all, token := contenders(t, k, size, true)
			for _, c := range all {
				for at := 0; at < len(token); at += max(1, len(token)/23) {
					bent := []byte(token)
					if bent[at] == '.' {
						continue
					}
					bent[at] = map[bool]byte{true: 'Q', false: 'A'}[bent[at] == 'A']
					if _, err := c.open(string(bent)); err == nil {
						t.Errorf("%v, %d bytes: %s opens a token that is bent at %d", k, size, c.name, at)
					}
				}
			}
		}
	}
}

// Every contender above the floor refuses a token of another type, issuer or audience, and an
// expired one.
func TestContendersCheck(t *testing.T) {
	k := newBenchKeys(t, benchSuites[0])
	all, _ := contenders(t, k, 512, true)
	now := newBenchClaims(benchProfile{}).IssuedAt
	good := members{"iss": issuer, "aud": audience, "iat": now, "nbf": now, "exp": now + 60, "jti": "x", "email": "ada@example.com"}
	bend := func(name string, value any) members {
		bent := maps.Clone(good)
		bent[name] = value
		return bent
	}
	for _, tt := range []struct {
		what   string
		claims members
		typ    string
	}{
		{"", good, typ}, {"typ", good, "JWT"}, {"iss", bend("iss", billing), typ}, {"aud", bend("aud", billing), typ},
		{"exp", bend("exp", now-3600), typ}, {"nbf", bend("nbf", now+3600), typ},
	} {
		token := benchForge(t, k, tt.claims, tt.typ)
		for _, c := range all[1:] {
			if _, err := c.open(token); (err == nil) != (tt.what == "") {
				t.Errorf("%s with another %q: %v", c.name, tt.what, err)
			}
		}
	}
}

// benchForge makes a token with any claims, using go-jose.
func benchForge(t testing.TB, k *benchKeys, claims members, typ string) string {
	t.Helper()
	kit := newJoseKit(t, k)
	key := jose.SigningKey{Algorithm: kit.signing[0], Key: jose.JSONWebKey{Key: k.signer, KeyID: benchSigningKid}}
	signer, err := jose.NewSigner(key, new(jose.SignerOptions).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.SignedAndEncrypted(signer, kit.encrypter).Claims(map[string]any(claims)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
