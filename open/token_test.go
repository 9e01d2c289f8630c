package open_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
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
	f := forge()
	f.claims.set("nbf", seconds(-5)+".25")
	f.claims.set("aud", `["https://a.example",`+quoted(audience)+`]`)
	tok := accepted(t, config(), f.token())
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
	// Nobody can change a token through what it gives out.
	tok.Audience()[0] = "https://evil.example"
	var raw json.RawMessage
	if err := tok.Claims(&raw); err != nil {
		t.Fatal(err)
	}
	copy(raw, bytes.Repeat([]byte("x"), len(raw)))
	var again json.RawMessage
	if err := tok.Claims(&again); err != nil || string(again) != f.claims.String() || tok.Audience()[0] != "https://a.example" {
		t.Errorf("the token was changed: %s, %v", again, err)
	}

	bare := forge()
	for _, name := range []string{"sub", "jti", "iat"} {
		bare.claims.remove(name)
	}
	tok = accepted(t, config(), bare.token())
	if tok.Subject() != "" || tok.ID() != "" || !tok.IssuedAt().IsZero() || !tok.NotBefore().IsZero() {
		t.Error("what is absent is not zero")
	}
}

func TestTokenClaims(t *testing.T) {
	t.Parallel()
	f := forge()
	f.claims.set("big", "12345678901234567890")
	f.claims.set("address", `{"locality":"Fictonville"}`)
	tok := accepted(t, config(), f.token())

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
	if err := tok.Claims(&m); err != nil || m["email"] != "ada.quillwood@example.com" || len(m) != len(f.claims) {
		t.Errorf("map: %v, %v", m, err)
	}
	var raw json.RawMessage
	if err := tok.Claims(&raw); err != nil || string(raw) != f.claims.String() {
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
		{s, []string{"struct"}}, // not a pointer
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
		for _, secret := range f.secrets() {
			// What the type itself says is no secret.
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
				t.Errorf("%T: error %q holds %q", tt.dst, err, secret)
			}
		}
	}
}

// refusing is a type whose decoder quotes what it does not like.
type refusing struct{}

func (*refusing) UnmarshalJSON(text []byte) error { return fmt.Errorf("cannot read %s", text) }

// TestRedaction prints a token in every way there is.
func TestRedaction(t *testing.T) {
	t.Parallel()
	f := forge()
	tok := accepted(t, config(), f.token())
	type hidden struct {
		token *open.Token
		value open.Token
		any   any
	}
	type shown struct {
		Token *open.Token
		Value open.Token
		Any   any
	}
	values := map[string]any{
		"pointer": tok, "value": *tok, "slice": []*open.Token{tok}, "values": []open.Token{*tok},
		"map": map[string]*open.Token{"t": tok}, "hidden": hidden{tok, *tok, tok}, "to hidden": &hidden{tok, *tok, *tok},
		"shown": shown{tok, *tok, tok}, "to shown": &shown{tok, *tok, *tok}, "pointer to pointer": &tok,
		"error": fmt.Errorf("a: %w", fmt.Errorf("b: %v", tok)), "array": [1]any{hidden{tok, *tok, tok}},
	}
	var found []string
	for _, s := range []string{"kestrel", "quillwood", "bramble", "84.50", "kid-of", audience, issuerID, "email"} {
		found = append(found, s, hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))),
			base64.StdEncoding.EncodeToString([]byte(s))[:len(s)/3*4], strings.Trim(fmt.Sprint([]byte(s)), "[]"),
			strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(s)), "[]byte{"), "}"))
	}
	check := func(how, text string) {
		t.Helper()
		for _, s := range found {
			if strings.Contains(text, s) {
				t.Errorf("%s shows %q: %s", how, s, text)
			}
		}
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%t", "%e", "%p", "%T", "%w", "%20v", "%-5s"} {
			check(name+" "+verb, fmt.Sprintf(verb, v))
		}
		if _, isError := v.(error); !isError {
			text, err := json.Marshal(v)
			if err != nil {
				t.Error(err)
			}
			check(name+" json", string(text))
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("opened", "token", v, slog.Group("g", "token", v))
			check(name+" slog", b.String())
		}
	}
	if got := fmt.Sprintf("%v %s %+v %d", tok, *tok, tok, tok); got != "[redacted] [redacted] [redacted] [redacted]" {
		t.Errorf("prints as %s", got)
	}
	if got := must(json.Marshal(tok)); string(got) != `"[redacted]"` {
		t.Errorf("JSON is %s", got)
	}
	var raw json.RawMessage
	if err := tok.Claims(&raw); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(fmt.Sprintf("%x", []byte(raw)), found[1]) {
		t.Error("the check would not find a claim")
	}
}

// TestConcurrent shares one sealer and one opener; the race detector watches.
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

// TestNonce: an absent nonce and one that is none are empty, and equal no nonce of a login.
func TestNonce(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{`"n-0S6_WzA2Mj"`: "n-0S6_WzA2Mj", `"\u006e"`: "n", `""`: "", "null": "", "1": "", `["n"]`: "", "": ""} {
		f := forge()
		if raw != "" {
			f.claims.set("nonce", raw)
		}
		if got := accepted(t, config(), f.token()).Nonce(); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	for _, bend := range []func(s *selective){visible(claim("nonce", `"n"`)), ours(claim("nonce", `"n"`))} {
		s := forgeSelective()
		bend(s)
		if got := accepted(t, selectiveConfig(), s.token()).Nonce(); got != "n" {
			t.Errorf("selective: %q", got)
		}
	}
	var none *open.Token
	if none.Nonce() != "" {
		t.Error("no token has a nonce")
	}
}
