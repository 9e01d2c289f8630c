package open_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/seal"
)

// claimsFile reads a claims file: its sub, and the claims that the sealer does not write itself.
func claimsFile(t *testing.T, file string) (subject string, custom map[string]json.RawMessage) {
	t.Helper()
	if err := json.Unmarshal(must(os.ReadFile("../testdata/claims/"+file+".json")), &custom); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(custom["sub"], &subject); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iss", "sub", "aud"} {
		delete(custom, name)
	}
	return subject, custom
}

// replicated returns a nested token with replicated claims in its header and padded claims.
func replicated(t *testing.T) goldenToken {
	signer, recipient := goldenKeys(keys.ES256, keys.ECDHES)
	g := newGolden(signer, recipient, "sealed+jwt", "Made by package seal with ES256, ECDH-ES and A256GCM, of claims/small.json; iss, sub and aud stand in the header too, and the claims are padded to 512 bytes.")
	sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:        issuerID,
		Signing:       privateSet(signer),
		AllowReadable: []string{"sub"},
		Recipients:    []seal.SelectiveRecipient{{Audience: audience, Keys: publicSet(recipient)}},
		Limits:        seal.Limits{Pad: 512},
	}, Replicate: []string{"iss", "sub", "aud"}}))
	subject, custom := claimsFile(t, "small")
	g.Token = must(sealer.Seal(t.Context(), seal.Claims{Subject: subject, Custom: custom}))
	g.Claims = must(joseClaims(g.Token, signer, recipient))
	return g
}

// twoRecipients returns a selective token that three parties open: one reads all claims, one reads
// some, and a gateway reads those in clear.
func twoRecipients(t *testing.T) goldenToken {
	signer, all := goldenKeys(keys.ES256, keys.ECDHES)
	_, some := goldenKeys(keys.ES256, keys.ECDHESA256KW)
	g := newGolden(signer, all, "JWT", "A selective token made by package seal with ES256, of claims/userinfo.json: with ECDH-ES and A256GCM for api.example.com, with ECDH-ES+A256KW and A256CBC-HS512 for billing.example.com, each padded to 256 bytes.")
	g.Form = "selective"
	sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:        issuerID,
		Signing:       privateSet(signer),
		Visible:       []string{"locale", "updated_at"},
		AllowReadable: []string{"sub", "locale", "updated_at"},
		Recipients: []seal.SelectiveRecipient{
			{Audience: audience, Keys: publicSet(all), ReadsAll: true},
			{Audience: billing, Keys: publicSet(some), Content: keys.A256CBCHS512, Reads: []string{"name", "email", "address"}},
		},
		Limits: seal.Limits{Pad: 256},
	}, Selective: true}))
	subject, custom := claimsFile(t, "userinfo")
	g.Token = must(sealer.Seal(t.Context(), seal.Claims{Subject: subject, Custom: custom}))
	g.Others = []goldenView{
		{Aud: billing, Recipient: must(json.Marshal(some.Jose(some.Private)))},
		{Aud: audience, Gateway: true},
	}
	// The view records the claims that this library reads. FuzzOpenSelective checks that go-jose
	// reads the same from this file.
	read := func(v goldenView) json.RawMessage {
		tok := must(newOpener(t, g.config(t, v)).OpenAt(t.Context(), g.Token, time.Now()))
		return rawClaims(t, tok)
	}
	g.Claims = read(g.views()[0])
	for i, v := range g.Others {
		g.Others[i].Claims = read(v)
	}
	return g
}

// foreignSelective makes a selective token with go-jose alone.
func foreignSelective(t *testing.T) goldenToken {
	signer, recipient := goldenKeys(keys.ES256, keys.ECDHES)
	g := newGolden(signer, recipient, "JWT", "A selective token made by go-jose with ES256, ECDH-ES and A128CBC-HS256; the second JWE is for another, with an algorithm that we do not offer.")
	g.Form = "selective"
	clear := fmt.Sprintf(`{"iss":"%s","aud":"%s","sub":"u-20481357","exp":%d.5,"iat":%d,"jti":"made-by-go-jose","scope":"read"`,
		issuerID, audience, clock.Unix()+900, clock.Unix())
	const sealed = `{"email":"ada@example.com","weight":84.50}`
	seal := func(to jose.Recipient, content jose.ContentEncryption, claims string) string {
		options := (&jose.EncrypterOptions{}).WithContentType("sealed-claims+json").WithHeader("iss", issuerID).WithHeader("jti", "made-by-go-jose")
		return must(must(must(jose.NewEncrypter(content, to, options)).Encrypt([]byte(claims))).CompactSerialize())
	}
	jwes := []string{
		seal(jose.Recipient{Algorithm: jose.ECDH_ES, Key: recipient.Public(), KeyID: recipient.Kid}, jose.A128CBC_HS256, sealed),
		seal(jose.Recipient{Algorithm: jose.ECDH_ES_A128KW, Key: newP256().Public(), KeyID: "another's"}, jose.A192GCM, `{"email":"eve@example.com"}`),
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", signer.Kid)
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: signer.Private}, options))
	g.Token = must(must(s.Sign([]byte(clear + `,"sealed":` + jsonArray(jwes) + "}"))).CompactSerialize())
	g.Claims = json.RawMessage(clear + "," + sealed[1:])
	g.Others = []goldenView{{Aud: audience, Gateway: true, Claims: json.RawMessage(clear + "}")}}
	return g
}

// A golden token of one form is refused in the other.
func TestGoldenForms(t *testing.T) {
	t.Parallel()
	for name, g := range goldenTokens(t) {
		cfg := g.config(t, g.views()[0])
		cfg.Selective = nestedForm
		if g.Form == "" {
			cfg.Selective = selectiveForm
		}
		if tok, err := newOpener(t, cfg).OpenAt(t.Context(), g.Token, time.Unix(g.Clock, 0)); tok != nil || err == nil {
			t.Errorf("%s passes for a token of the other form", name)
		}
	}
}
