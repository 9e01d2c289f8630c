package open_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

func TestTokenAccessors(t *testing.T) {
	t.Parallel()
	f := forgeNested()
	f.Claims.Set("nbf", seconds(-5)+".25")
	f.Claims.Set("aud", `["https://a.example",`+quoted(audience)+`]`)
	tok := accepted(t, config(), f.Token())
	for what, same := range map[string]bool{
		"Issuer":          tok.Issuer() == issuerID,
		"Subject":         tok.Subject() == "subject-kestrel-42",
		"Audience":        slices.Equal(tok.Audience(), []string{"https://a.example", audience}),
		"ID":              tok.ID() == "id-bramble-99",
		"IssuedAt":        tok.IssuedAt().Equal(clock.Add(-10 * time.Second)),
		"NotBefore":       tok.NotBefore().Equal(clock.Add(-5*time.Second + 250*time.Millisecond)),
		"ExpiresAt":       tok.ExpiresAt().Equal(clock.Add(600 * time.Second)),
		"SigningKeyID":    tok.SigningKeyID() == "kid-of-ES256",
		"DecryptionKeyID": tok.DecryptionKeyID() == "kid-of-ECDH-ES",
	} {
		if !same {
			t.Errorf("%s is wrong", what)
		}
	}
	// A caller cannot change a token through the results of its methods.
	tok.Audience()[0] = "https://evil.example"
	var raw json.RawMessage
	if err := tok.Claims(&raw); err != nil {
		t.Fatal(err)
	}
	copy(raw, bytes.Repeat([]byte("x"), len(raw)))
	var again json.RawMessage
	if err := tok.Claims(&again); err != nil || string(again) != f.Claims.Text() || tok.Audience()[0] != "https://a.example" {
		t.Errorf("the token was changed: %s, %v", again, err)
	}

	bare := forgeNested()
	for _, name := range []string{"sub", "jti", "iat"} {
		bare.Claims.Remove(name)
	}
	tok = accepted(t, config(), bare.Token())
	if tok.Subject() != "" || tok.ID() != "" || !tok.IssuedAt().IsZero() || !tok.NotBefore().IsZero() {
		t.Error("what is absent is not zero")
	}
}

func TestTokenClaims(t *testing.T) {
	t.Parallel()
	f := forgeNested()
	f.Claims.Set("big", "12345678901234567890")
	f.Claims.Set("address", `{"locality":"Fictonville"}`)
	tok := accepted(t, config(), f.Token())

	var s struct {
		Issuer  string      `json:"iss"`
		Email   string      `json:"email"`
		Weight  json.Number `json:"weight"`
		Big     json.Number `json:"big"`
		Expires int64       `json:"exp"`
		Address struct {
			Locality string `json:"locality"`
		} `json:"address"`
	}
	if err := tok.Claims(&s); err != nil {
		t.Fatal(err)
	}
	if s.Issuer != issuerID || s.Email != "ada.quillwood@example.com" || s.Weight != "84.50" || s.Big != "12345678901234567890" ||
		s.Address.Locality != "Fictonville" || s.Expires != clock.Unix()+600 {
		t.Errorf("struct: %+v", s)
	}
	var m map[string]any
	if err := tok.Claims(&m); err != nil || m["email"] != "ada.quillwood@example.com" || len(m) != len(f.Claims.Members) {
		t.Errorf("map: %v, %v", m, err)
	}
	var raw json.RawMessage
	if err := tok.Claims(&raw); err != nil || string(raw) != f.Claims.Text() {
		t.Errorf("raw: %s, %v", raw, err)
	}

	var wrongType struct {
		Email int `json:"email"`
	}
	var wrongInside struct {
		Address struct {
			Locality []int `json:"locality"`
		} `json:"address"`
	}
	var wrongNumber struct {
		Big int8 `json:"big"`
	}
	var wrongTime struct {
		Email time.Time `json:"email"`
	}
	for _, tt := range []struct {
		dst  any
		want []string
	}{
		{&wrongType, []string{`"email"`, "int"}},
		{&wrongInside, []string{`"address.locality"`, "[]int"}},
		{&wrongNumber, []string{`"big"`, "int8"}},
		{&wrongTime, []string{"struct"}},
		{new(map[string]int), []string{"int"}},
		{new(string), []string{"string"}},
		{&refusing{}, []string{"refusing"}},
		{s, []string{"struct"}}, // it is not a pointer
		{nil, []string{"nil"}},
	} {
		err := tok.Claims(tt.dst)
		if err == nil {
			t.Errorf("%T: no error", tt.dst)
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%T: error %q does not name %s", tt.dst, err, w)
			}
		}
		for _, secret := range secretsOf(f) {
			// A text that the type itself has is not secret.
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
				t.Errorf("%T: error %q holds %q", tt.dst, err, secret)
			}
		}
	}
}

// refusing has a decoder whose error quotes the input.
type refusing struct{}

func (*refusing) UnmarshalJSON(text []byte) error { return fmt.Errorf("cannot read %s", text) }

// TestRedaction prints a token in every way. The tests of the whole system look for its claims in
// all that can be printed.
func TestRedaction(t *testing.T) {
	t.Parallel()
	tok := accepted(t, config(), forgeNested().Token())
	if got := fmt.Sprintf("%v %s %+v %d %#v", tok, *tok, tok, tok, tok); got != "[redacted] [redacted] [redacted] [redacted] [redacted]" {
		t.Errorf("prints as %s", got)
	}
	if got := must(json.Marshal(tok)); string(got) != `"[redacted]"` {
		t.Errorf("JSON is %s", got)
	}
}

// Goroutines share one sealer and one opener while the race detector watches.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	signer, recipient := testKeyFor(signingSuites[0]), testKeyFor(managementSuites[0])
	sealer, err := newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:     issuerID,
		Signing:    privateSet(signer),
		Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: publicSet(recipient)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	opener := newOpener(t, config())
	shared, err := sealer.Seal(t.Context(), seal.Claims{ID: "shared"})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := opener.Open(t.Context(), shared)
	if err != nil {
		t.Fatal(err)
	}
	custom := map[string]any{"email": "ada@example.com"}
	var group sync.WaitGroup
	for g := range 16 {
		group.Go(func() {
			for i := range 20 {
				id := fmt.Sprint(g, "-", i)
				token, err := sealer.Seal(t.Context(), seal.Claims{ID: id, Custom: custom})
				if err != nil {
					t.Error(err)
					return
				}
				got, err := opener.Open(t.Context(), token)
				if err != nil || got.ID() != id {
					t.Errorf("opened %v, %v", got, err)
					return
				}
				if _, err := opener.Open(t.Context(), token[:len(token)-1]); err == nil {
					t.Error("a cut token is accepted")
				}
				var claims map[string]any
				if err := tok.Claims(&claims); err != nil || claims["jti"] != "shared" || tok.Audience()[0] != audience {
					t.Errorf("shared token: %v, %v", claims, err)
				}
			}
		})
	}
	group.Wait()
}

// An absent nonce is empty, and so is a malformed one. Neither equals the nonce of a login.
func TestNonce(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{`"n-0S6_WzA2Mj"`: "n-0S6_WzA2Mj", `"\u006e"`: "n", `""`: "", "null": "", "1": "", `["n"]`: "", "": ""} {
		f := forgeNested()
		if raw != "" {
			f.Claims.Set("nonce", raw)
		}
		if got := accepted(t, config(), f.Token()).Nonce(); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	for _, bend := range []func(s *selective){visible(claim("nonce", `"n"`)), ours(claim("nonce", `"n"`))} {
		s := forgeSelective()
		bend(s)
		if got := accepted(t, selectiveConfig(), s.Token()).Nonce(); got != "n" {
			t.Errorf("selective: %q", got)
		}
	}
	var none *open.Token
	if none.Nonce() != "" {
		t.Error("no token has a nonce")
	}
}
