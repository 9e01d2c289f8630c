package open_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// A refusal names the settings that would have avoided it, and they do avoid it. If no setting
// avoids it, it names none. TestAvoidablePairs has more of those.
func TestAvoidable(t *testing.T) {
	t.Parallel()
	const none = open.Missing(0)
	noExp := noClaim("exp")
	pad := func(size int) func(f *forgery) {
		return func(f *forgery) { f.Outer.Set("pad", quoted(strings.Repeat("x", size))) }
	}
	required := func(c *anyOpen) { c.Require = []string{"email"} }
	fourSigners := func(c *anyOpen) {
		c.Trust[0].Keys = publicSet(append(spares(keys.ES256)[:3], testKeyFor(keys.ES256))...)
	}
	for _, tt := range []struct {
		name    string
		bend    func(f *forgery)
		cfg     func(c *anyOpen)
		missing open.Missing
		field   string
		says    string // the end of Detail
	}{
		{"typ", noTyp, required, open.Type, "", "; accepted with Issuer.AllowMissing: open.Type"},
		{"typ, and there is no Require", noTyp, nil, open.Type, "", "; accepted with Issuer.AllowMissing: open.Type and a Require"},
		{"exp", noExp, nil, open.Expiry, "", "; accepted with Issuer.AllowMissing: open.Expiry"},
		{"cty", noCty, nil, open.ContentType, "", "; accepted with Config.AllowMissing: open.ContentType"},
		{"kid of the JWE", noKid, nil, open.KeyID, "", "; see Config.AllowMissing: open.KeyID"},
		{"kid of the JWS", noInnerKid, nil, open.KeyID, "", "; see Issuer.AllowMissing: open.KeyID"},
		{"cty and typ", both(noCty, noTyp), required, open.Type | open.ContentType, "", "; accepted with Config.AllowMissing: open.ContentType and Issuer.AllowMissing: open.Type"},
		{"cty and exp", both(noCty, noExp), nil, open.Expiry | open.ContentType, "", "Issuer.AllowMissing: open.Expiry"},
		{"cty and typ, of which one is allowed", both(noCty, noTyp), with(open.Type), open.ContentType, "", "Config.AllowMissing: open.ContentType"},
		{"another typ", func(f *forgery) { f.Inner.Set("typ", `"JWT"`) }, nil, none, "Issuer.Type", "; see Issuer.Type"},
		{"a long header", pad(5000), nil, none, "Limits.MaxHeader", "; see Limits.MaxHeader"},
		{"a long life", claim("exp", seconds(9999)), nil, none, "Limits.MaxLifetime", "; see Limits.MaxLifetime"},
		{"a long token", claim("blob", quoted(strings.Repeat("x", 64<<10))), nil, none, "Limits.MaxSize", "; see Limits.MaxSize"},

		{"typ and exp", both(noTyp, noExp), required, none, "", "no configuration takes that"},
		{"typ, exp and cty", both(both(noTyp, noExp), noCty), required, none, "", "no configuration takes that"},
		{"typ, and events", both(noTyp, claim("events", "{}")), required, none, "", "a token of another kind"},
		{"exp, of long ago", both(noExp, claim("iat", seconds(-9999))), nil, none, "", "exp is missing"},
		{"exp, of the future", both(noExp, claim("iat", seconds(9999))), nil, none, "", "exp is missing"},
		{"kid of the JWE, and no key fits", both(noKid, outer("alg", `"dir"`)), nil, none, "", ""},
		{"kid of the JWS, and no key fits", func(f *forgery) { noInnerKid(f); f.Inner.Set("alg", `"none"`) }, nil, none, "", ""},
		{"kid of the JWS, and four keys fit", noInnerKid, fourSigners, none, "", ""},
		{"a header over what is possible", pad(17 << 10), nil, none, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := forgeNested()
			tt.bend(f)
			cfg := config()
			if tt.cfg != nil {
				tt.cfg(&cfg)
			}
			token := f.Token()
			missing, field := avoidable(t, cfg, token, tt.says)
			if missing != tt.missing || field != tt.field {
				t.Fatalf("avoidable by %v and %q, want %v and %q", missing, field, tt.missing, tt.field)
			}
			checkAvoids(t, cfg, token, missing, field)
		})
	}
}

// avoidable refuses a token and returns the settings that would avoid that.
func avoidable(t *testing.T, cfg anyOpen, token, says string) (open.Missing, string) {
	t.Helper()
	_, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock)
	refusal, ok := errors.AsType[*open.Error](err)
	if !ok {
		t.Fatalf("refused with %v", err)
	}
	missing, field := refusal.Avoidable()
	for _, setting := range []string{"AllowMissing", "open.T", "open.E", "open.K", "open.C", "Limits.", "Issuer."} {
		if strings.Contains(refusal.Error()+refusal.Reason()+fmt.Sprint(err), setting) {
			t.Errorf("the reason names a setting: %s", refusal.Reason())
		}
		if strings.Contains(refusal.Detail(), setting) && missing == 0 && field == "" {
			t.Errorf("the detail names a setting that does not help: %s", refusal.Detail())
		}
	}
	if !strings.HasSuffix(refusal.Detail(), says) || !strings.HasPrefix(refusal.Detail(), refusal.Reason()) {
		t.Errorf("the detail is %q, and the reason %q", refusal.Detail(), refusal.Reason())
	}
	return missing, field
}

// checkAvoids opens the token once more: with the settings, which must help, or with all of them,
// which must not.
func checkAvoids(t *testing.T, cfg anyOpen, token string, missing open.Missing, field string) {
	t.Helper()
	cfg.Trust = slices.Clone(cfg.Trust)
	switch field {
	case "Issuer.Type":
		cfg.SetType("JWT")
	case "Limits.MaxHeader":
		cfg.Limits.MaxHeader = 16 << 10
	case "Limits.MaxLifetime":
		cfg.Limits.MaxLifetime = 24 * time.Hour
	case "Limits.MaxSize":
		cfg.Limits.MaxSize = 1 << 20
	}
	if missing == 0 && field == "" {
		with(allMissing)(&cfg)
		cfg.Limits = open.Limits{MaxHeader: 16 << 10}
	} else if with(missing)(&cfg); cfg.Trust[0].AllowMissing&open.Type == 0 {
		cfg.Require = nil
	}
	_, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock)
	if helps := missing != 0 || field != ""; (err == nil) != helps {
		t.Errorf("with %v and %q: %v", missing, field, err)
	}
}

// No setting makes a gateway accept a token without typ.
func TestAvoidableSelective(t *testing.T) {
	t.Parallel()
	visibleOnly := selectiveConfig()
	gateway(&visibleOnly)
	for _, tt := range []struct {
		name    string
		cfg     anyOpen
		bend    func(s *selective)
		missing open.Missing
	}{
		{"typ", selectiveConfig(), visible(noTyp), open.Type},
		{"exp", selectiveConfig(), visible(noClaim("exp")), open.Expiry},
		{"kid", selectiveConfig(), visible(noInnerKid), open.KeyID},
		{"typ, and the JWE", selectiveConfig(), both(visible(noTyp), ours(plaintext("[]"))), 0},
		{"cty of a JWE", selectiveConfig(), ours(noCty), 0},
		{"kid of a JWE", selectiveConfig(), ours(noKid), 0},
		{"typ at a gateway", visibleOnly, visible(noTyp), 0},
		{"exp at a gateway", visibleOnly, visible(noClaim("exp")), open.Expiry},
		{"kid at a gateway", visibleOnly, visible(noInnerKid), open.KeyID},
	} {
		s := forgeSelective()
		tt.bend(s)
		if missing, field := avoidable(t, tt.cfg, s.Token(), ""); missing != tt.missing || field != "" {
			t.Errorf("%s: avoidable by %v and %q", tt.name, missing, field)
		}
	}
	for _, err := range sentinels {
		refusal, _ := errors.AsType[*open.Error](err)
		if missing, field := refusal.Avoidable(); missing != 0 || field != "" || refusal.Reason() != err.Error() {
			t.Errorf("%v is avoidable by %v and %q", err, missing, field)
		}
	}
}
