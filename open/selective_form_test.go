package open_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// TestOneForm: a token of one form never passes for the other, whatever its type says
// and whoever offers it.
func TestOneForm(t *testing.T) {
	t.Parallel()
	typed := func(f *forgery, typ string) *forgery { f.inner.set("typ", quoted(typ)); return f }
	wrap := func(inner string) string { // to us, as anybody can
		f := forge()
		f.bendInner = func(string) string { return inner }
		return f.token()
	}
	sealedToUs := func(cty, plaintext string) string {
		f := forgeSealed(testKeyFor(keys.ECDHES))
		f.outer.set("cty", cty)
		f.claimsText = plaintext
		return f.jwe()
	}
	unsecured := func(s *selective) *selective {
		s.inner.set("alg", `"none"`)
		s.sign = func([]byte) []byte { return nil }
		return s
	}
	selectiveTyped := func(typ string) string {
		s := forgeSelective()
		typed(s.forgery, typ)
		return s.token()
	}
	for _, tt := range []struct {
		name, typ, token string
		form             bool
		want             error
	}{
		{"a nested token for a selective opener", "", forge().token(), selectiveForm, open.ErrType},
		{"a nested token for a selective opener of sealed+jwt", "sealed+jwt", forge().token(), selectiveForm, open.ErrType},
		{"lifted out of a nested token", "", forge().jws(), selectiveForm, open.ErrType},
		{"lifted out of a nested token, sealed+jwt expected", "sealed+jwt", forge().jws(), selectiveForm, open.ErrType},
		{"lifted out of a nested token with typ JWT", "", typed(forge(), "JWT").jws(), selectiveForm, open.ErrType},
		{"a plain signed token with cty", "", typed(forge(), "JWT").with(func(f *forgery) { f.inner.set("cty", `"JWT"`) }).jws(), selectiveForm, open.ErrType},
		{"a JWE of a selective token alone", "", jwesIn(forgeSelective().token())[1], selectiveForm, open.ErrType},
		{"unsecured", "", unsecured(forgeSelective()).token(), selectiveForm, open.ErrAlgorithm},
		{"unsecured, no kid", "", unsecured(forgeSelective()).without("kid").token(), selectiveForm, open.ErrUnknownKey},
		{"no signature", "", forgeSelective().cut(), selectiveForm, open.ErrNotAuthentic},
		{"two parts", "", strings.TrimSuffix(forgeSelective().cut(), "."), selectiveForm, open.ErrMalformed},
		{"selective in selective", "", selectiveTyped("sealed+jwt"), selectiveForm, open.ErrType},
		{"a bearer prefix", "", "Bearer " + forgeSelective().token(), selectiveForm, open.ErrMalformed},
		{"a line feed behind", "", forgeSelective().token() + "\n", selectiveForm, open.ErrMalformed},
		{"empty", "", "", selectiveForm, open.ErrMalformed},

		{"two parts of a selective token for a nested opener", "", strings.TrimSuffix(forgeSelective().cut(), "."), nestedForm, open.ErrMalformed},
		{"a selective token for a nested opener", "", forgeSelective().token(), nestedForm, open.ErrType},
		{"a selective token encrypted to us", "", wrap(forgeSelective().token()), nestedForm, open.ErrType},
		{"a selective token encrypted to us, JWT expected", "JWT", wrap(forgeSelective().token()), nestedForm, open.ErrType},
		{"a selective token of sealed+jwt encrypted to us", "", wrap(selectiveTyped("sealed+jwt")), nestedForm, open.ErrType},
		{"a JWE of a selective token for a nested opener", "", jwesIn(forgeSelective().token())[1], nestedForm, open.ErrType},
		{"a signed token in a JWE of a selective one", "", sealedToUs(sealedType, forge().jws()), nestedForm, open.ErrType},
		{"claims without signature as a nested token", "", sealedToUs(`"JWT"`, forge().claims.String()), nestedForm, open.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := config()
			cfg.Selective = tt.form
			cfg.setType(tt.typ)
			refused(t, cfg, tt.token, tt.want, forgeSelective().secrets()...)
			if tt.form == selectiveForm {
				gateway(&cfg)
				refused(t, cfg, tt.token, tt.want, forgeSelective().secrets()...)
			}
		})
	}
}

func (f *forgery) with(bend func(f *forgery)) *forgery { bend(f); return f }

func (s *selective) without(member string) *selective { s.inner.remove(member); return s }

// cut is the token without its signature.
func (s *selective) cut() string {
	token := s.token()
	return token[:strings.LastIndex(token, ".")+1]
}

// TestSelectiveTypes: the typ that is expected is the one configured, else JWT.
func TestSelectiveTypes(t *testing.T) {
	t.Parallel()
	typ := func(raw string) func(s *selective) {
		return visible(func(f *forgery) { f.inner.set("typ", raw) })
	}
	is := func(typ string) func(c *anyOpen) { return func(c *anyOpen) { c.setType(typ) } }
	runSelective(t, []selectiveRow{
		{"jwt in small letters", typ(`"jwt"`), nil, nil},
		{"application/jwt", typ(`"application/jwt"`), nil, nil},
		{"missing", visible(func(f *forgery) { f.inner.remove("typ") }), nil, open.ErrType},
		{"at+jwt", typ(`"at+jwt"`), nil, open.ErrType},
		{"sealed+jwt", typ(`"sealed+jwt"`), nil, open.ErrType},
		{"configured at+jwt, is at+jwt", typ(`"at+jwt"`), is("at+jwt"), nil},
		{"configured at+jwt, is JWT", nil, is("at+jwt"), open.ErrType},
		{"configured sealed+jwt, is sealed+jwt", typ(`"sealed+jwt"`), is("sealed+jwt"), nil},
		{"cty", visible(func(f *forgery) { f.inner.set("cty", `"JWT"`) }), nil, open.ErrType},
		{"cty of the JWEs", visible(func(f *forgery) { f.inner.set("cty", sealedType) }), nil, open.ErrType},
	})
}

// TestRequire: what is required must have been sealed. An issuer that drops a claim
// from its list of recipients, or leaves it readable, fails here and not in a log.
func TestRequire(t *testing.T) {
	t.Parallel()
	require := func(names ...string) func(c *anyOpen) { return func(c *anyOpen) { c.Require = names } }
	runSelective(t, []selectiveRow{
		{"one", nil, require("email"), nil},
		{"all", nil, require("email", "note", "weight"), nil},
		{"missing", nil, require("phone"), open.ErrClaims},
		{"one of two missing", nil, require("email", "phone"), open.ErrClaims},
		{"null", ours(claim("email", "null")), require("email"), open.ErrClaims},
		{"false and empty are values", ours(func(f *forgery) { f.claims.set("email", `""`); f.claims.set("note", "false") }), require("email", "note"), nil},
		{"in clear", nil, require("scope"), open.ErrClaims},
		{"in clear, null", visible(claim("scope", "null")), require("scope"), open.ErrClaims},
		{"sealed to another", nil, require("account"), open.ErrClaims},
		{"in other letters", ours(func(f *forgery) { f.claims.remove("email"); f.claims.set("Email", "1") }), require("email"), open.ErrClaims},
		{"one level down", ours(func(f *forgery) { f.claims.set("x", `{"phone":1}`) }), require("phone"), open.ErrClaims},
	})
	run(t, []row{
		{"nested", nil, require("email", "sub"), nil},
		{"nested, missing", nil, require("email", "phone"), open.ErrClaims},
		{"nested, null", claim("email", "null"), require("email"), open.ErrClaims},
		{"nested, in other letters", func(f *forgery) { f.claims.remove("email"); f.claims.set("Email", "1") }, require("email"), open.ErrClaims},
		{"nested, in the header too", replicate("sub"), require("sub"), open.ErrClaims},
		{"nested, and another in the header too", replicate("sub"), require("email"), nil},
		{"nested, in the header only", func(f *forgery) { f.outer.set("phone", `"1"`) }, require("phone"), open.ErrClaims},
	})
}

// replicate copies a claim into the header of the JWE.
func replicate(name string) func(f *forgery) {
	return func(f *forgery) {
		i := slices.IndexFunc(f.claims, func(m member) bool { return m.name == name })
		f.outer.set(name, f.claims[i].raw)
	}
}

// TestSealedNames: of a nested token all claims are sealed but those that its header
// shows.
func TestSealedNames(t *testing.T) {
	t.Parallel()
	f := forge()
	f.claims = object{{"iss", quoted(issuerID)}, {"sub", `"u-42"`}, {"aud", quoted(audience)}, {"exp", seconds(60)}, {"email", `"e"`}}
	if tok := accepted(t, config(), f.token()); fmt.Sprint(tok.SealedNames()) != "[iss sub aud exp email]" {
		t.Errorf("sealed are %q", tok.SealedNames())
	}
	replicate("sub")(f)
	replicate("aud")(f)
	if tok := accepted(t, config(), f.token()); fmt.Sprint(tok.SealedNames()) != "[iss exp email]" {
		t.Errorf("with copies of sub and aud in the header, sealed are %q", tok.SealedNames())
	}
}

// TestSealedNamesOfParameters: claims that are named like parameters of the header are
// not what stands there, however the header is spelled; a custom claim that a peer copies
// there is readable.
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
	for _, replicated := range [][]string{nil, {"iss"}} { // known by its bytes, and read as JSON
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
	f := forge()
	f.claims.set("email", `"ada@example.com"`)
	f.outer.set("email", `"ada@example.com"`)
	if tok := accepted(t, config(), f.token()); slices.Contains(tok.SealedNames(), "email") {
		t.Errorf("a claim that stands in the header is sealed: %q", tok.SealedNames())
	}
}

// TestRequireIsCopied: the caller's slice is not the opener's.
func TestRequireIsCopied(t *testing.T) {
	t.Parallel()
	cfg := selectiveConfig()
	cfg.Require = []string{"email"}
	o := newOpener(t, cfg)
	cfg.Require[0] = "phone"
	if _, err := o.OpenAt(t.Context(), forgeSelective().token(), clock); err != nil {
		t.Error(err)
	}
}

// TestNewForm: the message names the field.
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
	nested.Require = []string{"sub", "cnf", "straße"} // where everything is sealed
	newOpener(t, nested)
}

// TestReplicatedByUs opens what package seal makes with Replicate and Pad, and refuses
// it when one of the copies was changed, though the one who changed it could encrypt.
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
	var header map[string]json.RawMessage
	if err := json.Unmarshal(decode(strings.Split(token, ".")[0]), &header); err != nil {
		t.Fatal(err)
	}
	inner := string(must(joseDecrypt(token, recipient.jwk(recipient.private))))
	reseal := func(bend func(f *forgery)) error {
		f := forge()
		for _, name := range []string{"iss", "sub", "aud"} {
			f.outer.set(name, string(header[name]))
		}
		f.bendInner = func(string) string { return inner }
		bend(f)
		_, err := opener.Open(t.Context(), f.token())
		return err
	}
	if err := reseal(func(*forgery) {}); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	for _, name := range []string{"iss", "sub", "aud"} {
		if err := reseal(outer(name, `"changed"`)); !errors.Is(err, open.ErrClaims) {
			t.Errorf("%s changed: %v", name, err)
		}
		if err := reseal(noOuter(name)); err != nil {
			t.Errorf("%s left out: %v", name, err)
		}
	}
}
