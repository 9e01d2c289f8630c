package open_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// newCaching returns an opener with a cache. Its clock stands at the time of the tests.
func newCaching(t testing.TB, cfg anyOpen) *open.Opener {
	t.Helper()
	if cfg.Limits.Cache == 0 {
		cfg.Limits.Cache = 100
	}
	o := newOpener(t, cfg)
	o.SetNow(func() time.Time { return clock })
	return o
}

// opens opens a token that must be accepted.
func opens(t testing.TB, o *open.Opener, token string) *open.Token {
	t.Helper()
	tok, err := o.Open(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// hits opens a token that must come from the cache: the result is the earlier one.
func hits(t testing.TB, o *open.Opener, token string, before *open.Token) {
	t.Helper()
	if opens(t, o, token) != before {
		t.Error("it was verified again")
	}
}

// refusedAs opens a token twice. Both times it must be refused with the error of an opener without
// a cache.
func refusedAs(t testing.TB, o, without *open.Opener, token string, at time.Time, want error) {
	t.Helper()
	_, plain := without.OpenAt(context.Background(), token, at)
	for range 2 {
		tok, err := o.OpenAt(context.Background(), token, at)
		if tok != nil || !errors.Is(err, want) {
			t.Fatalf("a token %v, error %v, want %v", tok != nil, err, want)
		}
		if detail(err) != detail(plain) {
			t.Errorf("the error is %q, and without a cache %q", detail(err), detail(plain))
		}
	}
}

func detail(err error) string {
	refusal, ok := errors.AsType[*open.Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	return refusal.Detail()
}

// A token that is opened again gives the same Token, in either form and for a gateway. No other
// text counts as that token.
func TestCache(t *testing.T) {
	t.Parallel()
	visible := selectiveConfig()
	gateway(&visible)
	noKid := config()
	noKid.Allow(open.KeyID)
	noKid.Trust[0].Keys = publicSet(testKeyFor(keys.ES256))
	noKid.Decryption = privateSet(testKeyFor(keys.ECDHES))
	bare := forgeNested()
	bare.Inner.Remove("kid")
	bare.Outer.Remove("kid")
	for _, tt := range []struct {
		name  string
		cfg   anyOpen
		token string
	}{
		{"nested", config(), forgeNested().Token()}, {"no kid", noKid, bare.Token()},
		{"selective", selectiveConfig(), forgeSelective().Token()}, {"gateway", visible, forgeSelective().Token()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newCaching(t, tt.cfg)
			want := rawClaims(t, accepted(t, tt.cfg, tt.token))
			tok := opens(t, o, tt.token)
			for range 3 {
				hits(t, o, tt.token, tok)
			}
			if got := rawClaims(t, tok); string(got) != string(want) {
				t.Errorf("claims are %s, want %s", got, want)
			}
			for i := 0; i < len(tt.token); i += 7 {
				changed := []byte(tt.token)
				changed[i] ^= 1
				if got, err := o.Open(t.Context(), string(changed)); got == tok || err == nil {
					t.Fatalf("with byte %d changed: %v", i, err)
				}
				if o.Remembers(string(changed)) {
					t.Fatalf("with byte %d changed it is remembered", i)
				}
			}
			for _, other := range []string{tt.token + ".", tt.token[1:], tt.token + " ", strings.ToLower(tt.token), ""} {
				if got, err := o.Open(t.Context(), other); got != nil || err == nil {
					t.Errorf("another text is accepted: %v", err)
				}
			}
			hits(t, o, tt.token, tok)
		})
	}
}

// The cache is off by default.
func TestCacheIsOff(t *testing.T) {
	t.Parallel()
	o := newOpener(t, config())
	o.SetNow(func() time.Time { return clock })
	token := forgeNested().Token()
	if tok := opens(t, o, token); opens(t, o, token) == tok {
		t.Error("a token was kept")
	}
}

// Check decides at each call. A token that it refuses at its first call is not kept.
func TestCacheAsksCheck(t *testing.T) {
	t.Parallel()
	var verdict error
	var asked []*open.Token
	cfg := config()
	cfg.Check = func(ctx context.Context, tok *open.Token) error {
		asked = append(asked, tok)
		return verdict
	}
	o, without := newCaching(t, cfg), newOpener(t, cfg)
	token := forgeNested().Token()

	verdict = errors.New("session revoked")
	refusedAs(t, o, without, token, clock, open.ErrCheck)
	if o.Remembers(token) {
		t.Error("a token is kept that never passed Check")
	}
	verdict = nil
	tok := opens(t, o, token)
	asked = nil
	hits(t, o, token, tok)
	hits(t, o, token, tok)
	if len(asked) != 2 || asked[0] != tok || asked[1] != tok {
		t.Errorf("Check was asked %d times for 2 hits", len(asked))
	}
	verdict = errors.New("session revoked")
	refusedAs(t, o, without, token, clock, open.ErrCheck)
	verdict = nil
	hits(t, o, token, tok)
}

// The cache does not use a token's identity as its key, and no part of the text either.
func TestCacheIdentity(t *testing.T) {
	t.Parallel()
	o := newCaching(t, config())
	one, two := forgeNested(), forgeNested()
	two.Claims.Set("email", `"grace@example.com"`) // iss and jti are the same
	oneText, twoText := one.Token(), two.Token()
	first, second := opens(t, o, oneText), opens(t, o, twoText)
	hits(t, o, oneText, first)
	hits(t, o, twoText, second)
	if string(rawClaims(t, first)) == string(rawClaims(t, second)) {
		t.Error("two tokens have the same claims")
	}
}

// vandal has a decoder that overwrites its input.
type vandal struct{}

func (*vandal) UnmarshalJSON(text []byte) error {
	for i := range text {
		text[i] = 'x'
	}
	return nil
}

// Callers that share a Token cannot change it for each other.
func TestCachedTokenIsImmutable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cfg   anyOpen
		token string
	}{{config(), forgeNested().Token()}, {selectiveConfig(), forgeSelective().Token()}} {
		o := newCaching(t, tt.cfg)
		tok := opens(t, o, tt.token)
		want := string(rawClaims(t, tok))
		if err := tok.Claims(&vandal{}); err != nil {
			t.Fatal(err)
		}
		var raw json.RawMessage
		if err := tok.Claims(&raw); err != nil {
			t.Fatal(err)
		}
		clear(raw)
		clear(tok.Audience())
		clear(tok.SealedNames())
		hits(t, o, tt.token, tok)
		if got := string(rawClaims(t, tok)); got != want || tok.Audience()[len(tok.Audience())-1] != audience || tok.SealedNames()[0] == "" {
			t.Errorf("the token was changed: %s", got)
		}
	}
}

// A hit allocates nothing.
func TestCacheAllocatesNothing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cfg   anyOpen
		token string
	}{{"nested", config(), forgeNested().Token()}, {"selective", selectiveConfig(), forgeSelective().Token()}} {
		o := newCaching(t, tt.cfg)
		tok := opens(t, o, tt.token)
		ctx := t.Context()
		count := testing.AllocsPerRun(1000, func() {
			if again, err := o.Open(ctx, tt.token); again != tok || err != nil {
				t.Fatal("no hit", err)
			}
		})
		if count != 0 {
			t.Errorf("%s: %v allocations", tt.name, count)
		}
	}
}
