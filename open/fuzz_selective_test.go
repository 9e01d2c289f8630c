package open_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
)

// members returns the members of a signed or encrypted JSON text, as encoding/json reads them.
func members(t *testing.T, text []byte) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return m
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && x.String() == y.String()
}

// checkMerged checks an accepted selective token against its payload and the plaintexts of the JWEs
// for us, which the test has decrypted by other means.
func checkMerged(t *testing.T, tok *open.Token, payload []byte, plaintexts ...[]byte) {
	t.Helper()
	merged, err := strict.ParseObject(rawClaims(t, tok))
	if err != nil {
		t.Fatalf("claims are %s: %v", rawClaims(t, tok), err)
	}
	clear := members(t, payload)
	delete(clear, "sealed")
	sealed := make(map[string]json.RawMessage)
	for _, text := range plaintexts {
		for name, value := range members(t, text) {
			if before, twice := sealed[name]; twice && !sameJSON(before, value) {
				t.Fatalf("%q is sealed as %s and %s", name, before, value)
			}
			sealed[name] = value
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(tok.SealedNames())), slices.Sorted(maps.Keys(sealed))) || merged.Len() != len(clear)+len(sealed) {
		t.Fatalf("sealed are %q, want %q; claims are %s", tok.SealedNames(), slices.Sorted(maps.Keys(sealed)), rawClaims(t, tok))
	}
	for name, value := range merged.All() {
		want, inClear := clear[name]
		secret, isSealed := sealed[name]
		if inClear == isSealed || !sameJSON(value, want) && !sameJSON(value, secret) {
			t.Fatalf("%q is %s, in clear %q, sealed %q", name, value, want, secret)
		}
		for other := range clear {
			if isSealed && strings.EqualFold(name, other) {
				t.Fatalf("%q is sealed, and %q in clear", name, other)
			}
		}
		for _, registered := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sealed", "cnf", "sid"} {
			if isSealed && strings.EqualFold(name, registered) {
				t.Fatalf("%q is sealed", name)
			}
		}
	}
}

// checkBinding checks that a JWE names the token it was found in.
func checkBinding(t *testing.T, tok *open.Token, jwe string) (kid string) {
	t.Helper()
	var h struct{ Kid, Iss, Jti, Cty string }
	if err := json.Unmarshal(decode(strings.Split(jwe, ".")[0]), &h); err != nil {
		t.Fatal(err)
	}
	if tok.ID() == "" || tok.Issuer() == "" || h.Jti != tok.ID() || h.Iss != tok.Issuer() {
		t.Fatalf("a JWE of the token %q by %q stands in %q by %q", h.Jti, h.Iss, tok.ID(), tok.Issuer())
	}
	return h.Kid
}

// checkSelective checks an accepted token with go-jose.
func (x *fuzzFixture) checkSelective(t *testing.T, tok *open.Token, text string, decrypts bool) {
	t.Helper()
	for _, part := range strings.Split(text, ".") {
		if encode(decode(part)) != part {
			t.Fatalf("accepted with a part that is spelled %q", part)
		}
	}
	payload, err := joseVerify(text, x.issuers[tok.SigningKeyID()])
	if err != nil {
		t.Fatalf("go-jose: %v", err)
	}
	var jwes []string
	if err := json.Unmarshal(members(t, payload)["sealed"], &jwes); err != nil {
		t.Fatal(err)
	}
	var plaintexts [][]byte
	for _, jwe := range jwes {
		recipient, ours := x.recipients[checkBinding(t, tok, jwe)]
		if !ours || !decrypts {
			continue
		}
		plaintext, err := joseDecrypt(jwe, recipient)
		if err != nil {
			t.Fatalf("go-jose: %v", err)
		}
		for _, part := range strings.Split(jwe, ".") {
			if encode(decode(part)) != part {
				t.Fatalf("accepted with a part that is spelled %q", part)
			}
		}
		plaintexts = append(plaintexts, plaintext)
	}
	if tok.SealedForOthers() != len(jwes)-len(plaintexts) {
		t.Fatalf("%d for others, want %d", tok.SealedForOthers(), len(jwes)-len(plaintexts))
	}
	checkMerged(t, tok, payload, plaintexts...)
}

// FuzzOpenSelective tries any text as a token.
func FuzzOpenSelective(f *testing.F) {
	x, tokens := newFuzzFixture(f)
	for _, g := range tokens {
		f.Add(g.Token)
		f.Add(g.Token + "=")
		if p := strings.Split(g.Token, "."); len(p) == 3 {
			payload := strings.Replace(string(decode(p[1])), `"sealed"`, `"Sealed"`, 1)
			f.Add(p[0] + "." + encode([]byte(payload)) + "." + p[2])
			f.Add(encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + p[1] + ".")
			f.Add(jwesIn(g.Token)[0])
		}
	}
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		atTheGate := x.open(t, x.gateway, text)
		if atTheGate != nil {
			x.checkSelective(t, atTheGate, text, false)
		}
		if tok := x.open(t, x.selective, text); tok != nil {
			x.checkSelective(t, tok, text, true)
			if atTheGate == nil {
				t.Fatal("opened by its recipient, and refused by the gateway before")
			}
		}
		for _, o := range x.openers {
			if tok := x.open(t, o, text); tok != nil && atTheGate != nil {
				t.Fatal("a token of both forms")
			}
		}
	})
}

// FuzzSealed tries texts inside a correct signature and encryption: any claims in clear, any two
// plaintexts for us, and any further members in the header of the first JWE. A trusted issuer may
// be careless.
func FuzzSealed(f *testing.F) {
	clear := forgeSelective().Claims.Text()
	for _, seed := range []struct{ clear, header, first, second string }{
		{clear, "", `{"email":"ada@example.com"}`, `{"email":"ada@example.com","weight":84.50}`},
		{clear, "", `{"a":1}`, `{"a":1.0}`},
		{clear, "", `{"a":[1,{"b":2}]}`, ` { "a" : [ 1, { "b":2 } ] } `},
		{clear, "", `{"a":1}`, `{"A":1}`},
		{clear, "", "{}", `{"\u0061":"\ud83d\ude00"}`},
		{clear, "", `{"scope":"read-thistle"}`, "{}"},
		{clear, "", `{"Scope":"write"}`, `[]`},
		{clear, "", `{"cnf":{}}`, `{"\u017fub":"eve"}`},
		{clear, `,"sub":"subject-kestrel-42","exp":1767226200.0`, "{}", "{}"},
		{clear, `,"sub":"eve"`, "{}", "{}"},
		{clear, `,"jti":"other"`, "{}", "{}"},
		{clear, `,"JTI":"id-bramble-99"`, "{}", "{}"},
		{clear, `,"crit":["x"],"x5c":5`, "{}", "{}"},
		{clear, `,"apu":"QQ","zip":"DEF"`, "{}", "{}"},
		{strings.Replace(clear, `"jti"`, `"jtj"`, 1), "", "{}", "{}"},
		{strings.Replace(clear, `"id-bramble-99"`, `""`, 1), "", "{}", "{}"},
		{strings.Replace(clear, `"scope"`, `"email"`, 1), "", `{"Email":null}`, `{"x":null}`},
		{strings.Replace(clear, `"scope"`, `"Sealed"`, 1), "", "{}", "{}"},
		{strings.Replace(clear, "{", "\n{ ", 1), "", `{"a":"<&>"}`, "{}"},
	} {
		f.Add(seed.clear, seed.header, seed.first, seed.second)
	}
	cfg := selectiveConfig()
	opener := newOpener(f, cfg)
	gateway(&cfg)
	atTheGate := newOpener(f, cfg)
	own, second := testKeyFor(keys.ECDHES), testKeyFor(keys.ECDHESA256KW)
	recipients := map[string]jose.JSONWebKey{own.Kid: own.Jose(own.Private), second.Kid: second.Jose(second.Private)}
	signer := testKeyFor(keys.ES256)
	x := &fuzzFixture{at: clock, issuers: map[string]jose.JSONWebKey{signer.Kid: signer.Jose(signer.Public())}, recipients: recipients}
	f.Fuzz(func(t *testing.T, clear, header, first, other string) {
		if clear == "" {
			return // it would mean the claims of the forge
		}
		s := forgeSelective()
		s.JWEs[0] = forgeSealed(second)
		s.JWEs[1].Outer.Edit = func(text string) string { return strings.TrimSuffix(text, "}") + header + "}" }
		plaintext(first)(s.JWEs[1])
		plaintext(other)(s.JWEs[0])
		// The payload ends with sealed. A payload that is not an object is not changed.
		payload := clear
		if end := strings.LastIndexByte(clear, '}'); end >= 0 {
			payload = clear[:end] + `,"sealed":` + jsonArray([]string{jweOf(s.JWEs[0]), jweOf(s.JWEs[1])}) + clear[end:]
		}
		s.Claims.Say(payload)
		token := s.Token()
		tok := x.open(t, opener, token)
		seen := x.open(t, atTheGate, token)
		if tok == nil {
			return
		}
		if seen == nil {
			t.Fatal("opened by its recipient, and refused by the gateway before")
		}
		checkMerged(t, tok, []byte(payload), []byte(first), []byte(other))
		checkMerged(t, seen, []byte(payload))
		// go-jose refuses some members that we ignore, such as a malformed x5c.
		if header == "" {
			x.checkSelective(t, tok, token, true)
		}
	})
}
