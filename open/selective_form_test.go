package open_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
	"github.com/sealjwt/sealjwt/seal"
)

// An opener expects the configured typ.
func TestConfiguredTypes(t *testing.T) {
	t.Parallel()
	typ := func(raw string) func(f *forgery) { return func(f *forgery) { f.Inner.Set("typ", raw) } }
	is := func(typ string) func(c *anyOpen) { return func(c *anyOpen) { c.SetType(typ) } }
	run(t, []row{
		{"JWT, is JWT", typ(`"JWT"`), is("JWT"), nil},
		{"JWT, is sealed+jwt", nil, is("JWT"), open.ErrType},
		{"at+jwt, is AT+JWT", typ(`"AT+JWT"`), is("at+jwt"), nil},
		{"application/at+jwt, is at+jwt", typ(`"at+jwt"`), is("application/at+jwt"), nil},
	})
	runSelective(t, []selectiveRow{
		{"selective: at+jwt, is at+jwt", visible(typ(`"at+jwt"`)), is("at+jwt"), nil},
		{"selective: at+jwt, is JWT", nil, is("at+jwt"), open.ErrType},
		{"selective: sealed+jwt, is sealed+jwt", visible(typ(`"sealed+jwt"`)), is("sealed+jwt"), nil},
	})
}

// A required claim must have been sealed. If an issuer drops a claim from its list of recipients,
// or leaves it readable, the token is refused, so the fault does not end up in a log.
func TestRequire(t *testing.T) {
	t.Parallel()
	require := func(names ...string) func(c *anyOpen) { return func(c *anyOpen) { c.Require = names } }
	runSelective(t, []selectiveRow{
		{"one", nil, require("email"), nil},
		{"all", nil, require("email", "note", "weight"), nil},
		{"missing", nil, require("phone"), open.ErrClaims},
		{"one of two missing", nil, require("email", "phone"), open.ErrClaims},
		{"null", ours(claim("email", "null")), require("email"), open.ErrClaims},
		{"false and empty are values", ours(func(f *forgery) { f.Claims.Set("email", `""`); f.Claims.Set("note", "false") }), require("email", "note"), nil},
		{"in clear", nil, require("scope"), open.ErrClaims},
		{"in clear, null", visible(claim("scope", "null")), require("scope"), open.ErrClaims},
		{"sealed to another", nil, require("account"), open.ErrClaims},
		{"in other letters", ours(func(f *forgery) { f.Claims.Remove("email"); f.Claims.Set("Email", "1") }), require("email"), open.ErrClaims},
		{"one level down", ours(func(f *forgery) { f.Claims.Set("x", `{"phone":1}`) }), require("phone"), open.ErrClaims},
	})
	run(t, []row{
		{"nested", nil, require("email", "sub"), nil},
		{"nested, missing", nil, require("email", "phone"), open.ErrClaims},
		{"nested, null", claim("email", "null"), require("email"), open.ErrClaims},
		{"nested, in other letters", func(f *forgery) { f.Claims.Remove("email"); f.Claims.Set("Email", "1") }, require("email"), open.ErrClaims},
		{"nested, in the header too", replicate("sub"), require("sub"), open.ErrClaims},
		{"nested, and another in the header too", replicate("sub"), require("email"), nil},
		{"nested, in the header only", func(f *forgery) { f.Outer.Set("phone", `"1"`) }, require("phone"), open.ErrClaims},
	})
}

// replicate copies a claim into the header of the JWE.
func replicate(name string) func(f *forgery) {
	return func(f *forgery) {
		f.Outer.Set(name, f.Claims.Raw(name))
	}
}

// All claims of a nested token are sealed, except those in its header.
func TestSealedNames(t *testing.T) {
	t.Parallel()
	f := forgeNested()
	f.Claims = forge.NewObject("iss", quoted(issuerID), "sub", `"u-42"`, "aud", quoted(audience), "exp", seconds(60), "email", `"e"`)
	if tok := accepted(t, config(), f.Token()); fmt.Sprint(tok.SealedNames()) != "[iss sub aud exp email]" {
		t.Errorf("sealed are %q", tok.SealedNames())
	}
	replicate("sub")(f)
	replicate("aud")(f)
	if tok := accepted(t, config(), f.Token()); fmt.Sprint(tok.SealedNames()) != "[iss exp email]" {
		t.Errorf("with copies of sub and aud in the header, sealed are %q", tok.SealedNames())
	}
}

// A claim may have the name of a header parameter. It does not count as replicated, however the
// header is spelled. A custom claim that a peer copies into the header is readable.
func TestSealedNamesOfParameters(t *testing.T) {
	t.Parallel()
	own := []string{"kid", "enc", "cty", "alg", "epk", "typ", "apu"}
	signing, recipient := privateSet(testKeyFor(keys.ES256)), publicSet(testKeyFor(keys.ECDHES))
	custom := map[string]any{"email": "ada@example.com"}
	for _, name := range own {
		custom[name] = "a claim"
	}
	cfg := config()
	cfg.Require = append(own, "email")
	for _, replicated := range [][]string{nil, {"iss"}} { // the fast path reads the first, and JSON the second
		sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
			Issuer:     issuerID,
			Signing:    signing,
			Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: recipient}},
		}, Replicate: replicated}))
		tok, err := newOpener(t, cfg).Open(t.Context(), must(sealer.Seal(t.Context(), seal.Claims{Custom: custom})))
		if err != nil || len(tok.SealedNames()) != len(own)+len([]string{"email", "iss", "aud", "iat", "exp", "jti"})-len(replicated) {
			t.Errorf("with copies of %q: %v, sealed are %q", replicated, err, tok.SealedNames())
		}
	}
	f := forgeNested()
	f.Claims.Set("email", `"ada@example.com"`)
	f.Outer.Set("email", `"ada@example.com"`)
	if tok := accepted(t, config(), f.Token()); slices.Contains(tok.SealedNames(), "email") {
		t.Errorf("a claim that stands in the header is sealed: %q", tok.SealedNames())
	}
}

// The message names the field.
func TestNewForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		want string
		bend func(c *anyOpen)
	}{
		{"Decryption is required", func(c *anyOpen) { c.Decryption = nil }},
		{`Require names ""`, func(c *anyOpen) { c.Require = []string{""} }},
		{`Require names ""`, func(c *anyOpen) { c.Selective = nestedForm; c.Require = []string{"email", ""} }},
		{`Require names "sealed"`, func(c *anyOpen) { c.Selective = nestedForm; c.Require = []string{"sealed"} }},
		{`Require names "sub"`, func(c *anyOpen) { c.Require = []string{"email", "sub"} }},
		{`Require names "iss"`, func(c *anyOpen) { c.Require = []string{"iss"} }},
		{`Require names "aud"`, func(c *anyOpen) { c.Require = []string{"aud"} }},
		{`Require names "EXP"`, func(c *anyOpen) { c.Require = []string{"EXP"} }},
		{`Require names "sealed"`, func(c *anyOpen) { c.Require = []string{"sealed"} }},
		{`Require names "cnf"`, func(c *anyOpen) { c.Require = []string{"cnf"} }},
		{`Require names "Cnf"`, func(c *anyOpen) { c.Require = []string{"Cnf"} }},
		{`Require names "a\nb"`, func(c *anyOpen) { c.Require = []string{"a\nb"} }},
		{`Require names "a\u0085b"`, func(c *anyOpen) { c.Selective = nestedForm; c.Require = []string{"a\u0085b"} }},
		{`Require names "a\xff"`, func(c *anyOpen) { c.Selective = nestedForm; c.Require = []string{"a\xff"} }},
		{"Audience", func(c *anyOpen) { gateway(c); c.Audience = "" }},
		{"Trust", func(c *anyOpen) { gateway(c); c.Trust = nil }},
	} {
		cfg := selectiveConfig()
		tt.bend(&cfg)
		o, err := newAnyOpener(cfg)
		if o != nil || !errors.Is(err, open.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New returned %v, %v", tt.want, o, err)
		}
	}
	nested := config()
	nested.Require = []string{"sub", "cnf", "straße"} // in this form everything is sealed
	newOpener(t, nested)
}

// TestReplicatedByUs opens the tokens that package seal makes with Replicate and Pad.
func TestReplicatedByUs(t *testing.T) {
	t.Parallel()
	signer, recipient := testKeyFor(keys.ES256), testKeyFor(keys.ECDHES)
	sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:     issuerID,
		Signing:    privateSet(signer),
		Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: publicSet(recipient)}},
		Limits:     seal.Limits{Pad: 512},
	}, Replicate: []string{"iss", "sub", "aud"}}))
	token := must(sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: map[string]any{"email": "ada@example.com"}}))
	opener := newOpener(t, config())
	tok, err := opener.Open(t.Context(), token)
	if err != nil || tok.Subject() != "u-42" || len(rawClaims(t, tok)) != 512 {
		t.Fatalf("%v, %d bytes", err, len(rawClaims(t, tok)))
	}
}
