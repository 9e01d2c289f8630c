package seal_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// proofSeed returns a new seed in each run. SEALJWT_SEED repeats the claims of another run.
func proofSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SEALJWT_SEED")
	if text == "" {
		return uint64(time.Now().UnixNano())
	}
	return must(strconv.ParseUint(text, 10, 64))
}

// sealedToken is one random token with the texts that the stranger should find and those that it
// should not.
type sealedToken struct {
	text    string
	form    bool
	secrets []string // sealed values and names
	clear   []string // values and names in clear
}

// breach returns the faults of a token: the stranger reads a sealed value, or a name that must not
// show. The search proves nothing if it misses a value in clear, so that is a fault too.
func (s sealedToken) breach() (found []string) {
	view := takeApart(s.text)
	found = view.finds(s.secrets)
	clear := slices.Clone(s.clear)
	for _, name := range s.clear {
		// The stranger reads a visible name also as a part of a URL.
		if plain, err := url.PathUnescape(name); err == nil {
			clear = append(clear, string([]rune(plain)))
		}
	}
	for name := range view.names {
		if !slices.Contains(knownNames, name) && !slices.Contains(clear, name) {
			found = append(found, "the name "+name)
		}
	}
	seen := view.finds(s.clear)
	for _, visible := range s.clear {
		if !slices.Contains(seen, visible) {
			found = append(found, "blind for "+visible)
		}
	}
	return found
}

// knownNames has the names that the formats define. A nested token shows no others.
var knownNames = []string{
	"alg", "enc", "kid", "epk", "kty", "crv", "x", "y", "cty", "typ",
	"iss", "sub", "aud", "iat", "exp", "jti", "sealed",
}

// TestStrangerReadsNothing seals random claims and plays an attacker without keys. For all claims,
// keys, forms and settings only the visible claims can be read. The recipients read their claims,
// so the claims are in the token.
func TestStrangerReadsNothing(t *testing.T) {
	t.Parallel()
	tokens := uint64(300)
	if testing.Short() {
		tokens = 80
	}
	seed := proofSeed(t)
	for i := range tokens {
		r := random{rand.New(rand.NewPCG(seed, i))}
		var s sealedToken
		if i%2 == 0 {
			s = r.nested(t)
		} else {
			s = r.selective(t)
		}
		if found := s.breach(); len(found) > 0 {
			t.Fatalf("SEALJWT_SEED=%d, token %d: the stranger: %.500q", seed, i, found)
		}
	}
}

// config returns a random configuration without recipients.
func (r random) config() anySeal {
	return anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:        "https://" + r.plain(),
		Signing:       pick(r, proofSigners()),
		AllowReadable: []string{"iss", "aud", "sub", "jti"},
		Limits:        seal.Limits{Pad: pick(r, []int{0, 0, 1, 7, 64, 256, 1000})},
	}}
}

func (r random) recipient(ks *keys.Set) seal.SelectiveRecipient {
	return seal.SelectiveRecipient{
		Audience: "https://" + r.plain(), Keys: ks,
		Content: pick(r, []keys.Content{keys.A256GCM, keys.A128GCM, keys.A256CBCHS512, keys.A128CBCHS256}),
	}
}

// nested seals claims to one recipient.
func (r random) nested(t *testing.T) sealedToken {
	t.Helper()
	cfg, recipient := r.config(), pick(r, proofRecipients())
	cfg.Recipients = []seal.SelectiveRecipient{r.recipient(recipient)}
	c, claims := seal.Claims{Subject: r.plain(), ID: r.plain()}, r.claims()
	s := sealedToken{secrets: []string{c.ID, "1767225600", "1767226500"}}
	for name, value := range map[string]string{"iss": cfg.Issuer, "sub": c.Subject, "aud": cfg.Recipients[0].Audience} {
		if r.IntN(3) == 0 {
			cfg.Replicate, s.clear = append(cfg.Replicate, name), append(s.clear, value)
		} else {
			s.secrets = append(s.secrets, value)
		}
	}
	for _, claim := range claims {
		s.secrets = append(s.secrets, claim.secrets...)
	}
	c.Custom = object(claims)
	s.text = sealWith(t, cfg, c)
	tok := openWith(t, s.text, cfg, 0, recipient)
	expect(t, tok, claims)
	return s
}

// selective seals each claim to one of two recipients, to both or to neither.
func (r random) selective(t *testing.T) sealedToken {
	t.Helper()
	cfg, recipients := r.config(), r.two(proofRecipients())
	cfg.Selective = selective
	for _, ks := range recipients {
		recipient := r.recipient(ks)
		recipient.Reads = []string{}
		cfg.Recipients = append(cfg.Recipients, recipient)
	}
	c, claims := seal.Claims{Subject: r.plain(), ID: r.plain()}, r.claims()
	s := sealedToken{form: selective, clear: []string{
		cfg.Issuer, c.Subject, c.ID, cfg.Recipients[0].Audience, cfg.Recipients[1].Audience, "1767225600", "1767226500",
	}}
	theirs := make([][]claim, 2)
	for _, one := range claims {
		readers := r.IntN(4) // one bit for each recipient
		if readers == 0 {
			cfg.Visible, s.clear = append(cfg.Visible, one.name), append(s.clear, one.secrets...)
		} else {
			s.secrets = append(s.secrets, one.secrets...)
		}
		for i := range theirs {
			if readers>>i&1 == 1 {
				cfg.Recipients[i].Reads = append(cfg.Recipients[i].Reads, one.name)
			}
			if readers == 0 || readers>>i&1 == 1 {
				theirs[i] = append(theirs[i], one)
			}
		}
	}
	cfg.AllowReadable = append(cfg.AllowReadable, cfg.Visible...)
	c.Custom = object(claims)
	s.text = sealWith(t, cfg, c)
	for i, ks := range recipients {
		expect(t, openWith(t, s.text, cfg, i, ks), theirs[i])
	}
	return s
}

func sealWith(t *testing.T, cfg anySeal, c seal.Claims) string {
	t.Helper()
	token, err := newSealer(t, cfg).Seal(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// openWith opens a token as recipient i.
func openWith(t *testing.T, token string, cfg anySeal, i int, ks *keys.Set) *open.Token {
	t.Helper()
	o := must(newAnyOpener(anyOpen{Selective: cfg.Selective, SelectiveConfig: open.SelectiveConfig{
		Audience:   cfg.Recipients[i].Audience,
		Decryption: ks,
		Trust:      []open.Issuer{{ID: cfg.Issuer, Keys: cfg.Signing.(*keys.Set)}},
	}}))
	tok, err := o.OpenAt(t.Context(), token, clock)
	if err != nil {
		t.Fatal("sealed here, and refused:", err)
	}
	return tok
}

// expect compares the custom claims: all of them are there, in the spelling of the caller.
func expect(t *testing.T, tok *open.Token, want []claim) {
	t.Helper()
	var got map[string]json.RawMessage
	if err := tok.Claims(&got); err != nil {
		t.Fatal(err)
	}
	for _, one := range want {
		if string(got[one.name]) != one.value {
			t.Fatalf("%q is %.100s, given %.100s", one.name, got[one.name], one.value)
		}
	}
	if registered := 6; len(got) != len(want)+registered {
		t.Fatalf("%d claims, and %d were given", len(got), len(want))
	}
}
