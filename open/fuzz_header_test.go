package open_test

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// fixedEphemeral is the sender's key in every header of this test. A fuzzer would never find a
// point that fits a random one.
var fixedEphemeral = must(ecdh.P256().NewPrivateKey(bytes.Repeat([]byte{7}, 32)))

// obey makes the forgery follow its headers, as far as they can be read. If the test is about a
// header, the cryptography must be no reason to refuse the token.
func obey(f *forgery, outer, inner string) {
	var says struct{ Alg, Enc, Apu, Apv string }
	_ = json.Unmarshal([]byte(outer), &says) // a part of the text may be readable
	for _, k := range keysFor(managementSuites) {
		if k.Alg == says.Alg {
			f.Recipient, f.Management = k.Key, k.Alg
		}
	}
	if content, err := keys.ParseContent(says.Enc); err == nil {
		f.Content = contentOf(content)
	}
	f.APU, _ = base64.RawURLEncoding.DecodeString(says.Apu)
	f.APV, _ = base64.RawURLEncoding.DecodeString(says.Apv)
	f.Ephemeral = fixedEphemeral
	f.Outer.Say(outer)
	obeySigner(f, inner)
}

// obeySigner makes the forgery sign with the algorithm of this JWS header, if it can be read.
func obeySigner(f *forgery, inner string) {
	var says struct{ Alg string }
	_ = json.Unmarshal([]byte(inner), &says)
	for _, k := range keysFor(signingSuites) {
		if k.Alg == says.Alg {
			f.Signer = k.Key
		}
	}
	f.Inner.Say(inner)
}

// checkHeader reads the header of an accepted token with encoding/json and checks it.
func checkHeader(t *testing.T, text string, k *forge.Key, kinds ...string) {
	t.Helper()
	h := members(t, []byte(text))
	for _, never := range []string{"crit", "zip", "b64", "jwk", "jku", "x5u"} {
		if _, there := h[never]; there || len(text) > 4096 {
			t.Fatalf("accepted with the header %q", text)
		}
		for name := range h {
			if strings.EqualFold(name, never) {
				t.Fatalf("accepted with the header %q", text)
			}
		}
	}
	var alg, kid, kind string
	for name, dst := range map[string]*string{"alg": &alg, "kid": &kid, kinds[0]: &kind} {
		if err := json.Unmarshal(h[name], dst); err != nil {
			t.Fatalf("accepted with the header %q: %v", text, err)
		}
	}
	if k.Alg != alg || kid != k.Kid || !slices.Contains(kinds[1:], strings.ToLower(kind)) {
		t.Fatalf("accepted with the header %q", text)
	}
}

// isPlain reports whether go-jose has no reason to refuse a header that we accept. It parses some
// members that we ignore, such as x5c, and knows EdDSA by its first name only.
func isPlain(t *testing.T, texts ...string) bool {
	t.Helper()
	for _, text := range texts {
		h := members(t, []byte(text))
		var alg string
		if err := json.Unmarshal(h["alg"], &alg); err != nil || alg == "Ed25519" {
			return false
		}
		var epk map[string]json.RawMessage
		if raw, there := h["epk"]; there {
			epk = members(t, raw)
		}
		for name := range h {
			if !strings.Contains(" alg enc kid typ cty epk apu apv iss sub aud jti ", " "+name+" ") {
				return false
			}
		}
		for name := range epk {
			if !strings.Contains(" kty crv x y ", " "+name+" ") {
				return false
			}
		}
	}
	return true
}

// headerSeeds calls add with headers of both layers in both forms.
func headerSeeds(add func(outer, inner string, selective bool)) {
	epk := epkOf(fixedEphemeral.PublicKey().Bytes())
	for _, management := range managementSuites {
		for i, signing := range signingSuites {
			for _, form := range []struct {
				typ, cty  string
				selective bool
			}{{"sealed+jwt", `"JWT"`, false}, {"JWT", sealedType + `,"iss":` + quoted(issuerID) + `,"jti":"id-bramble-99"`, true}} {
				outer := `{"alg":` + quoted(management.Alg()) + `,"enc":` + quoted(allContents[i].String()) + `,"kid":"kid-of-` + management.Alg() + `","cty":` + form.cty
				if !isOAEP(management) {
					outer += `,"epk":` + epk
				}
				inner := `{"alg":` + quoted(signing.Alg()) + `,"kid":"kid-of-` + signing.Alg() + `","typ":` + quoted(form.typ)
				add(outer+"}", inner+"}", form.selective)
				for _, more := range []string{
					`,"apu":"QQ","apv":""`, `,"apu":"QR"`, `,"iss":` + quoted(issuerID), `,"sub":"eve"`, `,"zip":"DEF"`, `,"Zip":1`, `,"x5c":[]`, `,"b64":true`,
					`,"alg":"none"`, `,"\u0061lg":""`, `,"crit":["exp"],"exp":1767226200`, `,"p2c":2147483647`, `,"jwk":{}`, `,"nonce":5`, `,"n":[[[{}]]]`,
				} {
					if i == 0 && management == keys.ECDHES { // the fast path reads the defaults
						add(outer+more+"}", inner+"}", form.selective)
						add(outer+"}", inner+more+"}", form.selective)
					}
				}
			}
		}
	}
}

// FuzzHeaders tries any headers of both layers. The keys, the encryption and the signature are as
// these headers say.
func FuzzHeaders(f *testing.F) {
	headerSeeds(func(outer, inner string, selective bool) { f.Add(outer, inner, selective) })
	cfg := config()
	nested := newOpener(f, cfg)
	cfg.Selective = selectiveForm
	opener := newOpener(f, cfg)
	x := &fuzzFixture{at: clock, issuers: map[string]jose.JSONWebKey{}, recipients: map[string]jose.JSONWebKey{}}
	for _, k := range keysFor(managementSuites) {
		x.recipients[k.Kid] = k.Jose(k.Private)
	}
	for _, k := range keysFor(signingSuites) {
		x.issuers[k.Kid] = k.Jose(k.Public())
	}
	f.Fuzz(func(t *testing.T, outer, inner string, selective bool) {
		if outer == "" || inner == "" {
			return // it would mean the headers of the forge
		}
		if selective {
			fuzzSelectiveHeaders(t, x, opener, outer, inner)
			return
		}
		forged := forgeNested()
		obey(forged, outer, inner)
		token := forged.Token()
		tok := x.open(t, nested, token)
		if tok == nil {
			return
		}
		checkHeader(t, outer, forged.Recipient, "cty", "jwt", "application/jwt")
		checkHeader(t, inner, forged.Signer, "typ", "sealed+jwt", "application/sealed+jwt")
		theirs, err := joseOpen(token, x.issuers[tok.SigningKeyID()], x.recipients[tok.DecryptionKeyID()])
		if err == nil && !bytes.Equal(theirs, rawClaims(t, tok)) || err != nil && isPlain(t, outer, inner) {
			t.Fatalf("go-jose reads %q, %v", theirs, err)
		}
	})
}

func fuzzSelectiveHeaders(t *testing.T, x *fuzzFixture, opener *open.Opener, outer, inner string) {
	t.Helper()
	forged := forgeSelective()
	obeySigner(forged.Draft, inner)
	ours := forged.Ours()
	obey(ours, outer, inner)
	token := forged.Token()
	tok := x.open(t, opener, token)
	if tok == nil {
		return
	}
	checkHeader(t, outer, ours.Recipient, "cty", "sealed-claims+json", "application/sealed-claims+json")
	checkHeader(t, inner, forged.Signer, "typ", "jwt", "application/jwt")
	checkMerged(t, tok, decode(strings.Split(token, ".")[1]), []byte(ours.Claims.Text()))
	if isPlain(t, outer, inner) {
		x.checkSelective(t, tok, token, true)
	}
}
