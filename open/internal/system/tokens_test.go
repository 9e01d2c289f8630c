package system_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
	"github.com/sealjwt/sealjwt/open/opentest"
	"github.com/sealjwt/sealjwt/seal"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// These are the canaries in claims.
const (
	canaryEmail   = "quetzal.wobbegong@canary.example"
	canarySubject = "subject-axolotl-5417"
	canaryStreet  = "12 Pangolin Crescent, Fictonville"
	canaryDeep    = "the deepest nudibranch of all"
	canaryAccount = 7301948265017342
)

// canaryProfile has claims in a struct, with all types that can hold a text.
type canaryProfile struct {
	Email   string          `json:"email"`
	Account int64           `json:"account"`
	Address map[string]any  `json:"address"`
	Raw     json.RawMessage `json:"raw"`
	Next    *canaryProfile  `json:"next,omitempty"`
}

func newCanaryProfile(f finder) canaryProfile {
	for _, s := range []string{canaryEmail, canarySubject, canaryStreet, canaryDeep, fmt.Sprint(canaryAccount)} {
		f.addBytes([]byte(s))
	}
	f.addPrinted(int64(canaryAccount))
	f.addPrinted(float64(canaryAccount))
	f.addWord(canaryAccount)
	p := canaryProfile{Email: canaryEmail, Account: canaryAccount, Raw: json.RawMessage(`{"deep":["` + canaryDeep + `"]}`),
		Address: map[string]any{"street_address": canaryStreet, "lines": []any{canaryStreet, canaryDeep}}}
	next := p
	p.Next = &next
	return p
}

// redactionSamples returns samples of all exported types, and a finder of the secrets that none of
// them may show.
func redactionSamples(t testing.TB) (finder, []sample) {
	t.Helper()
	f := newFinder()
	c := newCanaryKeys(t, f)
	profile := newCanaryProfile(f)
	samples := append(keySamples(t, f, c), jwksSamples(t, c)...)
	samples = append(samples, claimSamples(t, profile)...)
	samples = append(samples, tokenSamples(t, c, profile)...)
	samples = append(samples, sessionSamples(t, c)...)
	samples = append(samples, leakSamples(t, c, profile)...)
	return f, append(samples, errorSamples(t, c, profile)...)
}

// canaryConfigs returns configurations of one form that seal and open with the canary keys.
func canaryConfigs(c canaryKeys, form bool) (anySeal, anyOpen) {
	issuer, recipient := keytest.NewSet(c.es256.Held), keytest.NewSet(c.ecdhES.Held, c.rsaES.Held)
	to := anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:     issuerID,
		Signing:    issuer,
		Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: recipient}},
		Limits:     seal.Limits{Lifetime: 10 * time.Minute},
	}, Selective: form}
	checked := func(private *testKey) func(context.Context, *open.Token) error {
		return func(_ context.Context, tok *open.Token) error {
			if private == nil || tok == nil {
				return fmt.Errorf("never: %v", private)
			}
			return nil
		}
	}
	from := anyOpen{SelectiveConfig: open.SelectiveConfig{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuerID, Keys: issuer}},
		Decryption: recipient,
		Check:      checked(c.es256),
		Limits:     open.Limits{Cache: 10},
	}, Selective: form}
	return to, from
}

// claimSamples returns samples of the types that hold claims before they are sealed, and of the
// types that are read from claims.
func claimSamples(t testing.TB, profile canaryProfile) []sample {
	t.Helper()
	text := must(json.Marshal(profile))
	escaped := `{"\u0065mail":"` + canaryEmail + `","` + canaryDeep + `":{"a":[` + fmt.Sprint(canaryAccount) + `]}}`
	object := must(strict.ParseObject(text))
	inner, _, err := object.Object("address")
	if err != nil {
		t.Fatal(err)
	}
	var decoded map[string]any
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatal(err)
	}
	claims := func(custom any) seal.Claims {
		return seal.Claims{Subject: canarySubject, ID: canaryDeep, Custom: custom}
	}
	samples := []sample{
		sampleOf("a struct", claims(profile)), sampleOf("a pointer", claims(&profile)), sampleOf("a map", claims(decoded)),
		sampleOf("JSON", claims(json.RawMessage(text))), sampleOf("none", claims(nil)), sampleOf("", seal.Session{ID: "a session", NotAfter: time.Unix(1, 0)}),
		sampleOf("", object), sampleOf("escaped", must(strict.ParseObject([]byte(escaped)))), sampleOf("inner", inner), sampleOf("zero", strict.Object{}), sampleOf("", strict.Literal{}),
		sampleOf("", pii.Email),
	}
	found := pii.InObject(object)
	found = append(found, pii.InObject(must(strict.ParseObject([]byte(`{"`+canaryEmail+`":{"`+canaryEmail+`":"`+canaryEmail+`"}}`))))...)
	if len(found) < 3 {
		t.Errorf("only %v is found", found)
	}
	for _, finding := range found {
		samples = append(samples, sampleOf("", finding))
	}
	return samples
}

// tokenSamples returns samples of the types that seal and open, and of their tokens.
func tokenSamples(t testing.TB, c canaryKeys, profile canaryProfile) (samples []sample) {
	t.Helper()
	for _, form := range []bool{nestedForm, selectiveForm} {
		to, from := canaryConfigs(c, form)
		sealer, opener := must(newAny(to)), must(newAnyOpener(from))
		text := must(sealer.Seal(t.Context(), seal.Claims{Subject: canarySubject, Custom: profile}))
		tok := must(opener.Open(t.Context(), text))
		var claims canaryProfile
		if err := tok.Claims(&claims); err != nil || claims.Email != canaryEmail || tok.Subject() != canarySubject {
			t.Fatalf("the token holds no canary: %v", err)
		}
		if again := must(opener.Open(t.Context(), text)); again != tok {
			t.Fatal("the opener has an empty cache")
		}
		name := fmt.Sprintf("selective %v", form)
		samples = append(samples, sampleOf(name, to.SelectiveConfig), sampleOf(name, from.SelectiveConfig), sampleOf(name, to.Recipients[0]), sampleOf(name, from.Trust[0]),
			sampleOf(name, seal.Config{Signing: to.Signing, Recipient: seal.Recipient{Keys: to.Recipients[0].Keys}}), sampleOf(name, seal.Recipient{Keys: to.Recipients[0].Keys}),
			sampleOf(name, from.Nested()), sampleOf(name, open.GatewayConfig{Trust: from.Trust, Check: from.Check}),
			sampleOf(name, to.Limits), sampleOf(name, from.Limits), sampleOf(name, from.AllowMissing),
			sampleOf(name, sealer), sampleOf(name+", value", *sealer), sampleOf(name, opener), sampleOf(name+", value", *opener),
			sampleOf(name, tok), sampleOf(name+", value", *tok))
		samples = append(samples, bearerSamples(t, name, opener, text)...)
	}
	target := opentest.Target{
		Open:   func(context.Context, string) error { return nil },
		Issuer: opentest.Issuer{ID: issuerID, Signing: must(json.Marshal(c.es256.Jose(c.es256.Private)))}, Audience: audience,
		Recipient: must(json.Marshal(c.ecdhES.Jose(c.ecdhES.Private))), Now: clock,
	}
	samples = append(samples, sampleOf("", target), sampleOf("", target.Issuer), sampleOf("", target.Limits))
	cases := must(opentest.Cases(target))
	for _, i := range []int{0, len(cases) / 2, len(cases) - 1} {
		samples = append(samples, sampleOf("", cases[i]))
	}
	return samples
}

// bearerSamples returns samples of the types that open the tokens of requests, and of their reports
// about a cut token and about one that lacks a scope.
func bearerSamples(t testing.TB, name string, opener *open.Opener, text string) (samples []sample) {
	t.Helper()
	var told []bearer.Refusal
	cfg := bearer.Config{Opener: opener, Cookie: "token", OnRefusal: func(ctx context.Context, r bearer.Refusal) {
		told = append(told, r)
		samples = append(samples, sampleOf(name, ctx))
	}}
	auth := must(bearer.New(cfg))
	h := auth.Require(bearer.RequireScope("read")(http.NotFoundHandler()))
	for _, token := range []string{text, text[:len(text)-40]} {
		r := httptest.NewRequest(http.MethodGet, "/"+canaryEmail+"?access_token="+text, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if len(told) != 2 || told[0].Status != http.StatusForbidden {
		t.Fatalf("told of %+v", told)
	}
	var passed context.Context
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "token", Value: text})
	auth.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { passed = r.Context() })).ServeHTTP(httptest.NewRecorder(), r)
	return append(samples, sampleOf(name, cfg), sampleOf(name, auth), sampleOf(name+", value", *auth), sampleOf[bearer.Opener](name, opener),
		sampleOf(name+", scope", told[0]), sampleOf(name+", cut", told[1]), sampleOf(name+", of a request", passed))
}
