package seal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

func TestNew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		want string // part of the error
		bend func(c *anySeal)
	}{
		{"Issuer", func(c *anySeal) { c.Issuer = "" }},
		{"Issuer", func(c *anySeal) { c.Issuer = "\xff" }},
		{"Signing", func(c *anySeal) { c.Signing = nil }},
		{"Recipient.Audience", func(c *anySeal) { c.Recipients = nil }},
		{"Audience", func(c *anySeal) { c.Recipients[0].Audience = "" }},
		{"Audience", func(c *anySeal) { c.Recipients[0].Audience = "a\xc3(" }},
		{"Keys", func(c *anySeal) { c.Recipients[0].Keys = nil }},
		{"Content", func(c *anySeal) { c.Recipients[0].Content = 4 }},
		{"Content", func(c *anySeal) { c.Recipients[0].Content = 255 }},
		{"Lifetime", func(c *anySeal) { c.Limits.Lifetime = -time.Hour }},
		{"Lifetime", func(c *anySeal) { c.Limits.Lifetime = time.Second - 1 }},
		{"Lifetime", func(c *anySeal) { c.Limits.Lifetime = time.Minute + 1 }},
		{"Type", func(c *anySeal) { c.Type = "sealed jwt" }},
		{"Type", func(c *anySeal) { c.Type = "séaled+jwt" }},
		{"Type", func(c *anySeal) { c.Type = `a"b` }},
		{"Type", func(c *anySeal) { c.Type = `a\b` }},
		{"Type", func(c *anySeal) { c.Type = "a\x7f" }},
		{"Type", func(c *anySeal) { c.Type = strings.Repeat("x", 129) }},
		{"MaxSize", func(c *anySeal) { c.Limits.MaxSize = -1 }},
	} {
		cfg := defaults().config()
		tt.bend(&cfg)
		s, err := newAny(cfg)
		if s != nil || !errors.Is(err, seal.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New returned %v, %v", tt.want, s, err)
		}
	}
	if s, err := newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{}}); s != nil || !errors.Is(err, seal.ErrConfig) {
		t.Errorf("the zero Config: %v, %v", s, err)
	}
	cfg := defaults().config()
	cfg.Type = strings.Repeat("x", 128)
	cfg.Limits.Lifetime = time.Second
	newSealer(t, cfg)
}

// A constructor copies the caller's slices. Otherwise a later change of a slice would show or hide
// claims.
func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	evil := seal.SelectiveRecipient{Audience: "https://evil.example", Keys: newSet(keys.ECDHES), ReadsAll: true}
	cfg := defaults().config()
	cfg.Replicate, cfg.AllowReadable = []string{"iss", "sub"}, []string{"sub"}
	s := newSealer(t, cfg)
	cfg.Recipients[0], cfg.Replicate[0], cfg.AllowReadable[0] = evil, "aud", "iss"
	token, err := s.Seal(t.Context(), seal.Claims{Subject: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defaults().open(t, token)
	if header := string(decode(strings.Split(token, ".")[0])); !strings.Contains(header, `"iss"`) || strings.Contains(header, `"aud"`) {
		t.Errorf("header is %s", header)
	}

	d := newDesks()
	cfg = d.config()
	cfg.Visible, cfg.AllowReadable = []string{"scope", "locale"}, []string{"locale"}
	s = newSealer(t, cfg)
	billing := cfg.Recipients[0].Reads
	cfg.Visible[0], cfg.Visible[1], cfg.AllowReadable[0], billing[0] = "email", "national_id", "email", "national_id"
	cfg.Recipients[0], cfg.Recipients[1] = evil, evil
	if token, err = s.Seal(t.Context(), seal.Claims{Subject: "u-42", ID: "the-id", Custom: json.RawMessage(person)}); err != nil {
		t.Fatal(err)
	}
	if got := claimsText(t, d.open(t, token, billingID, nil)); got != selectiveHead+"}" {
		t.Errorf("visible is %s", got)
	}
	if tok := d.open(t, token, billingID, d.billing); fmt.Sprint(tok.SealedNames()) != "[email address]" || tok.SealedForOthers() != 1 {
		t.Errorf("sealed to billing are %q", tok.SealedNames())
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	p := defaults()
	payload := p.payload(t, p.seal(t, seal.Claims{
		Subject: "u-42", ID: "the-id", NotBefore: clock.Add(time.Minute),
		Custom: json.RawMessage(` { "z" : 1.0 , "a" : [ 1e5, 12345678901234567890, -0.10 ] , "h" : "<a href='&'>" } `),
	}))
	const want = `{"iss":"https://id.example.com","sub":"u-42","aud":"https://api.example.com","iat":1767225600,"nbf":1767225660,` +
		`"exp":1767226500,"jti":"the-id","z":1.0,"a":[1e5,12345678901234567890,-0.10],"h":"<a href='&'>"}`
	if payload != want {
		t.Errorf("payload is\n%s, want\n%s", payload, want)
	}
	payload = p.payload(t, p.seal(t, seal.Claims{ID: "the-id"}))
	const least = `{"iss":"https://id.example.com","aud":"https://api.example.com","iat":1767225600,"exp":1767226500,"jti":"the-id"}`
	if payload != least {
		t.Errorf("payload is\n%s, want\n%s", payload, least)
	}
	cfg := p.config()
	cfg.Limits.Lifetime = 90 * time.Second
	token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{})
	if err != nil {
		t.Fatal(err)
	}
	if tok := p.open(t, token); tok.IssuedAt().Unix() != clock.Unix() || tok.ExpiresAt().Sub(tok.IssuedAt()) != 90*time.Second {
		t.Errorf("from %v to %v", tok.IssuedAt(), tok.ExpiresAt())
	}
}

// The sealer reads the clock at every Seal, and not only in its constructor.
func TestSystemClock(t *testing.T) {
	t.Parallel()
	p := defaults()
	s, err := newAny(p.config())
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now().Unix()
	token, err := s.Seal(t.Context(), seal.Claims{})
	if err != nil {
		t.Fatal(err)
	}
	o := must(open.New(open.Config{Audience: audience, Trust: []open.Issuer{{ID: issuerID, Keys: p.issuer}}, Decryption: p.recipient}))
	tok, err := o.Open(t.Context(), token)
	if err != nil || tok.IssuedAt().Unix() < before || tok.IssuedAt().Unix() > time.Now().Unix() {
		t.Errorf("%v, %v", tok, err)
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	p := defaults()
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	seen := make(map[string]bool)
	for range 100 {
		id := p.open(t, p.seal(t, seal.Claims{})).ID()
		if !form.MatchString(id) || len(decode(id)) != 16 || seen[id] {
			t.Errorf("jti is %q", id)
		}
		seen[id] = true
	}
	if id := p.open(t, p.seal(t, seal.Claims{ID: "mine \" <&> é"})).ID(); id != "mine \" <&> é" {
		t.Errorf("a given jti became %q", id)
	}
}

// TestHeaders compares both headers byte for byte.
func TestHeaders(t *testing.T) {
	t.Parallel()
	const coordinate = `[A-Za-z0-9_-]{43}`
	for _, tt := range []struct {
		signing, management keys.Suite
		content             keys.Content
		typ                 string
	}{
		{keys.ES256, keys.ECDHES, keys.A256GCM, ""},
		{keys.EdDSA, keys.ECDHESA256KW, keys.A128GCM, "at+jwt"},
		{keys.RS256, keys.RSAOAEP256, keys.A256CBCHS512, "JWT"},
		{keys.PS256, keys.ECDHES, keys.A128CBCHS256, "application/sealed+jwt"},
		{keys.PS256, keys.RSAOAEP, keys.A256GCM, "JWT"},
	} {
		p := newParties(tt.signing, tt.management)
		cfg := p.config()
		cfg.Type, cfg.Recipients[0].Content = tt.typ, tt.content
		token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{})
		if err != nil {
			t.Fatal(err)
		}
		tok := p.open(t, token, func(c *anyOpen) { c.Trust[0].Type = tt.typ })
		parts := strings.Split(token, ".")
		epk := fmt.Sprintf(`,"epk":{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}`, coordinate, coordinate)
		if oaepHashes[tt.management] != 0 {
			epk = ""
		}
		outer := fmt.Sprintf(`^\{"alg":"%s","enc":"%s","kid":"%s"%s,"cty":"JWT"\}$`,
			regexp.QuoteMeta(tt.management.Alg()), tt.content, regexp.QuoteMeta(tok.DecryptionKeyID()), epk)
		if got := decode(parts[0]); !regexp.MustCompile(outer).Match(got) {
			t.Errorf("outer header is %s, want %s", got, outer)
		}
		if empty := tt.management == keys.ECDHES; (parts[1] == "") != empty || len(parts) != 5 {
			t.Errorf("%v: %d parts, encrypted key %q", tt.management, len(parts), parts[1])
		}
		typ := tt.typ
		if typ == "" {
			typ = "sealed+jwt"
		}
		inner := fmt.Sprintf(`{"alg":"%s","kid":"%s","typ":"%s"}`, tt.signing, tok.SigningKeyID(), typ)
		theirs, err := p.read(token)
		if err != nil || theirs.header != inner {
			t.Errorf("inner header is %s, want %s (%v)", theirs.header, inner, err)
		}
	}
}

func TestMaxSize(t *testing.T) {
	t.Parallel()
	p := defaults()
	c := seal.Claims{ID: "the-id", Custom: map[string]string{"note": strings.Repeat("x", 500)}}
	size := len(p.seal(t, c))
	cfg := p.config()
	cfg.Limits.MaxSize = size
	if token, err := newSealer(t, cfg).Seal(t.Context(), c); err != nil || len(token) != size {
		t.Errorf("at MaxSize: %v", err)
	}
	cfg.Limits.MaxSize = size - 1
	token, err := newSealer(t, cfg).Seal(t.Context(), c)
	if token != "" || !errors.Is(err, seal.ErrTooLarge) || !strings.Contains(err.Error(), fmt.Sprint(size)) {
		t.Errorf("over MaxSize: %q, %v", token, err)
	}
	// The limit is 64 KiB, for sealers and openers. These claims would make a token of 65 KiB.
	c.Custom = map[string]string{"note": strings.Repeat("x", 36<<10)}
	if token, err = newSealer(t, p.config()).Seal(t.Context(), c); token != "" || !errors.Is(err, seal.ErrTooLarge) {
		t.Errorf("36 KiB of claims: %d bytes, %v", len(token), err)
	}
	c.Custom = map[string]string{"note": strings.Repeat("x", 35<<10)}
	p.open(t, p.seal(t, c))
}

// source returns the set that a test gives it, and records how it was called.
type source struct {
	set    *keys.Set
	public *keys.PublicSet
	err    error
	asked  []string
	ctx    context.Context
}

func (s *source) PrivateKeys(ctx context.Context) (*keys.Set, error) {
	s.ctx, s.asked = ctx, append(s.asked, "private")
	return s.set, s.err
}

func (s *source) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	s.ctx, s.asked = ctx, append(s.asked, "public "+kid)
	return s.public, s.err
}

func TestSources(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "passed on")
	p := defaults()
	signing, recipient := &source{set: p.issuer}, &source{public: must(p.recipient.PublicKeys(ctx, ""))}
	cfg := p.config()
	cfg.Signing, cfg.Recipients[0].Keys = signing, recipient
	s := newSealer(t, cfg)
	if len(signing.asked)+len(recipient.asked) != 0 {
		t.Error("New asks for keys")
	}
	token, err := s.Seal(ctx, seal.Claims{})
	if err != nil {
		t.Fatal(err)
	}
	p.open(t, token)
	if fmt.Sprint(signing.asked, recipient.asked) != "[private] [public ]" {
		t.Errorf("asked for %q and %q", signing.asked, recipient.asked)
	}
	if signing.ctx.Value(key{}) != "passed on" || recipient.ctx.Value(key{}) != "passed on" {
		t.Error("a source gets another context")
	}

	down := errors.New("the store is down")
	onlySig, onlyEnc := newSet(keys.ES256), newSet(keys.ECDHES)
	verifier := keytest.NewSet(must(keys.ParseKey(publicJWK(t, onlySig), keys.Hint{})))
	for _, tt := range []struct {
		name string
		bend func(c *anySeal)
		want error
	}{
		{"signing source fails", func(c *anySeal) { c.Signing = &source{err: down} }, down},
		{"recipient source fails", func(c *anySeal) { c.Recipients[0].Keys = &source{err: down} }, down},
		{"recipient without encryption key", func(c *anySeal) { c.Recipients[0].Keys = onlySig }, keys.ErrNoKey},
		{"recipient with an empty JWK Set", func(c *anySeal) { c.Recipients[0].Keys = must(keys.ParsePublicSet([]byte(`{"keys":[]}`))) }, keys.ErrNoKey},
		{"no signing key", func(c *anySeal) { c.Signing = onlyEnc }, keys.ErrNoKey},
		{"a signing key without its private half", func(c *anySeal) { c.Signing = verifier }, keys.ErrNoKey},
	} {
		cfg := p.config()
		tt.bend(&cfg)
		token, err := newSealer(t, cfg).Seal(ctx, seal.Claims{Subject: "u-secret"})
		if token != "" || !errors.Is(err, tt.want) || strings.Contains(err.Error(), "u-secret") || !strings.HasPrefix(err.Error(), "seal: ") {
			t.Errorf("%s: %q, %v", tt.name, token, err)
		}
	}
}

func publicJWK(t *testing.T, set *keys.Set) []byte {
	t.Helper()
	var jwks struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(must(json.Marshal(must(set.PublicKeys(t.Context(), "")))), &jwks); err != nil || len(jwks.Keys) != 1 {
		t.Fatal(err, len(jwks.Keys))
	}
	return jwks.Keys[0]
}

// The recipient's first encryption key is used.
func TestFirstKey(t *testing.T) {
	t.Parallel()
	sig, first, second := newKey(keys.ES256), newKey(keys.ECDHESA256KW), newKey(keys.ECDHES)
	p := parties{newSet(keys.EdDSA), keytest.NewSet(sig, first, second)}
	if tok := p.open(t, p.seal(t, seal.Claims{})); tok.DecryptionKeyID() != first.ID() {
		t.Errorf("sealed to %q", tok.DecryptionKeyID())
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	p := defaults()
	s := newSealer(t, p.config())
	custom := map[string]any{"list": []int{1, 2, 3}}
	var group sync.WaitGroup
	tokens := make([][]string, 8)
	for g := range tokens {
		group.Go(func() {
			for range 20 {
				token, err := s.Seal(t.Context(), seal.Claims{Custom: custom})
				if err != nil {
					t.Error(err)
					return
				}
				tokens[g] = append(tokens[g], token)
			}
		})
	}
	group.Wait()
	seen := make(map[string]bool)
	for _, some := range tokens {
		for _, token := range some {
			id := p.open(t, token).ID()
			if seen[id] {
				t.Error("a jti twice")
			}
			seen[id] = true
		}
	}
}
