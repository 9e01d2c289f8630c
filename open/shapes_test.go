package open_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

// shape is a token as a deployment writes it, by its published profile, its reference code or a
// live peer. One deployment may have several.
type shape struct {
	deployment, nested string // nested names the content of the JWE
	signing            []keys.Suite
	management         []keys.Suite
	contents           []keys.Content
	outer              func(f *forgery) // makes the headers differ from alg, enc, kid, epk and cty JWT
	inner              string           // the typ; empty: there is none
	claims             object
	needs              []need

	// A shape that stays closed has the reason of its refusal with every switch on.
	refused error
	because string // text in Detail
}

// need is a setting without which a shape is refused.
type need struct {
	name string
	set  func(c *anyOpen)
	miss error // the refusal without the setting
}

func needType(typ string) need {
	return need{"Type " + typ, func(c *anyOpen) { c.SetType(typ) }, open.ErrType}
}

func needLifetime(d time.Duration) need {
	return need{"MaxLifetime " + d.String(), func(c *anyOpen) { c.Limits.MaxLifetime = d }, open.ErrLifetime}
}

// needNoType also requires the claim that tells the kind of the token.
func needNoType(require string) need {
	return need{"AllowMissing Type", func(c *anyOpen) {
		c.Trust[0].AllowMissing |= open.Type
		c.Require = []string{require}
	}, open.ErrType}
}

var (
	needNoExpiry      = need{"AllowMissing Expiry", func(c *anyOpen) { c.Trust[0].AllowMissing |= open.Expiry }, open.ErrClaims}
	needNoContentType = need{"AllowMissing ContentType", func(c *anyOpen) { c.AllowMissing |= open.ContentType }, open.ErrType}
	needNoKeyID       = need{"AllowMissing KeyID", func(c *anyOpen) { c.AllowMissing |= open.KeyID }, open.ErrUnknownKey}
)

// tokenOf returns a token of the shape with these algorithms.
func (s shape) tokenOf(signing, management keys.Suite, content keys.Content) string {
	f := forgeWith(signing, management, content)
	f.Claims = s.claims.made()
	f.Inner.Remove("typ")
	if s.inner != "" {
		f.Inner.Set("typ", quoted(s.inner))
	}
	if s.outer != nil {
		s.outer(f)
	}
	return f.Token()
}

// settings returns a strict configuration with the keys for these algorithms alone. It has the
// settings that the shape needs, except one.
func (s shape) settings(signing, management keys.Suite, without int) anyOpen {
	cfg := config()
	cfg.Trust[0].Keys, cfg.Decryption = publicSet(testKeyFor(signing)), privateSet(testKeyFor(management))
	for i, n := range s.needs {
		if i != without {
			n.set(&cfg)
		}
	}
	return cfg
}

// TestShapesOfTheWorld opens the tokens of 16 of 20 deployments with the settings that each needs.
// Without one of them the token is refused. Four stay closed with all settings.
func TestShapesOfTheWorld(t *testing.T) {
	t.Parallel()
	opened, closed := map[string]bool{}, map[string]bool{}
	for _, s := range shapesOfTheWorld() {
		if s.refused == nil {
			opened[s.deployment] = true
		} else {
			closed[s.deployment] = true
		}
		for _, signing := range s.signing {
			for _, management := range s.management {
				for _, content := range s.contents {
					t.Run(fmt.Sprintf("%s/%s/%v %v %v", s.deployment, s.nested, signing, management, content), func(t *testing.T) {
						t.Parallel()
						token := s.tokenOf(signing, management, content)
						if s.refused != nil {
							s.staysClosed(t, signing, management, token)
							return
						}
						accepted(t, s.settings(signing, management, -1), token)
						s.needsAll(t, signing, management, token)
					})
				}
			}
		}
	}
	if len(opened) != 16 || len(closed) != 4 {
		t.Errorf("%d deployments open and %d stay closed", len(opened), len(closed))
	}
}

// needsAll checks that the token is refused without any one of the settings, and with none.
func (s shape) needsAll(t *testing.T, signing, management keys.Suite, token string) {
	t.Helper()
	for i, n := range s.needs {
		t.Logf("without %s", n.name)
		refused(t, s.settings(signing, management, i), token, n.miss)
	}
	bare := s
	bare.needs = nil
	if _, err := newOpener(t, bare.settings(signing, management, -1)).OpenAt(t.Context(), token, clock); err == nil {
		t.Error("accepted by the strict configuration")
	}
	if management == keys.RSAOAEP { // a key never has this suite by default
		other := s.settings(signing, management, -1)
		k := testKeyFor(management)
		other.Decryption = privateSet(newTestKey(keys.RSAOAEP256, k.Kid, k.Private))
		if _, err := newOpener(t, other).OpenAt(t.Context(), token, clock); err == nil {
			t.Error("accepted with a key that is not for RSA-OAEP")
		}
	}
}

// staysClosed checks that the strict configuration refuses the token, and that every switch
// together does so too, whatever typ is expected. The last refusal names no setting.
func (s shape) staysClosed(t *testing.T, signing, management keys.Suite, token string) {
	t.Helper()
	for _, typ := range []string{"", "JWT"} {
		cfg := s.settings(signing, management, -1)
		cfg.SetType(typ)
		if _, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock); err == nil {
			t.Error("accepted by the strict configuration")
		}
		cfg.Allow(allMissing)
		cfg.Require = []string{s.claims[0].name}
		cfg.Limits = open.Limits{Leeway: open.MaxLeeway, MaxLifetime: 365 * 24 * time.Hour, MaxSize: 1 << 20, MaxHeader: 16 << 10}
		refused(t, cfg, token, s.refused)
		missing, field := avoidable(t, cfg, token, "")
		if missing != 0 || field != "" {
			t.Errorf("avoidable by %v and %q", missing, field)
		}
		if _, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock); !strings.Contains(detail(err), s.because) {
			t.Errorf("refused because %s, want %s", detail(err), s.because)
		}
	}
}
