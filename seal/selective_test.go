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

// desks holds an issuer and two recipients who may read different claims.
type desks struct{ issuer, billing, kyc *keys.Set }

func newDesks() desks {
	return desks{newSet(keys.ES256), newSet(keys.ECDHES), newSet(keys.ECDHESA256KW)}
}

func (d desks) config() anySeal {
	return anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:  issuerID,
		Signing: d.issuer,
		Visible: []string{"scope"},
		Recipients: []seal.SelectiveRecipient{
			{Audience: billingID, Keys: d.billing, Reads: []string{"email", "address"}},
			{Audience: kycID, Keys: d.kyc, Reads: []string{"email", "national_id"}},
		},
	}, Selective: true}
}

// person is a claims set of which each recipient may read another part.
const person = `{"scope":"read write","email":"ada@example.com","address":{"locality":"Quillstead","rate":84.50},"national_id":"991231-1000000"}`

func (d desks) seal(t testing.TB, bend ...func(c *anySeal)) string {
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
	trust := []open.Issuer{{ID: issuerID, Keys: d.issuer}}
	o, err := open.NewGateway(open.GatewayConfig{Audiences: []string{audience}, Trust: trust})
	if decryption != nil {
		o, err = open.NewSelective(open.SelectiveConfig{Audience: audience, Trust: trust, Decryption: decryption})
	}
	if err != nil {
		t.Fatal(err)
	}
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

// Each recipient reads its claims in the spelling of the caller, and no others.
func TestSelective(t *testing.T) {
	t.Parallel()
	d := newDesks()
	token := d.seal(t)
	for _, tt := range []struct {
		name, audience string
		decryption     keys.PrivateSource
		claims         string // the part after the registered claims
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
			if !slices.Equal(tok.SealedNames(), tt.sealed) || tok.SealedForOthers() != tt.others {
				t.Errorf("sealed are %q, and %d for others", tok.SealedNames(), tok.SealedForOthers())
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
		parts := strings.Split(d.seal(t, func(c *anySeal) {
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

// privateKeys returns all keys of a set that a test made.
func privateKeys(set *keys.Set) []*keys.Key {
	for _, k := range must(set.PublicKeys(context.Background(), "")).Keys() {
		if held, ok := heldKey(set, k.ID()); ok {
			return []*keys.Key{held}
		}
	}
	return nil
}

// NewSelective refuses these configurations.
func TestSelectiveConfig(t *testing.T) {
	t.Parallel()
	d := newDesks()
	for _, tt := range []struct {
		want string // part of the error
		bend func(c *anySeal)
	}{
		{"Recipients is empty", func(c *anySeal) { c.Recipients = nil }},
		{"at most 1000", func(c *anySeal) {
			for range 1001 {
				c.Recipients = append(c.Recipients, c.Recipients[0])
			}
		}},
		{`Visible names "iss": the sealer writes it`, func(c *anySeal) { c.Visible = []string{"iss"} }},
		{`Visible names "sealed"`, func(c *anySeal) { c.Visible = []string{"sealed"} }},
		{`Visible names "_sd", which SD-JWT`, func(c *anySeal) { c.Visible = []string{"scope", "_sd"} }},
		{`Visible names "_SD", which SD-JWT`, func(c *anySeal) { c.Visible = []string{"_SD"} }},
		{`Visible names "...", which SD-JWT`, func(c *anySeal) { c.Visible = []string{"..."} }},
		{`Visible names "Sub"`, func(c *anySeal) { c.Visible = []string{"Sub"} }},
		{`Visible names "SCOPE" twice`, func(c *anySeal) { c.Visible = []string{"scope", "SCOPE"} }},
		{`Reads names "Scope", which is Visible`, func(c *anySeal) { c.Recipients[0].Reads = []string{"Scope"} }},
		{`Visible has a name at 1`, func(c *anySeal) { c.Visible = []string{"scope", "\xff"} }},
		{`Reads has a name at 0`, func(c *anySeal) { c.Recipients[0].Reads = []string{strings.Repeat("n", 257)} }},
		{"Pad is more than Limits.MaxSize", func(c *anySeal) { c.Limits.Pad, c.Limits.MaxSize = 2000, 1999 }},
		{`Visible names "scope" twice`, func(c *anySeal) { c.Visible = []string{"scope", "scope"} }},
		{"both ReadsAll and", func(c *anySeal) { c.Recipients[0].ReadsAll = true }},
		{"or ReadsAll", func(c *anySeal) { c.Recipients[1].Reads = nil }},
		{`Reads names "jti", which cannot be sealed`, func(c *anySeal) { c.Recipients[0].Reads = []string{"jti"} }},
		{`Reads names "cnf", which cannot`, func(c *anySeal) { c.Recipients[0].Reads = []string{"cnf"} }},
		{`Reads names "CNF", which cannot`, func(c *anySeal) { c.Recipients[0].Reads = []string{"CNF"} }},
		{`Reads names "scope", which is Visible`, func(c *anySeal) { c.Recipients[0].Reads = []string{"scope"} }},
		{`Reads names "email" twice`, func(c *anySeal) { c.Recipients[0].Reads = []string{"email", "email"} }},
		{"Audience", func(c *anySeal) { c.Recipients[1].Audience = "" }},
		{"Keys", func(c *anySeal) { c.Recipients[1].Keys = nil }},
		{"Content", func(c *anySeal) { c.Recipients[1].Content = 9 }},
		{"Pad", func(c *anySeal) { c.Limits.Pad = -1 }},
		{"Pad", func(c *anySeal) { c.Limits.Pad = 16385 }},
	} {
		cfg := d.config()
		tt.bend(&cfg)
		s, err := newAny(cfg)
		if s != nil || !errors.Is(err, seal.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New returned %v, %v", tt.want, s, err)
		}
	}
	for _, tt := range []struct {
		want string
		bend func(c *anySeal)
	}{
		{`Replicate names "jti"`, func(c *anySeal) { c.Replicate = []string{"iss", "jti"} }},
		{`Replicate names "ISS"`, func(c *anySeal) { c.Replicate = []string{"ISS"} }},
		{`Replicate names "aud" twice`, func(c *anySeal) { c.Replicate = []string{"aud", "aud"} }},
	} {
		cfg := defaults().config()
		tt.bend(&cfg)
		s, err := newAny(cfg)
		if s != nil || !errors.Is(err, seal.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("nested, %s: New returned %v, %v", tt.want, s, err)
		}
	}
}

// A claim is refused if no recipient may read it, or if a recipient is promised it and would not
// get it. The error has its name and not its value.
func TestAssigned(t *testing.T) {
	t.Parallel()
	d := newDesks()
	for _, tt := range []struct {
		name, claims, want string
		bend               func(c *anySeal)
	}{
		{"neither visible nor sealed", `{"email":"a","address":1,"national_id":"n","phone":"secret"}`, `"phone" is neither`, nil},
		{"a name that is personal data", `{"email":"a","address":1,"national_id":"n","ada@example.com":"secret"}`, `[redacted name] is neither`, nil},
		{"a list with a misspelled name", person, `"emial" is to be sealed to recipient 1 ("https://billing.example.com")`,
			func(c *anySeal) { c.Recipients[0].Reads = []string{"emial", "address"} }},
		{"a claim that the token lacks", `{"email":"a","address":"secret"}`, `"national_id" is to be sealed`, nil},
		{"cnf in other letters", `{"CNF":{"jkt":"secret"},"email":"a","address":1,"national_id":2}`, `"CNF" is cnf in other letters`, nil},
		{"visible in other letters", `{"Scope":"secret","email":"a","address":1,"national_id":2}`, `"Scope" is neither`, nil},
		{"cnf", `{"cnf":{"jkt":"secret"},"email":"a"}`, `"cnf" cannot be sealed`,
			func(c *anySeal) { c.Recipients = c.Recipients[:1]; c.Recipients[0].Reads = nil }},
		{"cnf for all", `{"cnf":{"jkt":"secret"},"email":"a","national_id":1}`, `"cnf" cannot be sealed`,
			func(c *anySeal) { c.Recipients[0].Reads, c.Recipients[0].ReadsAll = nil, true }},
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

// A single recipient without a list reads all claims that are not visible. One of several does so
// if the configuration says so.
func TestAllSealed(t *testing.T) {
	t.Parallel()
	d := newDesks()
	one := d.seal(t, func(c *anySeal) { c.Recipients = c.Recipients[:1]; c.Recipients[0].Reads = nil })
	if tok := d.open(t, one, billingID, d.billing); !slices.Equal(tok.SealedNames(), []string{"email", "address", "national_id"}) {
		t.Errorf("a single recipient reads %q", tok.SealedNames())
	}
	two := d.seal(t, func(c *anySeal) {
		c.Recipients[0].Reads, c.Recipients[0].ReadsAll, c.Recipients[1].Reads = nil, true, []string{}
	})
	if tok := d.open(t, two, billingID, d.billing); !slices.Equal(tok.SealedNames(), []string{"email", "address", "national_id"}) {
		t.Errorf("ReadsAll reads %q", tok.SealedNames())
	}
	if tok := d.open(t, two, kycID, d.kyc); tok.SealedNames() != nil || tok.SealedForOthers() != 1 {
		t.Errorf("an empty list reads %q, and %d are for others", tok.SealedNames(), tok.SealedForOthers())
	}
}

// Two recipients with one kid could not tell their JWEs apart, so they are refused.
func TestSameKey(t *testing.T) {
	t.Parallel()
	cfg := newDesks().config()
	cfg.Recipients[1].Keys = cfg.Recipients[0].Keys
	if token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{Custom: json.RawMessage(person)}); token != "" || !errors.Is(err, seal.ErrSameKey) {
		t.Errorf("%q, %v", token, err)
	}
}

// The services of one domain share its name, which stands in aud once.
func TestSharedAudience(t *testing.T) {
	t.Parallel()
	d := newDesks()
	token := d.seal(t, func(c *anySeal) { c.Recipients[0].Audience, c.Recipients[1].Audience = audience, audience })
	if tok := d.open(t, token, audience, d.kyc); !slices.Equal(tok.Audience(), []string{audience}) ||
		!strings.Contains(claimsText(t, tok), `"aud":"https://api.example.com"`) {
		t.Errorf("aud is %q", tok.Audience())
	}
}

// Openers bound the number of values that they read, and the JWEs count too. A token at the limit
// opens.
func TestMostClaims(t *testing.T) {
	t.Parallel()
	d := newDesks()
	cfg := d.config()
	cfg.Recipients[0].Reads, cfg.Recipients[1].Reads = []string{}, []string{}
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

// The number of members is bounded too, and the registered claims count.
func TestMostMembers(t *testing.T) {
	t.Parallel()
	p := defaults()
	cfg := p.config()
	cfg.Limits.MaxSize = 1 << 20
	s := newSealer(t, cfg)
	custom := make(map[string]int)
	for i := range strict.MaxMembers {
		custom[fmt.Sprint(i)] = i
	}
	refusals := 0
	for ; ; refusals++ {
		token, err := s.Seal(t.Context(), seal.Claims{Subject: "u-42", NotBefore: clock, Custom: custom})
		if err == nil {
			p.open(t, token, func(c *anyOpen) { c.Limits.MaxSize = cfg.Limits.MaxSize })
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

// Recipients multiply the claims. A token that cannot fit is refused before it is made.
func TestManyRecipients(t *testing.T) {
	t.Parallel()
	d := newDesks()
	cfg := d.config()
	cfg.Recipients = nil
	for range 40 {
		cfg.Recipients = append(cfg.Recipients, seal.SelectiveRecipient{Audience: billingID, Keys: newSet(keys.ECDHES), ReadsAll: true})
	}
	g := newGuarded(selective, "sig-1")
	cfg.Signing = g.cfg.Signing
	token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{Custom: map[string]string{"note": strings.Repeat("x", 20<<10)}})
	if token != "" || !errors.Is(err, seal.ErrTooLarge) || !strings.Contains(err.Error(), "the first 3 of 40 recipients") || *g.asked {
		t.Errorf("%q, %v, and the signer asked: %v", token, err, *g.asked)
	}
}
