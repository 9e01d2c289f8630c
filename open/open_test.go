package open_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// sentinels are all errors of Open. Every refusal matches exactly one of them.
var sentinels = []error{
	open.ErrMalformed, open.ErrAlgorithm, open.ErrNotAuthentic, open.ErrUnknownKey, open.ErrKeySource, open.ErrType, open.ErrIssuer,
	open.ErrAudience, open.ErrExpired, open.ErrNotYetValid, open.ErrLifetime, open.ErrClaims, open.ErrCheck,
}

func newOpener(t testing.TB, cfg anyOpen) *open.Opener {
	t.Helper()
	o, err := newAnyOpener(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// row has one token and the expected result.
type row struct {
	name string
	bend func(f *forgery)
	cfg  func(c *anyOpen) // nil: config()
	want error            // nil: the token is accepted
}

// run opens the bent token of every row.
func run(t *testing.T, rows []row) {
	t.Helper()
	runWith(t, forgeNested, rows)
}

func runWith(t *testing.T, correct func() *forgery, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			f := correct()
			if r.bend != nil {
				r.bend(f)
			}
			cfg := config()
			if r.cfg != nil {
				r.cfg(&cfg)
			}
			token := f.Token()
			if r.want == nil {
				accepted(t, cfg, token)
				return
			}
			refused(t, cfg, token, r.want, secretsOf(f)...)
		})
	}
}

func accepted(t *testing.T, cfg anyOpen, token string) *open.Token {
	t.Helper()
	tok, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock)
	if err != nil || tok == nil {
		t.Fatalf("refused: %v", err)
	}
	return tok
}

// refused checks that the token is refused with exactly one class of error and no other result,
// that the error reveals nothing of the token, and that Check was not called.
func refused(t *testing.T, cfg anyOpen, token string, want error, secrets ...string) {
	t.Helper()
	if cfg.Check == nil {
		cfg.Check = func(context.Context, *open.Token) error {
			t.Error("Check was asked about a token that is not good")
			return nil
		}
	}
	tok, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock)
	if tok != nil {
		t.Error("a token came back with the error")
	}
	if err == nil {
		t.Fatalf("accepted, want %v", want)
	}
	checkRefusal(t, err, want, token, secrets...)
}

// vocabulary matches every text of an error, except for one that wraps the error of a source or of
// Check.
var vocabulary = regexp.MustCompile(`^open: (malformed token|the algorithm is not the one of the key|token is not authentic|` +
	`no key for this token|token of another type|issuer is not trusted|token is for another audience|token expired|` +
	`token is not valid yet|token lifetime too long|invalid claims: (` +
	`exp is missing|a claim is named like (iss|sub|aud|exp|nbf|iat|jti|sealed|cnf|sid), in other letters|exp is not after iat and nbf|(iss|sub|jti|sid) must be a string|(exp|iat|nbf) must be a NumericDate|` +
	`aud must be a string or an array of strings|(iss|sub|aud|jti|sid|exp|iat|nbf) in the header is not the [a-z]{3} inside|` +
	`sealed must be an array of JWEs, and not empty|jti is missing, to which sealed claims are bound|` +
	`a JWE in sealed has no (iss|jti), which binds it to its token|every JWE in sealed needs a kid of its own|` +
	`a registered claim, cnf or sid is sealed|a claim is sealed twice, with two values|` +
	`a claim stands in clear and sealed, or there are too many|[a-z_]+ is required, and was not sealed to us))$`)

func checkRefusal(t *testing.T, err, want error, token string, secrets ...string) {
	t.Helper()
	for _, s := range sentinels {
		if errors.Is(err, s) != (s == want) {
			t.Errorf("error is %q, want %q", err, want)
		}
	}
	if want != open.ErrKeySource && want != open.ErrCheck && !vocabulary.MatchString(err.Error()) {
		t.Errorf("error says %q", err)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, s := range append(secrets, pieces(token)...) {
			if strings.Contains(text, s) {
				t.Errorf("error %q holds %q of the token", text, s)
			}
		}
	}
}

// pieces returns the parts of a token, as they stand and decoded. It leaves out parts that are so
// short that they occur in a text by chance.
func pieces(token string) []string {
	var found []string
	for _, part := range strings.Split(token, ".") {
		if len(part) < 8 {
			continue
		}
		found = append(found, part)
		if decoded, err := base64.RawURLEncoding.DecodeString(part); err == nil {
			found = append(found, string(decoded))
		}
	}
	return found
}

func TestForge(t *testing.T) {
	t.Parallel()
	// A refusal proves something only if the token is accepted without its change.
	for _, s := range signingSuites {
		for _, m := range slices.Concat(managementSuites, x25519Suites) {
			for _, c := range allContents {
				f := forgeWith(s, m, c)
				cfg := config()
				cfg.Decryption = privateSet(testKeyFor(m))
				tok := accepted(t, cfg, f.Token())
				if tok.SigningKeyID() != f.Signer.Kid || tok.DecryptionKeyID() != f.Recipient.Kid {
					t.Errorf("%v %v %v: keys are %q and %q", s, m, c, tok.SigningKeyID(), tok.DecryptionKeyID())
				}
				var got json.RawMessage
				if err := tok.Claims(&got); err != nil || string(got) != f.Claims.Text() {
					t.Errorf("%v %v %v: claims are %s (%v)", s, m, c, got, err)
				}
			}
		}
	}
}

// TestGrid seals and opens with every pair of suites and every content encryption, with package
// seal on one side and go-jose on the other.
func TestGrid(t *testing.T) {
	t.Parallel()
	custom := map[string]any{"email": "ada@example.com", "address": map[string]any{"locality": "Fictonville"}}
	for _, s := range signingSuites {
		for _, m := range slices.Concat(managementSuites, x25519Suites) {
			for _, c := range allContents {
				t.Run(s.Alg()+"/"+m.String()+"/"+c.String(), func(t *testing.T) {
					t.Parallel()
					signer, recipient := testKeyFor(s), testKeyFor(m)
					cfg := config()
					cfg.Decryption = privateSet(recipient)
					opener := newOpener(t, cfg)
					sealer, err := newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
						Issuer:     issuerID,
						Signing:    privateSet(signer),
						Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: publicSet(recipient), Content: c}},
					}})
					if err != nil {
						t.Fatal(err)
					}
					token, err := sealer.Seal(t.Context(), seal.Claims{Subject: "u-42", Custom: custom})
					if err != nil {
						t.Fatal(err)
					}
					tok, err := opener.Open(t.Context(), token)
					if err != nil {
						t.Fatal("sealed here:", err)
					}
					var ours json.RawMessage
					if err := tok.Claims(&ours); err != nil {
						t.Fatal(err)
					}
					theirs, err := joseClaims(token, signer, recipient)
					if err != nil || !bytes.Equal(ours, theirs) {
						t.Errorf("go-jose reads %s (%v), we read %s", theirs, err, ours)
					}

					// go-jose reads the same claims. It does not know X25519.
					if slices.Contains(x25519Suites, m) {
						return
					}
					made := joseToken(signer, recipient, c, "sealed+jwt", ours)
					tok, err = opener.Open(t.Context(), made)
					if err != nil {
						t.Fatal("made by go-jose:", err)
					}
					var again json.RawMessage
					if err := tok.Claims(&again); err != nil || !bytes.Equal(again, ours) {
						t.Errorf("claims of go-jose's token are %s (%v)", again, err)
					}
				})
			}
		}
	}
}

func TestNow(t *testing.T) {
	t.Parallel()
	token := forgeNested().Token()
	o := newOpener(t, config())
	o.SetNow(func() time.Time { return clock })
	if _, err := o.Open(t.Context(), token); err != nil {
		t.Errorf("at its time: %v", err)
	}
	// Each call reads the clock, and not only New.
	o.SetNow(func() time.Time { return clock.Add(time.Hour) })
	if _, err := o.Open(t.Context(), token); !errors.Is(err, open.ErrExpired) {
		t.Errorf("an hour later: %v", err)
	}
	if _, err := newOpener(t, config()).Open(t.Context(), token); !errors.Is(err, open.ErrExpired) {
		t.Errorf("by the system's clock: %v", err)
	}
	now := forgeNested()
	at := time.Now().Unix()
	now.Claims.Set("iat", fmt.Sprint(at))
	now.Claims.Set("exp", fmt.Sprint(at+60))
	if _, err := newOpener(t, config()).Open(t.Context(), now.Token()); err != nil {
		t.Errorf("a fresh token, by the system's clock: %v", err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	trust := config().Trust[0]
	for _, tt := range []struct {
		want string
		bend func(c *anyOpen)
	}{
		{"Audience", func(c *anyOpen) { c.Audience = "" }},
		{"Trust", func(c *anyOpen) { c.Trust = nil }},
		{"Trust", func(c *anyOpen) { c.Trust = []open.Issuer{} }},
		{"ID", func(c *anyOpen) { c.Trust = []open.Issuer{{Keys: trust.Keys}} }},
		{"Keys", func(c *anyOpen) { c.Trust = []open.Issuer{{ID: issuerID}} }},
		{"Trust[2].ID", func(c *anyOpen) { c.Trust = []open.Issuer{trust, {ID: otherID, Keys: trust.Keys}, trust} }},
		{"Decryption", func(c *anyOpen) { c.Decryption = nil }},
		{"Leeway", func(c *anyOpen) { c.Limits.Leeway = -time.Second }},
		{"Leeway", func(c *anyOpen) { c.Limits.Leeway = open.MaxLeeway + 1 }},
		{"Type", func(c *anyOpen) { c.SetType("sealed jwt") }},
		{"Type", func(c *anyOpen) { c.SetType("\u017fealed+jwt") }},
		{"Type", func(c *anyOpen) { c.SetType("sealed+jwt\x7f") }},
		{"MaxLifetime", func(c *anyOpen) { c.Limits.MaxLifetime = -1 }},
		{"MaxSize", func(c *anyOpen) { c.Limits.MaxSize = -1 }},
		{"Cache", func(c *anyOpen) { c.Limits.Cache = -1 }},
	} {
		cfg := config()
		tt.bend(&cfg)
		o, err := newAnyOpener(cfg)
		if o != nil || !errors.Is(err, open.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New returned %v, %v", tt.want, o, err)
		}
	}
	if o, err := newAnyOpener(anyOpen{SelectiveConfig: open.SelectiveConfig{}}); o != nil || !errors.Is(err, open.ErrConfig) {
		t.Errorf("the zero Config: %v, %v", o, err)
	}
	cfg := config()
	cfg.Limits.Leeway = open.MaxLeeway
	newOpener(t, cfg)
}

// An opener copies the caller's slices.
func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Require = []string{"email"}
	o := newOpener(t, cfg)
	cfg.Trust[0].ID, cfg.Require[0] = strangerID, "phone"
	if _, err := o.OpenAt(t.Context(), forgeNested().Token(), clock); err != nil {
		t.Error(err)
	}
}

// keySource is a source that fails or answers as a test says, and records its calls.
type keySource struct {
	set    *keys.Set
	public *keys.PublicSet
	err    error
	asked  []string
	ctx    context.Context
}

func (s *keySource) PrivateKeys(ctx context.Context) (*keys.Set, error) {
	s.ctx, s.asked = ctx, append(s.asked, "private")
	return s.set, s.err
}

func (s *keySource) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	s.ctx, s.asked = ctx, append(s.asked, kid)
	return s.public, s.err
}
