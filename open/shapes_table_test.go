package open_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// shapesOfTheWorld returns the deployments in turn. If a profile lets the client choose the
// algorithm, the row has those that are offered here.
func shapesOfTheWorld() []shape {
	type suites = []keys.Suite
	type contents = []keys.Content
	es256, rs256, ps256 := suites{keys.ES256}, suites{keys.RS256}, suites{keys.PS256}
	oaep, oaep256, bothOAEP := suites{keys.RSAOAEP}, suites{keys.RSAOAEP256}, suites{keys.RSAOAEP, keys.RSAOAEP256}
	gcm, cbc256, cbc512 := contents{keys.A256GCM}, contents{keys.A128CBCHS256}, contents{keys.A256CBCHS512}

	iss, aud, sub := member{"iss", quoted(issuerID)}, member{"aud", quoted(audience)}, member{"sub", `"subject-kestrel-42"`}
	iat, jti, nonce := member{"iat", seconds(-5)}, member{"jti", `"id-bramble-99"`}, member{"nonce", `"n-0S6_WzA2Mj"`}
	exp := func(s int64) member { return member{"exp", seconds(s)} }
	email, code := member{"email", `"ada.quillwood@example.com"`}, member{"code", `"c-17"`}
	state, nbf := member{"state", `"s-4"`}, member{"nbf", seconds(-5)}
	introspection := member{"token_introspection", `{"active":true,"sub":"u-42","exp":1767229200}`}
	logout := member{"events", `{"http://schemas.openid.net/event/backchannel-logout":{}}`}
	event := member{"events", `{"https://schemas.openid.net/secevent/caep/event-type/session-revoked":{}}`}
	login := func(lives int64) object { return object{iss, sub, aud, iat, exp(lives), nonce} }
	day := needLifetime(24 * time.Hour)

	replicated := func(f *forgery) {
		f.Outer.Add("iss", quoted(issuerID))
		f.Outer.Add("aud", quoted(audience))
	}
	x5tAndNoKid := func(f *forgery) {
		noKid(f)
		f.Outer.Add("x5t", `"C2r3JtjtRCcCSkUJ9HlZwZCNzzI"`)
	}
	bare := func(f *forgery) { noKid(f); noInnerKid(f); noCty(f) }
	anySig, anyEnc := signingSuites, managementSuites

	return []shape{
		{deployment: "Singpass", nested: "ID token", signing: es256, management: suites{keys.ECDHESA256KW, keys.RSAOAEP256}, contents: cbc512,
			inner: "JWT", claims: login(24*3600 - 5), needs: []need{needType("JWT"), day}},
		{deployment: "Corppass", nested: "ID token", signing: es256, management: suites{keys.ECDHESA256KW}, contents: cbc512,
			inner: "JWT", claims: login(24*3600 - 5), needs: []need{needType("JWT"), day}},
		{deployment: "FranceConnect+", nested: "ID token", signing: es256, management: suites{keys.ECDHES, keys.RSAOAEP, keys.RSAOAEP256}, contents: gcm,
			outer: replicated, claims: login(55), needs: []need{needNoType("nonce")}},
		{deployment: "FranceConnect+", nested: "userinfo", signing: es256, management: suites{keys.ECDHES, keys.RSAOAEP, keys.RSAOAEP256}, contents: gcm,
			outer: replicated, claims: object{iss, aud, sub, iat, exp(55), email}, needs: []need{needNoType("email")}},
		{deployment: "FranceConnect+", nested: "introspection", signing: es256, management: suites{keys.ECDHES, keys.RSAOAEP, keys.RSAOAEP256}, contents: gcm,
			outer: replicated, inner: "token-introspection+jwt", claims: object{iss, aud, iat, introspection}, needs: []need{needType("token-introspection+jwt"), needNoExpiry}},
		{deployment: "Open Finance Brasil (ID3)", nested: "ID token with CPF", signing: ps256, management: oaep, contents: gcm,
			inner: "JWT", claims: append(login(300), member{"cpf", `"76109277673"`}), needs: []need{needType("JWT")}},
		{deployment: "Open Finance Brasil (ID3)", nested: "request object", signing: ps256, management: oaep, contents: gcm,
			inner: "JWT", claims: object{iss, aud, nbf, exp(300), nonce, state, {"client_id", `"app"`}}, needs: []need{needType("JWT")}},
		{deployment: "Australia CDR", nested: "ID token", signing: suites{keys.PS256, keys.ES256}, management: bothOAEP, contents: contents{keys.A256GCM, keys.A128CBCHS256},
			inner: "JWT", claims: login(300), needs: []need{needType("JWT")}},
		{deployment: "Australia CDR", nested: "JARM", signing: suites{keys.PS256, keys.ES256}, management: bothOAEP, contents: contents{keys.A256GCM, keys.A128CBCHS256},
			claims: object{iss, aud, exp(300), code, state}, needs: []need{needNoType("code")}},
		{deployment: "Finland, trust network", nested: "ID token", signing: rs256, management: oaep, contents: cbc256,
			claims: append(login(300), member{"urn:oid:1.2.246.21", `"131052-308T"`}), needs: []need{needNoType("nonce")}},
		{deployment: "Finland, trust network", nested: "userinfo", signing: rs256, management: oaep, contents: cbc256,
			claims: object{iss, sub, aud, iat, exp(300), {"urn:oid:1.2.246.21", `"131052-308T"`}}, needs: []need{needNoType("urn:oid:1.2.246.21")}},
		{deployment: "Belgium, itsme", nested: "ID token", signing: rs256, management: bothOAEP, contents: cbc256,
			claims: login(300), needs: []need{needNoType("nonce")}},
		{deployment: "Belgium, itsme", nested: "userinfo", signing: rs256, management: bothOAEP, contents: cbc256,
			claims: object{iss, sub, aud, iat, exp(300), email}, needs: []need{needNoType("email")}},
		{deployment: "Belgium, itsme", nested: "request object", signing: rs256, management: bothOAEP, contents: cbc256,
			claims: object{iss, aud, iat, exp(300), nonce, state, {"response_type", `"code"`}}, needs: []need{needNoType("response_type")}},
		{deployment: "Netherlands, VWS MAX", nested: "userinfo", signing: rs256, management: oaep, contents: cbc256,
			outer: x5tAndNoKid, claims: object{iss, aud, nbf, exp(300), {"uzi_id", `"900021219"`}}, needs: []need{needNoType("uzi_id"), needNoKeyID}},
		{deployment: "GOV.UK One Login", nested: "request object", signing: es256, management: oaep256, contents: gcm,
			inner: "JWT", claims: object{iss, sub, aud, nbf, exp(3600), state, {"shared_claims", `{"name":[]}`}}, needs: []need{needType("JWT")}},
		{deployment: "GOV.UK One Login", nested: "request object, JWE without kid", signing: es256, management: oaep256, contents: gcm,
			outer: noKid, inner: "JWT", claims: object{iss, sub, aud, nbf, exp(3600), state, {"shared_claims", `{"name":[]}`}}, needs: []need{needType("JWT"), needNoKeyID}},
		{deployment: "UAE Open Finance", nested: "request object", signing: ps256, management: oaep256, contents: gcm,
			outer: noCty, claims: object{iss, aud, nbf, exp(300), nonce, {"authorization_details", `[{"type":"consent"}]`}}, needs: []need{needNoContentType, needNoType("authorization_details")}},
		{deployment: "Auth0, highly regulated identity", nested: "access token", signing: rs256, management: oaep256, contents: gcm,
			inner: "at+jwt", claims: object{iss, sub, aud, iat, exp(24*3600 - 5), jti, {"client_id", `"app"`}}, needs: []need{needType("at+jwt"), day}},
		{deployment: "Auth0, highly regulated identity", nested: "access token, no kid configured", signing: rs256, management: oaep256, contents: gcm,
			outer: noKid, inner: "at+jwt", claims: object{iss, sub, aud, iat, exp(24*3600 - 5), jti, {"client_id", `"app"`}}, needs: []need{needType("at+jwt"), day, needNoKeyID}},
		{deployment: "Keycloak", nested: "ID token", signing: rs256, management: bothOAEP, contents: contents{keys.A256GCM, keys.A128CBCHS256},
			inner: "JWT", claims: append(login(300), member{"azp", quoted(audience)}), needs: []need{needType("JWT")}},
		{deployment: "RFC 9701 introspection response", nested: "response", signing: anySig, management: anyEnc, contents: allContents,
			inner: "token-introspection+jwt", claims: object{iss, aud, iat, introspection}, needs: []need{needType("token-introspection+jwt"), needNoExpiry}},
		{deployment: "SET (RFC 8417), encrypted", nested: "event", signing: anySig, management: anyEnc, contents: allContents,
			inner: "secevent+jwt", claims: object{iss, aud, iat, jti, event}, needs: []need{needType("secevent+jwt"), needNoExpiry}},
		{deployment: "JARM (FAPI message signing)", nested: "authorization response", signing: ps256, management: anyEnc, contents: allContents,
			claims: object{iss, aud, exp(300), code, state}, needs: []need{needNoType("code")}},
		{deployment: "Back-channel logout token", nested: "logout token", signing: anySig, management: anyEnc, contents: allContents,
			inner: "logout+jwt", claims: object{iss, sub, aud, iat, exp(115), jti, logout}, needs: []need{needType("logout+jwt")}},

		// Four stay closed. They lack the members that tie a token to its sender, its reader or its
		// time, and a switch would have to give up all of that.
		{deployment: "Singpass MyInfo v3", nested: "person data", signing: rs256, management: oaep, contents: gcm,
			outer: bare, claims: object{{"uinfin", `{"value":"S1234567D"}`}, email},
			refused: open.ErrIssuer, because: `iss is "" (not verified)`},
		{deployment: "Italy, SPID/CIE", nested: "userinfo", signing: rs256, management: suites{keys.RSAOAEP, keys.RSAOAEP256, keys.ECDHES}, contents: cbc512,
			claims: object{sub, email}, refused: open.ErrIssuer, because: `iss is "" (not verified)`},
		{deployment: "UAE Open Finance (payment)", nested: "payment PII", signing: ps256, management: oaep256, contents: gcm,
			outer: noCty, claims: object{{"Initiation", `{"DebtorAccount":{"Identification":"AE070331234567890123456"}}`}},
			refused: open.ErrIssuer, because: `iss is "" (not verified)`},
		{deployment: "gematik IDP, EUDI wallets", nested: "gematik, ECDH-ES on brainpool", signing: es256, management: suites{keys.ECDHES}, contents: gcm,
			outer: both(njwt, brainpool), claims: login(300), refused: open.ErrType, because: `the cty of a JWE is "NJWT"`},
		{deployment: "gematik IDP, EUDI wallets", nested: "gematik, dir", signing: es256, management: suites{keys.ECDHES}, contents: gcm,
			outer: both(njwt, directly), claims: login(300), refused: open.ErrType, because: `the cty of a JWE is "NJWT"`},
		{deployment: "gematik IDP, EUDI wallets", nested: "gematik, to a key of ours", signing: es256, management: suites{keys.ECDHES}, contents: gcm,
			outer: njwt, claims: login(300), refused: open.ErrType, because: `the cty of a JWE is "NJWT"`},
		{deployment: "gematik IDP, EUDI wallets", nested: "gematik without cty, ECDH-ES on brainpool", signing: es256, management: suites{keys.ECDHES}, contents: gcm,
			outer: both(njwt, both(brainpool, noCty)), claims: login(300), refused: open.ErrMalformed, because: "epk"},
		{deployment: "gematik IDP, EUDI wallets", nested: "gematik without cty, dir", signing: es256, management: suites{keys.ECDHES}, contents: gcm,
			outer: both(njwt, both(directly, noCty)), claims: login(300), refused: open.ErrAlgorithm, because: `"dir"`},
		{deployment: "gematik IDP, EUDI wallets", nested: "gematik without cty, to a key of ours", signing: es256, management: suites{keys.ECDHES}, contents: gcm,
			outer: both(njwt, noCty), claims: login(300), refused: open.ErrMalformed, because: "not canonical base64url"},
		{deployment: "gematik IDP, EUDI wallets", nested: "EUDI presentation", signing: es256, management: suites{keys.ECDHES}, contents: contents{keys.A128GCM, keys.A256GCM},
			outer: both(noCty, unsigned), claims: object{{"vp_token", `{"pid":["eyJhbGciOiJFUzI1NiJ9"]}`}, state},
			refused: open.ErrMalformed, because: "1 part where a signed token of 3 is expected"},
	}
}

// unsigned encrypts the claims without a signature (OpenID4VP section 8.3, response mode
// direct_post.jwt).
func unsigned(f *forgery) { f.BendPlain = func(string) string { return f.Claims.Text() } }

// njwt is the format of gematik: the exp stands in the outer header, and the plaintext is an object
// with the signed token.
func njwt(f *forgery) {
	f.Outer.Set("cty", `"NJWT"`)
	f.Outer.Add("exp", seconds(300))
	f.Inner.Set("alg", `"BP256R1"`)
	f.BendPlain = func(jws string) string { return `{"njwt":` + quoted(jws) + `}` }
}

// directly encrypts under a shared key (RFC 7518 section 4.5).
func directly(f *forgery) {
	f.Outer.Set("alg", `"dir"`)
	f.Outer.Remove("epk")
	cek := []byte(strings.Repeat("k", f.Content.Key))
	f.Seal = func(_, iv, aad, plaintext []byte) (ciphertext, tag []byte) {
		return forge.EncryptContent(cek, iv, aad, plaintext)
	}
}

// brainpool agrees on the secret of RFC 7027 appendix A.1, with the ephemeral key of its party A.
func brainpool(f *forgery) {
	point := func(s string) string { return encode(must(hex.DecodeString(s))) }
	f.Secret = must(hex.DecodeString("89afc39d41d3b327814b80940b042590f96556ec91e6ae7939bce31f3a18bf2b"))
	f.Outer.Set("epk", fmt.Sprintf(`{"kty":"EC","crv":"BP-256","x":"%s","y":"%s"}`,
		point("44106e913f92bc02a1705d9953a8414db95e1aaa49e81d9e85f929a8e3100be5"),
		point("8ab4846f11caccb73ce49cbdd120f5a900a69fd32c272223f789ef10eb089bdc")))
}
