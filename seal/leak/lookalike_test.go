package leak

import (
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// An object of claims may have the names of a token in the JSON serialization. What is personal in it
// stays a finding, whether the names mean a token or not.
func TestClaimsThatLookLikeATokenLoseNothing(t *testing.T) {
	inner := compact(someHeader, `{"email":"ada@example.com"}`, "s")
	for _, object := range []string{
		`{"payload":"ada@example.com","signature":"abc"}`,
		`{"payload":"write to ada@example.com","signature":"abc"}`,
		`{"payload":"{\"given_name\":\"Ada\"}","signature":"abc"}`,
		`{"payload":" {\"given_name\":\"Ada\"}","signature":"abc"}`,
		`{"payload":"` + compact(`{"sub":"1"}`) + ` of ada@example.com","signature":"abc"}`,
		`{"payload":"4111111111111111","signature":"abc"}`,
		`{"payload":"DE89370400440532013000","signature":"abc"}`,
		`{"payload":"` + inner + `","signature":"abc"}`,
		`{"payload":"e30","payload":"ada@example.com","signature":"abc"}`,
		`{"payload":"e30","signature":"ada@example.com"}`,
		`{"payload":"e30","signature":"4111111111111111"}`,
		`{"payload":"e30","protected":"ada@example.com"}`,
		`{"payload":"e30","protected":"4111111111111111"}`,
		`{"ciphertext":"AAAA","iv":"AAAA","aad":"ada@example.com"}`,
		`{"ciphertext":"AAAA","iv":"AAAA","aad":"4111111111111111"}`,
		`{"ciphertext":"AAAA","iv":"AAAA","aad":"` + compact("ada@example.com") + `"}`,
		`{"ciphertext":"4111111111111111","iv":"AAAA"}`,
		`{"ciphertext":"AAAA","iv":"4111111111111111"}`,
		`{"ciphertext":"AAAA","iv":"AAAA","tag":"ada@example.com"}`,
		`{"payload":"e30","signature":"abc","kty":"oct","k":"c2VjcmV0"}`,
		`{"payload":"e30","signature":"abc","kty":"EC","d":"c2VjcmV0"}`,
	} {
		for place, claims := range map[string]string{
			"a claim": `{"sub":"u-1","event":` + object + `}`,
			"a list":  `{"sub":"u-1","events":[1,` + object + `]}`,
			"the top": `{"sub":"u-1",` + object[1:],
		} {
			if u, err := Read(compact(someHeader, claims, "s")); err != nil || u.Personal() != 1 {
				t.Errorf("%s: %s: %d findings, %v", place, object, u.Personal(), err)
			}
		}
		if u, err := Read(object); err != nil || u.Personal() != 1 {
			t.Errorf("%s: %d findings, %v", object, u.Personal(), err)
		}
	}
}

// The random bytes of a token in the JSON serialization are judged as they are written, and are
// seldom taken for personal data.
func TestRandomPartsAreNotPersonal(t *testing.T) {
	r := rand.New(rand.NewChaCha8([32]byte{1}))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	found := 0
	const tries = 20_000
	for range tries {
		u, err := Read(`{"payload":"e30","protected":"` + compact(someHeader) + `","signature":"` + random(64) + `","ciphertext":"` + random(30) + `","iv":"` + random(12) + `","tag":"` + random(16) + `"}`)
		if err != nil {
			t.Fatal(err)
		}
		if found += u.Personal(); len(u.Layers[0].Header) != 1 && u.Personal() == 0 {
			t.Fatalf("%+v", u.Layers[0].Header)
		}
	}
	if found > tries/1000 {
		t.Errorf("%d of %d tokens of random bytes hold personal data", found, tries)
	}
}

// A payload may be an array of claims, or JSON that was encoded twice.
func TestPayloadsWithoutAnObject(t *testing.T) {
	const claims = `{"sub":"u-1","given_name":"Ada"}`
	for payload, want := range map[string][]string{
		`[` + claims + `]`:                   {"token: payload[0].given_name: name"},
		` [1,` + claims + `,` + claims + `]`: {"token: payload[1].given_name: name", "token: payload[2].given_name: name"},
		`[[` + claims + `]]`:                 {"token: payload[0][0].given_name: name"},
		`[` + claims + `,`:                   {"token: payload[0].given_name: name"},
		`[1] ada@example.com`:                {"token: payload: e-mail address"},
		quote(claims):                        {"token: given_name: name"},
		quote(`[` + claims + `]`):            {"token: payload[0].given_name: name"},
		quote("mail ada@example.com"):        {"token: payload: e-mail address"},
		quote(quote(claims)):                 nil, // once
		`[1,2,"a"]`:                          nil,
		`"a"`:                                nil,
	} {
		for form, token := range map[string]string{
			"compact": compact(someHeader, payload, "s"),
			"JSON":    `{"payload":"` + compact(payload) + `","protected":"` + compact(someHeader) + `","signature":"s"}`,
		} {
			if got := seenIn(token); !slices.Equal(got, want) {
				t.Errorf("%s: %s:\n got %q\nwant %q", form, payload, got, want)
			}
			if l := outer(t, token); l.HasClaims {
				t.Errorf("%s: %s: it is no object", form, payload)
			}
		}
	}
	for _, payload := range []string{`["` + plainJWS + `"]`, quote(plainJWS), quote(`{"a":"` + plainJWS + `"}`)} {
		u, err := Read(compact(someHeader, payload, "s"))
		if err != nil || len(u.Layers) != 2 || !u.Layers[0].HoldsToken {
			t.Errorf("%s: %v, %+v", payload, err, u)
		}
	}
}

// An SD-JWT in the JSON serialization has its disclosures in an unprotected header, RFC 9901 section 8.
func TestDisclosuresInJSON(t *testing.T) {
	disclosure := compact(`["salt","email","ada@example.com"]`)
	header := `"header":{"disclosures":["` + disclosure + `","` + compact(`["salt","sub","u-1"]`) + `"],"kb_jwt":"` + compact(`{"alg":"ES256","typ":"kb+jwt"}`, `{"nonce":"n"}`, "s") + `"}`
	member := `"protected":"` + compact(someHeader) + `","signature":"s"`
	for name, token := range map[string]string{
		"flattened":         `{"payload":"` + compact(`{"_sd":["x"]}`) + `",` + header + `,` + member + `}`,
		"general":           `{"payload":"` + compact(`{"_sd":["x"]}`) + `","signatures":[{` + header + `,` + member + `}]}`,
		"second in general": `{"payload":"` + compact(`{"_sd":["x"]}`) + `","signatures":[{` + member + `},{` + header + `,` + member + `}]}`,
	} {
		u, err := Read(token)
		if err != nil || u.Personal() != 1 || len(u.Layers) != 3 {
			t.Fatalf("%s: %v, %+v", name, err, u)
		}
		forms := []Form{u.Layers[0].Form, u.Layers[1].Form, u.Layers[2].Form}
		slices.Sort(forms)
		if !slices.Equal(forms, []Form{JWS, JWS, Disclosures}) || !slices.Contains(u.Layers[0].Faults, faultSD) {
			t.Errorf("%s: %q, %q", name, forms, u.Layers[0].Faults)
		}
		if got := seenIn(token); !slices.Equal(got, []string{"token disclosures: email: e-mail address"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, odd := range []string{`[`, `[1`, `["a`, `{}`, `[["a"]]`, `[1,{"email":"x"}`, `"x"`} {
		if _, err := Read(`{"payload":"` + disclosure + `","signature":"s","header":{"disclosures":` + odd + `}}`); err != nil {
			t.Errorf("%s: %v", odd, err)
		}
	}
	if u, err := Read(`{"payload":"e30","signature":"s","header":{"disclosures":["` + strings.Repeat(disclosure+`","`, 20_000) + `"]}}`); err != nil || !slices.Contains(u.Limits, LimitMembers) {
		t.Errorf("%v, %q", err, u.Limits)
	}
}
