package system_test

import (
	"context"
	"crypto"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/internal/forge"
	"github.com/sealjwt/sealjwt/seal"
)

// errorSamples returns errors of every package about texts that hold a canary.
func errorSamples(t testing.TB, c canaryKeys, profile canaryProfile) (samples []sample) {
	t.Helper()
	seen := make(map[string]bool)
	for what, errs := range map[string][]error{
		"refusal": refusals(t), "claims": claimsErrors(t, c), "seal": sealErrors(t, c, profile), "keys": keyErrors(t, c), "strict": strictErrors(t, profile),
	} {
		for i, err := range errs {
			if err == nil {
				t.Errorf("%s %d is not an error", what, i)
				continue
			}
			label, texts := fmt.Sprintf("%s %d", what, i), tree(err)
			refusal, refused := errors.AsType[*open.Error](err)
			if refused {
				texts = append(texts, refusal.Detail())
			}
			samples = append(samples, sampleOfTexts(label, texts))
			// The types of an error decide how it prints, so one of each is enough.
			if types := fmt.Sprintf("%T %T", err, errors.Unwrap(err)); !seen[types] {
				seen[types] = true
				samples = append(samples, sampleOf(label, err), sampleOf[any](label, err))
				if refused {
					samples = append(samples, sampleOf(label+", value", *refusal))
				}
			}
		}
	}
	// Their Detail is for the operator. Printing such an error must not show it.
	for i, err := range detailed(t) {
		refusal, ok := errors.AsType[*open.Error](err)
		if !ok || !strings.Contains(refusal.Detail(), canaryEmail) {
			t.Errorf("detailed %d shows no canary to the operator: %v", i, err)
			continue
		}
		label := fmt.Sprintf("detailed %d", i)
		samples = append(samples, sampleOf(label, err), sampleOf[any](label, err), sampleOf(label+", value", *refusal))
	}
	return samples
}

// detailed returns refusals with a canary in their Detail: in aud, and in the errors of a source
// and of Check.
func detailed(t testing.TB) (errs []error) {
	t.Helper()
	failed := errors.New("no answer about " + canaryEmail)
	for _, change := range []func(c *anyOpen, f *forgery){
		func(_ *anyOpen, f *forgery) { f.Claims.Set("aud", quoted(canaryEmail)) },
		func(c *anyOpen, _ *forgery) { c.Decryption = brokenSource{failed} },
		func(c *anyOpen, _ *forgery) {
			c.Check = func(context.Context, *open.Token) error { return failed }
		},
	} {
		cfg, f := config(), forgeNested()
		change(&cfg, f)
		_, err := newOpener(t, cfg).OpenAt(t.Context(), f.Token(), clock)
		errs = append(errs, err)
	}
	return errs
}

// text is a list of texts that are searched without a change.
type text []string

func sampleOfTexts(label string, texts text) sample {
	return sample{reflect.TypeFor[text](), label, texts, func(yield func(rendering) bool) {
		for _, s := range texts {
			if !yield(rendering{wayError, "text", s}) {
				return
			}
		}
	}}
}

// tree returns the texts of an error and of all errors that it wraps.
func tree(err error) (texts text) {
	texts = text{err.Error(), fmt.Sprintf("%+v %#v", err, err)}
	switch wrapping := err.(type) {
	case interface{ Unwrap() error }:
		if inner := wrapping.Unwrap(); inner != nil {
			texts = append(texts, tree(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapping.Unwrap() {
			texts = append(texts, tree(inner)...)
		}
	}
	return texts
}

// refusals returns at least one refusal of each class. The tokens have canaries in all custom
// claims and in sub.
func refusals(t testing.TB) (errs []error) {
	t.Helper()
	inner := func(name, raw string) func(f *forgery) { return func(f *forgery) { f.Inner.Set(name, raw) } }
	bends := []func(f *forgery){
		func(f *forgery) { f.BendJWE = func(s string) string { return s[:len(s)/2] } },
		func(f *forgery) { f.Claims.Say(f.Claims.Text() + "{}") },
		func(f *forgery) { f.Claims.Say(f.Claims.Text()[1:]) },
		func(f *forgery) { f.BendPlain = func(s string) string { return canaryEmail } },
		func(f *forgery) {
			f.BendPlain = func(s string) string { return strings.Replace(s, ".", ".!"+canaryEmail, 1) }
		},
		func(f *forgery) { f.Sign = func([]byte) []byte { return make([]byte, 64) } },
		bendParts(func(p *parts) { p.Tag = flip(p.Tag, 0) }),
		outer("crit", `["`+canaryEmail+`"]`), outer("enc", `"A192GCM"`), outer("cty", `"at+jwt"`), outer("iss", quoted(strangerID)), outer("sub", `"another"`),
		inner("alg", `"none"`), inner("alg", `["`+canaryEmail+`"]`), inner("kid", `"unknown"`), inner("typ", `"JWT"`), inner("cty", `"JWT"`),
		claim("iss", quoted(strangerID)), claim("iss", "1"), claim("aud", `["https://a.example"]`), claim("aud", `[["`+canaryEmail+`"]]`),
		claim("exp", seconds(-100)), claim("exp", quoted(canaryEmail)), claim("exp", fmt.Sprint(canaryAccount)), claim("nbf", seconds(100)),
		claim("exp", seconds(86400)), claim("sub", `["`+canarySubject+`"]`), claim("SUB", quoted(canarySubject)), claim("sealed", quoted(canaryEmail)),
	}
	canaries := func(f *forgery) {
		f.Claims.Set("sub", quoted(canarySubject))
		f.Claims.Set("email", quoted(canaryEmail))
		f.Claims.Set("account", fmt.Sprint(canaryAccount))
		f.Claims.Set("deep", `{"`+canaryDeep+`":["`+canaryStreet+`"]}`)
	}
	refusal := func(cfg anyOpen, token string) {
		tok, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock)
		if tok != nil {
			err = nil
		}
		errs = append(errs, err)
	}
	for _, bend := range bends {
		f := forgeNested()
		canaries(f)
		bend(f)
		refusal(config(), f.Token())
	}
	for _, bend := range []func(s *selective){
		ours(bendParts(func(p *parts) { p.Tag = flip(p.Tag, 0) })), ours(plaintext(canaryEmail)), ours(plaintext(`["` + canaryEmail + `"]`)),
		sealedClaim("nbf", fmt.Sprint(canaryAccount)), sealedClaim("scope", quoted(canaryDeep)), sealedAs(`["` + canaryEmail + `"]`), sealedAs(`"` + canaryEmail + `"`),
		ours(outer("jti", `"other"`)), ours(outer("kid", `"unknown"`)), ours(outer("sub", `"other"`)),
	} {
		s := forgeSelective()
		canaries(s.Draft)
		canaries(s.Ours())
		for _, name := range []string{"sub", "iss", "aud", "iat", "exp", "jti"} {
			s.Ours().Claims.Remove(name)
		}
		for _, name := range []string{"email", "account", "deep"} {
			s.Claims.Remove(name)
		}
		bend(s)
		refusal(selectiveConfig(), s.Token())
	}
	for _, change := range []func(c *anyOpen){
		func(c *anyOpen) { c.Require = []string{"absent"} },
		func(c *anyOpen) { c.Decryption = brokenSource{errDown} },
		func(c *anyOpen) { c.Check = func(context.Context, *open.Token) error { return errDown } },
	} {
		cfg := config()
		change(&cfg)
		f := forgeNested()
		canaries(f)
		refusal(cfg, f.Token())
	}
	_, err := newAnyOpener(anyOpen{SelectiveConfig: open.SelectiveConfig{}})
	return append(errs, err)
}

// quoting is the type of a claim. Its error quotes the text.
type quoting struct{}

func (*quoting) UnmarshalJSON(text []byte) error { return fmt.Errorf("not for me: %s", text) }
func (quoting) MarshalJSON() ([]byte, error)     { return nil, errors.New("not mine: " + canaryEmail) }

// claimsErrors returns the errors of claims that do not fit their Go type.
func claimsErrors(t testing.TB, c canaryKeys) (errs []error) {
	t.Helper()
	for _, form := range []bool{nestedForm, selectiveForm} {
		to, from := canaryConfigs(c, form)
		text := must(must(newAny(to)).Seal(t.Context(), seal.Claims{Subject: canarySubject, Custom: map[string]any{
			"Email": canaryEmail, "Account": canaryAccount, "Deep": map[string]any{canaryDeep: canaryStreet},
		}}))
		tok := must(must(newAnyOpener(from)).Open(t.Context(), text))
		for _, dst := range []any{
			&struct{ Email int }{}, &struct{ Account int8 }{}, &struct{ Account uint16 }{}, &struct{ Account string }{}, &struct{ Email time.Time }{},
			&struct{ Email []byte }{}, &struct{ Email quoting }{}, &struct{ Email json.Number }{}, &struct{ Deep map[string]int }{}, &struct{ Deep map[int]string }{},
			&map[string]int{}, &map[string]quoting{}, &[]string{}, new(string), struct{ Email string }{}, nil,
		} {
			errs = append(errs, tok.Claims(dst))
		}
	}
	return errs
}

// sealErrors returns the errors of claims that cannot be sealed, or must not be readable.
func sealErrors(t testing.TB, c canaryKeys, profile canaryProfile) (errs []error) {
	t.Helper()
	raw := string(must(json.Marshal(profile)))
	for _, form := range []bool{nestedForm, selectiveForm} {
		cfg, _ := canaryConfigs(c, form)
		sealer := must(newAny(cfg))
		for _, custom := range []any{
			raw, []byte(raw), []string{canaryEmail}, json.RawMessage(raw + "}"), json.RawMessage(raw[1:]), json.RawMessage(`{"a":"` + canaryEmail + `","a":1}`),
			map[string]any{"iss": canaryEmail}, map[string]any{"CNF": canaryEmail}, map[string]any{"a": canaryEmail + "\xff"}, map[string]any{"f": func() string { return canaryEmail }},
			map[string]any{"a": canaryEmail, "q": quoting{}}, map[float64]string{1: canaryEmail}, map[string]any{"a": strings.Repeat(canaryDeep, 5000)}, json.Number(canaryEmail),
			quoting{},
		} {
			_, err := sealer.Seal(t.Context(), seal.Claims{Subject: canarySubject, Custom: custom})
			errs = append(errs, err)
		}
		for _, claims := range []seal.Claims{
			{Subject: canarySubject + "\xff"}, {ID: canaryDeep + "\xff"}, {Subject: canarySubject, NotBefore: time.Unix(1<<40, 0), Custom: profile},
		} {
			_, err := sealer.Seal(t.Context(), claims)
			errs = append(errs, err)
		}
	}
	selective, _ := canaryConfigs(c, selectiveForm)
	selective.Visible = []string{"note", "deep"}
	for _, claims := range []seal.Claims{
		{Subject: canaryEmail}, {ID: canaryEmail}, {Custom: map[string]any{"note": "call " + canaryEmail}},
		{Custom: map[string]any{"deep": map[string]any{canaryEmail: []any{canaryEmail}}}}, {Custom: map[string]any{"deep": map[string]any{"a": []any{canaryEmail}}}},
	} {
		_, err := must(newAny(selective)).Seal(t.Context(), claims)
		errs = append(errs, err)
	}
	selective.Recipients[0].Reads = []string{"email"}
	for _, custom := range []map[string]any{{canaryEmail: 1, "email": canaryEmail}, {"account": canaryAccount, "email": 1}, {"note": canaryDeep}} {
		_, err := must(newAny(selective)).Seal(t.Context(), seal.Claims{Custom: custom})
		errs = append(errs, err)
	}
	for _, visible := range [][]string{{canaryEmail}, {"a", "A"}, {"email"}} {
		selective.Visible = visible
		_, err := newAny(selective)
		errs = append(errs, err)
	}
	return errs
}

// keyErrors returns the errors of damaged private keys, of operations of sound ones, and of KEKs
// and rings.
func keyErrors(t testing.TB, c canaryKeys) (errs []error) {
	t.Helper()
	add := func(err error) { errs = append(errs, err) }
	for _, k := range c.all() {
		jwk := must(strict.ParseObject(must(json.Marshal(k.Jose(k.Signer())))))
		for broken := range jwk.All() {
			var o forge.Object
			for name, value := range jwk.All() {
				if name == broken {
					value = json.RawMessage(`["unfit"]`)
				}
				o.Add(name, string(value))
			}
			if _, err := keys.ParseKey([]byte(o.Text()), keys.Hint{}); err != nil {
				add(err)
			}
		}
		text := string(must(json.Marshal(k.Jose(k.Signer()))))
		_, err := keys.ParseKey([]byte(text[:len(text)-1]), keys.Hint{})
		add(err)
		_, err = keys.ParseKey([]byte(`{"keys":[`+text+`]}`), keys.Hint{})
		add(err)
		_, err = keys.ParsePublicSet([]byte(`{"keys":[` + text + `]}`))
		add(err)
		_, err = keys.ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: canaryBytes(k.Suite.Alg())}), keys.Hint{Suite: k.Suite})
		add(err)
		for _, err := range operationErrors(t, k) {
			add(err)
		}
	}
	_, err := keys.NewSet(keytest.SetConfig(c.es256.Held, c.es256.Held))
	add(err)
	_, err = keyring.NewKEK(append(canaryBytes("KEK"), 0))
	add(err)
	path := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(path, append(canaryBytes("key file"), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = keyring.KEKFile(path)
	add(err)
	return append(errs, ringErrors(t, c)...)
}

// operationErrors returns the errors of operations that a key refuses, and of a key that lives
// elsewhere and does not fit.
func operationErrors(t testing.TB, k *testKey) (errs []error) {
	t.Helper()
	add := func(err error) { errs = append(errs, err) }
	elsewhere := broken{k.Signer(), errors.New("no answer")}
	if k.Held.Use() == keys.UseSig {
		_, err := k.Held.NewSender(keys.A256GCM)
		add(err)
		_, err = keys.FromSigner("elsewhere", k.Suite, elsewhere)
		add(err)
		_, err = k.Held.NewRecipient(t.Context(), keys.Header{Alg: k.Suite.Alg()}, [4][]byte{})
		add(err)
		return errs
	}
	_, err := k.Held.Sign(t.Context(), canaryBytes("message"))
	add(err)
	if isOAEP(k.Suite) {
		_, err = keys.FromDecrypter("elsewhere", k.Suite, elsewhere)
		add(err)
	}
	for _, header := range []string{
		`{"alg":"none"}`, `{"alg":"` + k.Suite.Alg() + `"}`, `{"alg":"` + k.Suite.Alg() + `","enc":"A192GCM"}`,
		`{"alg":"` + k.Suite.Alg() + `","enc":"A256GCM","epk":{"kty":"EC","crv":"P-256","x":"` + canaryEmail + `"}}`,
	} {
		h := must(keys.ReadHeader(must(strict.ParseObject([]byte(header)))))
		_, err := k.Held.NewRecipient(t.Context(), h, [4][]byte{canaryBytes("encrypted key"), make([]byte, 12), canaryBytes("ciphertext"), make([]byte, 16)})
		add(err)
	}
	_, err = keys.ReadHeader(must(strict.ParseObject([]byte(`{"alg":["` + canaryEmail + `"]}`))))
	add(err)
	sealed := must(k.Held.NewSender(keys.A256GCM))
	header := must(keys.ReadHeader(must(strict.ParseObject(append(sealed.AppendHeader([]byte("{")), '}')))))
	parts := sealed.Seal(nil, []byte("aad"), canaryBytes("plaintext"))
	_, err = must(k.Held.NewRecipient(t.Context(), header, parts)).Open([]byte("another"))
	add(err)
	return errs
}

// broken is a private key that lives elsewhere and fails.
type broken struct {
	crypto.Signer
	err error
}

func (b broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, b.err }

func (b broken) Decrypt(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error) { return nil, b.err }

func ringErrors(t testing.TB, c canaryKeys) (errs []error) {
	t.Helper()
	ctx := t.Context()
	store := keyring.NewMemStore()
	ring := must(keyring.Create(ctx, keyring.Config{Store: store, KEK: must(keyring.NewKEK(canaryBytes("KEK")))}))
	_, err := keyring.Open(ctx, keyring.Config{Store: store, KEK: must(keyring.NewKEK(canaryBytes("another")))})
	_, errTwice := keyring.Create(ctx, keyring.Config{Store: store, KEK: must(keyring.NewKEK(canaryBytes("KEK")))})
	_, errSince := keyring.Open(ctx, keyring.Config{Store: store, KEK: must(keyring.NewKEK(canaryBytes("KEK"))), Memory: seen{Generation: 7, Nonce: "n"}})
	if err := c.es256.ImportInto(ctx, ring, keyring.Staged); err != nil {
		t.Fatal(err)
	}
	_, errRevoke := ring.Revoke(ctx, keyring.Revocation{KeyID: "unknown"})
	_, errWindow := ring.RotateNow(ctx, keys.UseSig)
	return append(errs, err, errTwice, errSince, errRevoke, errWindow,
		c.es256.ImportInto(ctx, ring, keyring.Staged), c.eddsa.ImportInto(ctx, ring, keyring.Active), c.ecdhES.ImportInto(ctx, ring, keyring.Revoked))
}

// seen is a memory of one checkpoint.
type seen keyring.Checkpoint

func (s seen) Load(context.Context) (keyring.Checkpoint, []keyring.Checkpoint, error) {
	return keyring.Checkpoint(s), nil, nil
}

func (seen) Save(context.Context, keyring.Checkpoint) error { return nil }

// strictErrors returns the errors of a text of claims that is cut, or that is read as another type.
func strictErrors(t testing.TB, profile canaryProfile) (errs []error) {
	t.Helper()
	text := must(json.Marshal(profile))
	for at := 0; at < len(text); at += 40 {
		_, err := strict.ParseObject(text[:at])
		errs = append(errs, err)
	}
	o := must(strict.ParseObject(text))
	_, _, errObject := o.Object("email")
	_, _, errArray := o.Array("address")
	_, _, errText := o.Text("account")
	_, _, errStrings := o.Strings("raw")
	_, _, errDate := o.NumericDate("email")
	_, errBase64 := strict.DecodeBase64URL(canaryEmail)
	for _, err := range []error{errObject, errArray, errText, errStrings, errDate, errBase64} {
		errs = append(errs, err)
		if e, ok := errors.AsType[*strict.MemberError](err); ok {
			errs = append(errs, e)
		}
	}
	return errs
}
