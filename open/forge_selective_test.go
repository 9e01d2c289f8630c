package open_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

const (
	billing    = "https://billing.example.com"
	sealedType = `"sealed-claims+json"`
)

// billingKey is the key of another recipient, which no opener here holds.
var billingKey = sync.OnceValue(func() *testKey { return newTestKey(keys.ECDHES, "kid-of-billing", newP256()) })

// selective is a token of the selective form about to be made, again by hand. The
// forgery in it makes the signed token; each of jwes makes one JWE: its outer header,
// its claims as plaintext, its recipient.
type selective struct {
	*forgery
	jwes   []*forgery
	sealed func(jwes []string) string // the JSON of sealed; "" leaves it out
}

// forgeSelective returns a correct token, not yet made: one JWE for billing, and
// behind it one for us.
func forgeSelective() *selective {
	s := &selective{forgery: forge(), jwes: []*forgery{forgeSealed(billingKey()), forgeSealed(testKeyFor(keys.ECDHES))}}
	s.inner.set("typ", `"JWT"`)
	s.claims.set("aud", "["+quoted(billing)+","+quoted(audience)+"]")
	for _, name := range []string{"email", "note", "weight"} {
		s.claims.remove(name)
	}
	s.claims.add("scope", `"read-thistle"`)
	s.jwes[0].claims = object{{"email", `"ada.quillwood@example.com"`}, {"account", `"account-sorrel-7"`}}
	s.jwes[1].claims = object{{"email", `"ada.quillwood@example.com"`}, {"note", `"a < b & c > d"`}, {"weight", "84.50"}}
	return s
}

// forgeSealed returns a JWE to k, bound to the token that forgeSelective makes.
func forgeSealed(k *testKey) *forgery {
	f := forgeWith(keys.ES256, k.suite, keys.A256GCM)
	f.recipient = k
	f.outer.set("kid", quoted(k.kid))
	f.outer.set("cty", sealedType)
	f.outer.add("iss", quoted(issuerID))
	f.outer.add("jti", `"id-bramble-99"`)
	return f
}

// jwe makes the JWE.
func (f *forgery) jwe() string {
	plaintext := either(f.claimsText, f.claims)
	if f.bendInner != nil {
		plaintext = f.bendInner(plaintext)
	}
	jwe := f.encrypt([]byte(plaintext))
	if f.bendToken != nil {
		jwe = f.bendToken(jwe)
	}
	return jwe
}

// token makes the token, with sealed as the last claim.
func (s *selective) token() string {
	texts := make([]string, 0, len(s.jwes))
	for _, j := range s.jwes {
		texts = append(texts, j.jwe())
	}
	sealed := jsonArray
	if s.sealed != nil {
		sealed = s.sealed
	}
	signed := *s.forgery
	if raw := sealed(texts); raw != "" {
		signed.claims = append(slices.Clone(s.claims), member{"sealed", raw})
	}
	token := signed.jws()
	if s.bendToken != nil {
		token = s.bendToken(token)
	}
	return token
}

func jsonArray(texts []string) string {
	quotedTexts := make([]string, 0, len(texts))
	for _, text := range texts {
		quotedTexts = append(quotedTexts, quoted(text))
	}
	return "[" + strings.Join(quotedTexts, ",") + "]"
}

func (s *selective) theirs() *forgery { return s.jwes[0] }
func (s *selective) ours() *forgery   { return s.jwes[1] }

// secrets are those of all layers.
func (s *selective) secrets() []string {
	found := append(s.forgery.secrets(), "thistle", "sorrel")
	for _, j := range s.jwes {
		found = append(found, j.secrets()...)
	}
	return found
}

// selectiveConfig is config for tokens of the selective form.
func selectiveConfig() anyOpen {
	cfg := config()
	cfg.Selective = selectiveForm
	return cfg
}

// gateway verifies and has no keys to read what is sealed.
func gateway(c *anyOpen) { c.Gateway, c.Decryption = true, nil }

// selectiveRow is one token and what becomes of it.
type selectiveRow struct {
	name string
	bend func(s *selective)
	cfg  func(c *anyOpen) // nil: selectiveConfig()
	want error            // nil: the token is accepted
}

func runSelective(t *testing.T, rows []selectiveRow) {
	t.Helper()
	names := make(map[string]bool)
	for _, r := range rows {
		if names[r.name] {
			t.Fatalf("two rows are called %q", r.name)
		}
		names[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := forgeSelective()
			if r.bend != nil {
				r.bend(s)
			}
			cfg := selectiveConfig()
			if r.cfg != nil {
				r.cfg(&cfg)
			}
			token := s.token()
			if r.want == nil {
				accepted(t, cfg, token)
				return
			}
			refused(t, cfg, token, r.want, s.secrets()...)
		})
	}
}

// visible, ours and theirs bend one piece of a selective token.
func visible(bend func(f *forgery)) func(s *selective) {
	return func(s *selective) { bend(s.forgery) }
}
func ours(bend func(f *forgery)) func(s *selective)   { return func(s *selective) { bend(s.ours()) } }
func theirs(bend func(f *forgery)) func(s *selective) { return func(s *selective) { bend(s.theirs()) } }

// both does one bend after the other.
func both[F any](first, second func(f F)) func(f F) {
	return func(f F) { first(f); second(f) }
}

func outer(name, raw string) func(f *forgery) { return func(f *forgery) { f.outer.set(name, raw) } }
func noOuter(name string) func(f *forgery)    { return func(f *forgery) { f.outer.remove(name) } }
func plaintext(text string) func(f *forgery) {
	return func(f *forgery) { f.bendInner = func(string) string { return text } }
}

// forbidden is a source of decryption keys that must not be asked.
type forbidden struct{ t *testing.T }

func (f forbidden) PrivateKeys(context.Context) (*keys.Set, error) {
	f.t.Error("asked for decryption keys")
	return privateSet(keysFor(managementSuites)...), nil
}

// fresh makes the token one of now, for openers by the system's clock.
func (s *selective) fresh() *selective {
	now := time.Now().Unix()
	s.claims.set("iat", fmt.Sprint(now))
	s.claims.set("exp", fmt.Sprint(now+600))
	return s
}

// TestForgeSelective: a refusal shows something only if the token is good without its
// bend.
func TestForgeSelective(t *testing.T) {
	t.Parallel()
	const head = `{"iss":"https://id.example.com","sub":"subject-kestrel-42","aud":["https://billing.example.com","https://api.example.com"],` +
		`"iat":1767225590,"exp":1767226200,"jti":"id-bramble-99","scope":"read-thistle"`
	for _, s := range signingSuites {
		for _, m := range managementSuites {
			for _, c := range allContents {
				f := forgeSelective()
				f.forgery.signer = testKeyFor(s)
				f.inner.set("alg", quoted(s.Alg()))
				f.inner.set("kid", quoted(f.signer.kid))
				sealed := f.ours().claims
				j := forgeWith(s, m, c)
				j.outer.set("cty", sealedType)
				j.outer.add("iss", quoted(issuerID))
				j.outer.add("jti", `"id-bramble-99"`)
				j.claims = sealed
				f.jwes[1] = j
				tok := accepted(t, selectiveConfig(), f.token())
				if tok.SigningKeyID() != f.signer.kid || tok.DecryptionKeyID() != j.recipient.kid {
					t.Errorf("%v %v %v: keys are %q and %q", s, m, c, tok.SigningKeyID(), tok.DecryptionKeyID())
				}
				if got, want := string(rawClaims(t, tok)), head+`,`+sealed.String()[1:]; got != want {
					t.Errorf("%v %v %v: claims are\n%s, want\n%s", s, m, c, got, want)
				}
			}
		}
	}
}
