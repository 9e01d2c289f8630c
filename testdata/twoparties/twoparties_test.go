package twoparties

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// TestTwoParties runs the programs of testdata/twoparties: an issuer and an API that
// share no private key, both rotating, over real HTTP.
func TestTwoParties(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs and runs them for ten seconds")
	}
	built := buildParties(t)
	t.Run("login", func(t *testing.T) { t.Parallel(); testLogin(t, built.start(t, 0)) })
	t.Run("revocation", func(t *testing.T) { t.Parallel(); testRevocation(t, built) })
	t.Run("load", func(t *testing.T) { t.Parallel(); testLoad(t, built) })
	t.Run("any order", func(t *testing.T) { t.Parallel(); testOrder(t, built) })
	t.Run("no token", func(t *testing.T) { t.Parallel(); testNoToken(t, built) })
}

// A user logs in and calls the API, which reads the token. An attacker who has the token reads
// nothing.
func testLogin(t *testing.T, p *processes) {
	l := p.loginAda(t)
	status, got, err := p.me(p.apis[0], l.Token)
	if err != nil {
		t.Fatal(err)
	}
	got.SignedWith, got.SealedTo = "", ""
	want := said{Subject: "u-42", Email: "ada@example.com", Name: "Ada Quillwood", Groups: []string{"engineering", "admins"}}
	if status != http.StatusOK || !reflect.DeepEqual(got, want) {
		t.Errorf("the API answered %d, %+v", status, got)
	}

	parts := strings.Split(l.Token, ".")
	if len(parts) != 5 {
		t.Fatalf("%d parts", len(parts))
	}
	for i, part := range parts {
		read, err := strict.DecodeBase64URL(part)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			var header map[string]any
			if err := json.Unmarshal(read, &header); err != nil {
				t.Fatal(err)
			}
			t.Logf("a stranger reads %s", read)
			for _, name := range []string{"alg", "enc", "kid", "epk", "cty"} {
				delete(header, name)
			}
			if len(header) != 0 {
				t.Errorf("a stranger reads more: %v", header)
			}
		}
		for _, secret := range []string{"u-42", "ada@", "Quillwood", "engineering", "email", "groups", p.issuer, p.apis[0]} {
			if bytes.Contains(read, []byte(secret)) {
				t.Errorf("part %d shows %s", i, secret)
			}
		}
	}

	for name, token := range map[string]string{"none": "", "another tag": l.Token[:len(l.Token)-4] + "AAAA"} {
		if status, _, err := p.me(p.apis[0], token); err != nil || status != http.StatusUnauthorized {
			t.Errorf("token with %s: %d %v", name, status, err)
		}
	}
	for user, password := range map[string]string{"ada": "wrong", "unknown": ""} {
		_, err := p.login(user, password)
		if e, ok := errors.AsType[*notServed](err); !ok || e.status != http.StatusBadRequest || e.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s with a wrong password: %v", user, err)
		}
	}
}
