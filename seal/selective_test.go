package seal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

const (
	billingID = "https://billing.example.com"
	kycID     = "https://kyc.example.com"
)

// desks are an issuer and two recipients who may read different claims.
type desks struct{ issuer, billing, kyc *keys.Set }

func newDesks() desks {
	return desks{newSet(keys.ES256), newSet(keys.ECDHES), newSet(keys.ECDHESA256KW)}
}

func (d desks) config() seal.Config {
	return seal.Config{
		Issuer: issuerID, Form: seal.Selective, Signing: d.issuer, Visible: []string{"scope"},
		Recipients: []seal.Recipient{
			{Audience: billingID, Keys: d.billing, Claims: []string{"email", "address"}},
			{Audience: kycID, Keys: d.kyc, Claims: []string{"email", "national_id"}},
		},
	}
}

// person is a claims set of which everybody may read another part.
const person = `{"scope":"read write","email":"ada@example.com","address":{"locality":"Quillstead","rate":84.50},"national_id":"991231-1000000"}`

func (d desks) seal(t testing.TB, bend ...func(c *seal.Config)) string {
	t.Helper()
	cfg := d.config()
	for _, b := range bend {
		b(&cfg)
	}
	token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{Subject: "u-42", ID: "the-id", Custom: json.RawMessage(person)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (d desks) open(t testing.TB, token, audience string, decryption keys.PrivateSource) *open.Token {
	t.Helper()
	o := must(open.New(open.Config{
		Form: open.Selective, Audience: audience, Trust: []open.Issuer{{ID: issuerID, Keys: d.issuer}},
		Decryption: decryption, VisibleOnly: decryption == nil,
	}))
	tok, err := o.OpenAt(t.Context(), token, clock)
	if err != nil {
		t.Fatal("sealed here, and refused:", err)
	}
	return tok
}

func claimsText(t testing.TB, tok *open.Token) string {
	t.Helper()
	var raw json.RawMessage
	if err := tok.Claims(&raw); err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

const selectiveHead = `{"iss":"https://id.example.com","sub":"u-42","aud":["https://billing.example.com","https://kyc.example.com"],` +
	`"iat":1767225600,"exp":1767226500,"jti":"the-id","scope":"read write"`

// TestSelective: everybody reads what is theirs, in the spelling in which it was
// given, and no more.
func TestSelective(t *testing.T) {
	t.Parallel()
	d := newDesks()
	token := d.seal(t)
	for _, tt := range []struct {
		name, audience string
		decryption     keys.PrivateSource
		claims         string // after the head
		sealed         []string
		others         int
	}{
		{"billing", billingID, d.billing, `,"email":"ada@example.com","address":{"locality":"Quillstead","rate":84.50}}`, []string{"email", "address"}, 1},
		{"kyc", kycID, d.kyc, `,"email":"ada@example.com","national_id":"991231-1000000"}`, []string{"email", "national_id"}, 1},
		{"both", kycID, keytest.NewSet(append(privateKeys(d.billing), privateKeys(d.kyc)...)...),
			`,"email":"ada@example.com","address":{"locality":"Quillstead","rate":84.50},"national_id":"991231-1000000"}`,
			[]string{"email", "address", "national_id"}, 0},
		{"a gateway", billingID, nil, `}`, nil, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tok := d.open(t, token, tt.audience, tt.decryption)
			if got := claimsText(t, tok); got != selectiveHead+tt.claims {
				t.Errorf("claims are\n%s, want\n%s", got, selectiveHead+tt.claims)
			}
			if !slices.Equal(tok.Sealed(), tt.sealed) || tok.SealedForOthers() != tt.others {
				t.Errorf("sealed are %q, and %d for others", tok.Sealed(), tok.SealedForOthers())
			}
			if (tok.DecryptionKeyID() == "") != (tt.decryption == nil) {
				t.Errorf("decrypted with %q", tok.DecryptionKeyID())
			}
		})
	}
}

// TestSelectiveHeaders compares the headers byte for byte.
func TestSelectiveHeaders(t *testing.T) {
	t.Parallel()
	const point = `"epk":{"kty":"EC","crv":"P-256","x":"[A-Za-z0-9_-]{43}","y":"[A-Za-z0-9_-]{43}"}`
	for _, tt := range []struct {
		typ, wantTyp string
		contents     [2]keys.Content
	}{
		{"", "JWT", [2]keys.Content{}},
		{"at+jwt", "at+jwt", [2]keys.Content{keys.A128GCM, keys.A256CBCHS512}},
	} {
		d := newDesks()
		parts := strings.Split(d.seal(t, func(c *seal.Config) {
			c.Type, c.Recipients[0].Content, c.Recipients[1].Content = tt.typ, tt.contents[0], tt.contents[1]
		}), ".")
		signer := must(d.issuer.SigningKey())
		if got, want := string(decode(parts[0])), fmt.Sprintf(`{"alg":"ES256","kid":"%s","typ":"%s"}`, signer.ID(), tt.wantTyp); len(parts) != 3 || got != want {
			t.Errorf("header is %s, want %s", got, want)
		}
		jwes := jwesOf(strings.Join(parts, "."))
		if len(jwes) != 2 {
			t.Fatalf("%d JWEs", len(jwes))
		}
		for i, set := range []*keys.Set{d.billing, d.kyc} {
			k := privateKeys(set)[0]
			want := fmt.Sprintf(`^{"alg":"%s","enc":"%s","kid":"%s",%s,"cty":"sealed-claims\+json","iss":"https://id.example.com","jti":"the-id"}$`,
				regexp.QuoteMeta(k.Suite().Alg()), tt.contents[i], k.ID(), point)
			if header := decode(strings.Split(jwes[i], ".")[0]); !regexp.MustCompile(want).Match(header) {
				t.Errorf("header %d is %s, want %s", i, header, want)
			}
		}
	}
}

// privateKeys are all keys of a set that a test made.
func privateKeys(set *keys.Set) []*keys.Key {
	for _, k := range must(set.PublicKeys(context.Background(), "")).Keys() {
		if held, ok := set.DecryptionKey(k.ID()); ok {
			return []*keys.Key{held}
		}
	}
	return nil
}

// TestSelectiveConfig: what New refuses.
func TestSelectiveConfig(t *testing.T) {
	t.Parallel()
	d := newDesks()
	for _, tt := range []struct {
		want string // named by the error
		bend func(c *seal.Config)
	}{
		{"Form", func(c *seal.Config) { c.Form = 2 }},
		{"at least one recipient", func(c *seal.Config) { c.Recipients = nil }},
		{"at most 1000 recipients", func(c *seal.Config) {
			for range 1001 {
				c.Recipients = append(c.Recipients, c.Recipients[0])
			}
		}},
		{"Replicate", func(c *seal.Config) { c.Replicate = []string{"iss"} }},
		{`"iss" cannot stand in Visible`, func(c *seal.Config) { c.Visible = []string{"iss"} }},
		{`"sealed" cannot stand in Visible`, func(c *seal.Config) { c.Visible = []string{"sealed"} }},
		{`"Sub" cannot stand in Visible`, func(c *seal.Config) { c.Visible = []string{"Sub"} }},
		{`"SCOPE" stands twice`, func(c *seal.Config) { c.Visible = []string{"scope", "SCOPE"} }},
		{`"Scope" is both`, func(c *seal.Config) { c.Recipients[0].Claims = []string{"Scope"} }},
		{`the name at 1 in Visible`, func(c *seal.Config) { c.Visible = []string{"scope", "\xff"} }},
		{`the name at 0 in Claims`, func(c *seal.Config) { c.Recipients[0].Claims = []string{strings.Repeat("n", 257)} }},
		{"Pad is more than MaxSize", func(c *seal.Config) { c.Pad, c.MaxSize = 2000, 1999 }},
		{`"scope" stands twice`, func(c *seal.Config) { c.Visible = []string{"scope", "scope"} }},
		{"both AllSealed and", func(c *seal.Config) { c.Recipients[0].AllSealed = true }},
		{"AllSealed", func(c *seal.Config) { c.Recipients[1].Claims = nil }},
		{`"jti" cannot be sealed`, func(c *seal.Config) { c.Recipients[0].Claims = []string{"jti"} }},
		{`"cnf" cannot be sealed`, func(c *seal.Config) { c.Recipients[0].Claims = []string{"cnf"} }},
		{`"CNF" cannot be sealed`, func(c *seal.Config) { c.Recipients[0].Claims = []string{"CNF"} }},
		{`"scope" is both`, func(c *seal.Config) { c.Recipients[0].Claims = []string{"scope"} }},
		{`"email" stands twice`, func(c *seal.Config) { c.Recipients[0].Claims = []string{"email", "email"} }},
		{"Audience", func(c *seal.Config) { c.Recipients[1].Audience = "" }},
		{"Keys", func(c *seal.Config) { c.Recipients[1].Keys = nil }},
		{"Content", func(c *seal.Config) { c.Recipients[1].Content = 9 }},
		{"Pad", func(c *seal.Config) { c.Pad = -1 }},
		{"Pad", func(c *seal.Config) { c.Pad = 16385 }},
	} {
		cfg := d.config()
		tt.bend(&cfg)
		s, err := seal.New(cfg)
		if s != nil || !errors.Is(err, seal.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New returned %v, %v", tt.want, s, err)
		}
	}
	for _, tt := range []struct {
		want string
		bend func(c *seal.Config)
	}{
		{"exactly one recipient", func(c *seal.Config) { c.Recipients = append(c.Recipients, c.Recipients[0]) }},
		{"Visible", func(c *seal.Config) { c.Visible = []string{"scope"} }},
		{"AllSealed", func(c *seal.Config) { c.Recipients[0].AllSealed = true }},
		{"Claims", func(c *seal.Config) { c.Recipients[0].Claims = []string{} }},
		{`"jti" cannot be replicated`, func(c *seal.Config) { c.Replicate = []string{"iss", "jti"} }},
		{`"ISS" cannot be replicated`, func(c *seal.Config) { c.Replicate = []string{"ISS"} }},
		{`"aud" stands twice`, func(c *seal.Config) { c.Replicate = []string{"aud", "aud"} }},
	} {
		cfg := defaults().config()
		tt.bend(&cfg)
		s, err := seal.New(cfg)
		if s != nil || !errors.Is(err, seal.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("nested, %s: New returned %v, %v", tt.want, s, err)
		}
	}
}

// TestAssigned: a claim that nobody was meant to read, or that somebody waits for in
// vain, is refused by its name and without its value.
func TestAssigned(t *testing.T) {
	t.Parallel()
	d := newDesks()
	for _, tt := range []struct {
		name, claims, want string
		bend               func(c *seal.Config)
	}{
		{"neither visible nor sealed", `{"email":"a","address":1,"national_id":"n","phone":"secret"}`, `"phone" is neither`, nil},
		{"a name that is personal data", `{"email":"a","address":1,"national_id":"n","ada@example.com":"secret"}`, `[redacted name] is neither`, nil},
		{"a list with a misspelled name", person, `"emial" is to be sealed to recipient 1 ("https://billing.example.com")`,
			func(c *seal.Config) { c.Recipients[0].Claims = []string{"emial", "address"} }},
		{"a claim that the token lacks", `{"email":"a","address":"secret"}`, `"national_id" is to be sealed`, nil},
		{"cnf in other letters", `{"CNF":{"jkt":"secret"},"email":"a","address":1,"national_id":2}`, `"CNF" is cnf in other letters`, nil},
		{"visible in other letters", `{"Scope":"secret","email":"a","address":1,"national_id":2}`, `"Scope" is neither`, nil},
		{"cnf", `{"cnf":{"jkt":"secret"},"email":"a"}`, `"cnf" cannot be sealed`,
			func(c *seal.Config) { c.Recipients = c.Recipients[:1]; c.Recipients[0].Claims = nil }},
		{"cnf for all", `{"cnf":{"jkt":"secret"},"email":"a","national_id":1}`, `"cnf" cannot be sealed`,
			func(c *seal.Config) { c.Recipients[0].Claims, c.Recipients[0].AllSealed = nil, true }},
	} {
		cfg := d.config()
		if tt.bend != nil {
			tt.bend(&cfg)
		}
		token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{Custom: json.RawMessage(tt.claims)})
		if token != "" || !errors.Is(err, seal.ErrClaims) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %q, %v", tt.name, token, err)
		}
	}
}

// TestAllSealed: without a list a single recipient reads all that is not visible,
// and one of several when that is said.
func TestAllSealed(t *testing.T) {
	t.Parallel()
	d := newDesks()
	one := d.seal(t, func(c *seal.Config) { c.Recipients = c.Recipients[:1]; c.Recipients[0].Claims = nil })
	if tok := d.open(t, one, billingID, d.billing); !slices.Equal(tok.Sealed(), []string{"email", "address", "national_id"}) {
		t.Errorf("a single recipient reads %q", tok.Sealed())
	}
	two := d.seal(t, func(c *seal.Config) {
		c.Recipients[0].Claims, c.Recipients[0].AllSealed, c.Recipients[1].Claims = nil, true, []string{}
	})
	if tok := d.open(t, two, billingID, d.billing); !slices.Equal(tok.Sealed(), []string{"email", "address", "national_id"}) {
		t.Errorf("AllSealed reads %q", tok.Sealed())
	}
	if tok := d.open(t, two, kycID, d.kyc); tok.Sealed() != nil || tok.SealedForOthers() != 1 {
		t.Errorf("an empty list reads %q, and %d are for others", tok.Sealed(), tok.SealedForOthers())
	}
}

// TestSameKey: two recipients who share a kid could not tell their JWEs apart.
func TestSameKey(t *testing.T) {
	t.Parallel()
	cfg := newDesks().config()
	cfg.Recipients[1].Keys = cfg.Recipients[0].Keys
	if token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{Custom: json.RawMessage(person)}); token != "" || !errors.Is(err, seal.ErrSameKey) {
		t.Errorf("%q, %v", token, err)
	}
}

// TestSharedAudience: the services of one domain share its name, which stands in aud
// once.
func TestSharedAudience(t *testing.T) {
	t.Parallel()
	d := newDesks()
	token := d.seal(t, func(c *seal.Config) { c.Recipients[0].Audience, c.Recipients[1].Audience = audience, audience })
	if tok := d.open(t, token, audience, d.kyc); !slices.Equal(tok.Audience(), []string{audience}) ||
		!strings.Contains(claimsText(t, tok), `"aud":"https://api.example.com"`) {
		t.Errorf("aud is %q", tok.Audience())
	}
}

// TestMostClaims: openers bound how many values they read, and the JWEs count. What is
// sealed at the border opens.
func TestMostClaims(t *testing.T) {
	t.Parallel()
	d := newDesks()
	cfg := d.config()
	cfg.Recipients[0].Claims, cfg.Recipients[1].Claims = []string{}, []string{}
	s := newSealer(t, cfg)
	var said []string
	for n := 20_000; ; n-- {
		token, err := s.Seal(t.Context(), seal.Claims{Custom: map[string]any{"scope": make([]int, n)}})
		if err == nil {
			d.open(t, token, billingID, d.billing)
			break
		}
		if token != "" || !errors.Is(err, seal.ErrClaims) {
			t.Fatalf("%d values: %d bytes, %v", n, len(token), err)
		}
		said = append(said, err.Error())
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "too many claims\n") || !strings.Contains(all, "too many claims and recipients") {
		t.Errorf("refused with\n%s", all)
	}
}

// TestMostMembers: so are the members, those of the head included.
func TestMostMembers(t *testing.T) {
	t.Parallel()
	p := defaults()
	cfg := p.config()
	cfg.MaxSize = 1 << 20
	s := newSealer(t, cfg)
	custom := make(map[string]int)
	for i := range strict.MaxMembers {
		custom[fmt.Sprint(i)] = i
	}
	refusals := 0
	for ; ; refusals++ {
		token, err := s.Seal(t.Context(), seal.Claims{Subject: "u-42", NotBefore: clock, Custom: custom})
		if err == nil {
			p.open(t, token, func(c *open.Config) { c.MaxSize = cfg.MaxSize })
			break
		}
		if !errors.Is(err, seal.ErrClaims) || !strings.Contains(err.Error(), "too many claims") {
			t.Fatal(err)
		}
		delete(custom, fmt.Sprint(len(custom)-1))
	}
	if refusals < 7 {
		t.Errorf("refused only %d times", refusals)
	}
}

// TestManyRecipients: they multiply the claims, and what cannot fit is not made.
func TestManyRecipients(t *testing.T) {
	t.Parallel()
	d := newDesks()
	cfg := d.config()
	cfg.Recipients = nil
	for range 40 {
		cfg.Recipients = append(cfg.Recipients, seal.Recipient{Audience: billingID, Keys: newSet(keys.ECDHES), AllSealed: true})
	}
	g := newGuarded(seal.Selective, "sig-1")
	cfg.Signing = g.cfg.Signing
	token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{Custom: map[string]string{"note": strings.Repeat("x", 20<<10)}})
	if token != "" || !errors.Is(err, seal.ErrTooLarge) || !strings.Contains(err.Error(), "the first 3 of 40 recipients") || *g.asked {
		t.Errorf("%q, %v, and the signer asked: %v", token, err, *g.asked)
	}
}
