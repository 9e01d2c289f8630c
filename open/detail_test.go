package open_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// Detail tells an operator facts that the sender of the token must not learn.
func TestDetail(t *testing.T) {
	t.Parallel()
	const canary = "canary-personal-claim"
	down := errors.New("dial tcp 10.0.0.7: connection refused")
	for _, tt := range []struct {
		name string
		bend func(f *forgery)
		cfg  func(c *anyOpen)
		want error
		say  []string // in Detail and not in Error
	}{
		{"too long", nil, func(c *anyOpen) { c.Limits.MaxSize = 100 }, open.ErrMalformed, []string{"100 are allowed; see Limits.MaxSize"}},
		{"parts", func(f *forgery) { f.BendJWE = func(string) string { return "a.b.c" } }, nil, open.ErrMalformed, []string{"3 parts"}},
		{"header", func(f *forgery) { f.Outer.Say(`{"alg":"ECDH-ES",}`) }, nil, open.ErrMalformed, []string{"at byte 17"}},
		{"a part", func(f *forgery) {
			f.BendJWE = func(s string) string {
				return s[:strings.LastIndexByte(s, '.')] + "!" + s[strings.LastIndexByte(s, '.'):]
			}
		}, nil, open.ErrMalformed, []string{"part 4"}},
		{"refused member", func(f *forgery) { f.Outer.Add("zip", `"DEF"`) }, nil, open.ErrMalformed, []string{"zip"}},
		{"unknown kid", func(f *forgery) { f.Outer.Set("kid", `"unknown-kid"`) }, nil, open.ErrUnknownKey,
			[]string{`"unknown-kid"`, `"kid-of-ECDH-ES"`, `"kid-of-RSA-OAEP-256"`, `"kid-of-RSA-OAEP"`}},
		{"unknown kid of the issuer", func(f *forgery) { f.Inner.Set("kid", `"unknown-kid"`) }, nil, open.ErrUnknownKey,
			[]string{`"unknown-kid"`, `"kid-of-ES256"`, issuerID}},
		{"no kid", func(f *forgery) { f.Outer.Remove("kid") }, nil, open.ErrUnknownKey, []string{"Config.AllowMissing: open.KeyID"}},
		{"algorithm", func(f *forgery) { f.Inner.Set("alg", `"HS256"`) }, nil, open.ErrAlgorithm, []string{`"HS256"`, `"kid-of-ES256"`, "ES256"}},
		{"algorithm of another key", func(f *forgery) { f.Outer.Set("alg", `"ECDH-ES+A256KW"`) }, nil, open.ErrAlgorithm, []string{`"ECDH-ES+A256KW"`, `"kid-of-ECDH-ES"`}},
		{"content encryption", func(f *forgery) { f.Outer.Set("enc", `"A192GCM"`) }, nil, open.ErrAlgorithm, []string{`"A192GCM"`}},
		{"typ", func(f *forgery) { f.Inner.Set("typ", `"at+jwt"`) }, nil, open.ErrType, []string{`"at+jwt"`, "sealed+jwt"}},
		{"issuer", func(f *forgery) { f.Claims.Set("iss", quoted(strangerID)) }, nil, open.ErrIssuer, []string{strangerID, issuerID, "not verified"}},
		{"audience", func(f *forgery) { f.Claims.Set("aud", `["https://a.example","https://b.example"]`) }, nil, open.ErrAudience,
			[]string{"https://a.example", "https://b.example", audience}},
		{"expired", func(f *forgery) { f.Claims.Set("exp", "1767225000") }, nil, open.ErrExpired, []string{"2025-12-31T23:50:00Z", "2026-01-01T00:00:00Z", "1m0s"}},
		{"not yet", func(f *forgery) { f.Claims.Set("nbf", "1767225800") }, nil, open.ErrNotYetValid, []string{"2026-01-01T00:03:20Z"}},
		{"lifetime", func(f *forgery) { f.Claims.Set("exp", "1767235600") }, nil, open.ErrLifetime, []string{"2h4", "1h0m0s"}},
		{"replicated", func(f *forgery) { f.Outer.Add("iss", quoted(strangerID)) }, nil, open.ErrClaims, []string{strangerID, issuerID}},
		{"source", nil, func(c *anyOpen) { c.Decryption = brokenSource{down} }, open.ErrKeySource, []string{"10.0.0.7"}},
		{"check", nil, func(c *anyOpen) {
			c.Check = func(context.Context, *open.Token) error { return errors.New("session 17 was ended") }
		}, open.ErrCheck, []string{"session 17"}},
		{"ugly check", nil, func(c *anyOpen) {
			c.Check = func(context.Context, *open.Token) error {
				return errors.New("gone\r\nlevel=INFO\x1b[2J\u2028 für \xff")
			}
		}, open.ErrCheck, []string{`gone\r\nlevel=INFO\x1b[2J\u2028 f\u00fcr \ufffd`}},
		{"long and ugly", func(f *forgery) { f.Outer.Set("kid", quoted("\x1b[2J\n"+strings.Repeat("k", 200))) }, nil, open.ErrUnknownKey,
			[]string{`"\x1b[2J\nkkk`, "(205 bytes)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := forgeNested()
			f.Claims.Set("email", quoted(canary))
			f.Claims.Set("sub", quoted(canary))
			if tt.bend != nil {
				tt.bend(f)
			}
			cfg := config()
			if tt.cfg != nil {
				tt.cfg(&cfg)
			}
			_, err := newOpener(t, cfg).OpenAt(t.Context(), f.Token(), clock)
			refusal, ok := errors.AsType[*open.Error](err)
			if !ok || !errors.Is(err, tt.want) {
				t.Fatalf("error is %v, want %v", err, tt.want)
			}
			detail := refusal.Detail()
			for _, s := range tt.say {
				if !strings.Contains(detail, s) {
					t.Errorf("detail %q lacks %q", detail, s)
				}
			}
			if !strings.HasPrefix(detail, err.Error()) || strings.Contains(detail, canary) || len(detail) > 1000 {
				t.Errorf("detail is %q", detail)
			}
			if strings.ContainsFunc(detail, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("detail is not one line of ASCII: %q", detail)
			}
			var log strings.Builder
			slog.New(slog.NewJSONHandler(&log, nil)).Info("refused", "err", err)
			slog.New(slog.NewTextHandler(&log, nil)).Info("refused", "err", err)
			inside := []any{struct{ err error }{err}, struct{ err open.Error }{*refusal}} // fmt calls no methods here
			slog.New(slog.NewTextHandler(&log, nil)).Info("refused", "in", inside[0], "of", inside[1])
			printed := fmt.Sprintf("%v %+v %#v %s %q %x %d %v", err, err, err, err, err, err, refusal, *refusal) +
				fmt.Sprintf("%v %+v %#v %s %q %d", inside, inside, inside, inside, inside, inside) +
				log.String() + string(must(json.Marshal(err)))
			for _, s := range tt.say {
				if s != "sealed+jwt" && strings.Contains(printed, s) {
					t.Errorf("printed as %s", printed)
				}
			}
		})
	}
}

type brokenSource struct{ err error }

func (b brokenSource) PrivateKeys(context.Context) (*keys.Set, error) { return nil, b.err }

// An attacker may read the log of an operator, so Detail must not be an oracle either.
func TestDetailOfFailedCryptography(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(f *forgery){
		"signature": func(f *forgery) { f.BendPlain = func(s string) string { return s[:len(s)-10] + "AAAAAAAAAA" } },
		"tag": func(f *forgery) {
			f.BendJWE = func(s string) string { return s[:strings.LastIndexByte(s, '.')+1] + encode(make([]byte, 16)) }
		},
	} {
		f := forgeNested()
		bend(f)
		_, err := newOpener(t, config()).OpenAt(t.Context(), f.Token(), clock)
		refusal, ok := errors.AsType[*open.Error](err)
		if err != open.ErrNotAuthentic || !ok || refusal.Detail() != "open: token is not authentic" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A token that is refused for its length costs next to nothing.
func TestRefusalCost(t *testing.T) {
	o := newOpener(t, config())
	long := strings.Repeat("A", 1<<20)
	if n := testing.AllocsPerRun(10, func() { o.OpenAt(context.Background(), long, time.Time{}) }); n > 10 {
		t.Errorf("%v allocations", n)
	}
}
