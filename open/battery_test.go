package open_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/opentest"
)

// target is an opener with the configuration that the battery needs to know.
type target struct {
	opentest.Target
	cfg anyOpen
}

// newTarget returns a target that trusts two issuers and holds one decryption key.
func newTarget(selective bool, signing, management keys.Suite) target {
	signer, recipient, other := testKeyFor(signing), testKeyFor(management), otherIssuersKey()
	return target{
		Target: opentest.Target{
			Selective:   selective,
			Issuer:      opentest.Issuer{ID: issuerID, Signing: signer.Text()},
			OtherIssuer: opentest.Issuer{ID: otherID, Signing: other.Text()},
			Audience:    audience,
			Recipient:   recipient.Text(),
			Now:         clock,
		},
		cfg: anyOpen{
			SelectiveConfig: open.SelectiveConfig{
				Audience:   audience,
				Trust:      []open.Issuer{{ID: issuerID, Keys: publicSet(signer)}, {ID: otherID, Keys: publicSet(other)}},
				Decryption: privateSet(recipient),
			},
			Selective: selective,
		},
	}
}

// batterySuites are pairs of suites that reach every branch of the battery.
var batterySuites = []struct {
	signing, management keys.Suite
	classes             []string // classes for -short; nil: all
}{
	{keys.ES256, keys.ECDHES, nil},
	{keys.EdDSA, keys.ECDHESA256KW, []string{"correct tokens", "signatures", "key management", "ephemeral keys", "content keys"}},
	{keys.RS256, keys.RSAOAEP256, []string{"correct tokens", "algorithm confusion", "signatures", "key management", "content keys"}},
	{keys.PS256, keys.RSAOAEP, []string{"correct tokens", "algorithm confusion", "signatures", "key management", "content keys"}},
	{keys.ES256, keys.ECDHESX25519, []string{"correct tokens", "ephemeral keys", "content keys"}},
	{keys.EdDSA, keys.ECDHESA256KWX25519, []string{"ephemeral keys", "content keys"}},
}

// TestBattery opens every token of the battery, with keys of every type. A correct token is
// accepted. A forgery is refused with exactly the error of its case: a token that is refused
// for another reason shows nothing about the check that it is meant for.
func TestBattery(t *testing.T) {
	t.Parallel()
	for _, form := range []bool{nestedForm, selectiveForm} {
		t.Run(map[bool]string{nestedForm: "nested", selectiveForm: "selective"}[form], func(t *testing.T) {
			t.Parallel()
			for _, suite := range batterySuites {
				t.Run(suite.signing.String()+" "+strings.ReplaceAll(suite.management.String(), "/", " on "), func(t *testing.T) {
					t.Parallel()
					runBattery(t, newTarget(form, suite.signing, suite.management), func(class string) bool {
						return !testing.Short() || suite.classes == nil || slices.Contains(suite.classes, class)
					})
				})
			}
		})
	}
}

// TestBatteryConfigured opens every token of the battery with other limits, another type and
// without a second issuer.
func TestBatteryConfigured(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("TestBattery does the same for the defaults")
	}
	for name, leeway := range map[string]time.Duration{"a leeway of 5 s": 5 * time.Second, "hardly any leeway": time.Nanosecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			configured := newTarget(nestedForm, keys.ES256, keys.ECDHESA256KW)
			configured.Audience, configured.OtherIssuer = "42", opentest.Issuer{}
			configured.Issuer.ID, configured.Issuer.Type = "é<&>", "at+jwt"
			configured.Limits = opentest.Limits{Leeway: leeway, MaxLifetime: 5 * time.Minute, MaxSize: 16 << 10, MaxHeader: 4 << 10}
			configured.cfg.Audience = configured.Audience
			configured.cfg.Trust = []open.Issuer{{ID: configured.Issuer.ID, Type: configured.Issuer.Type, Keys: configured.cfg.Trust[0].Keys}}
			configured.cfg.Limits = open.Limits{Leeway: leeway, MaxLifetime: 5 * time.Minute, MaxSize: 16 << 10}
			runBattery(t, configured, func(string) bool { return true })
		})
	}
}

// batterySecrets stand in the tokens of the battery, and in no error.
var batterySecrets = []string{"ada@example.com", "84.50", "read write", "kid-of-", issuerID, audience, "evil.example"}

// runBattery opens the tokens of these classes, each class in a subtest.
func runBattery(t *testing.T, target target, wanted func(class string) bool) {
	t.Helper()
	asked := false
	target.cfg.Check = func(context.Context, *open.Token) error { asked = true; return nil }
	o := newOpener(t, target.cfg)
	cases := must(opentest.Cases(target.Target))
	for len(cases) > 0 {
		class := cases[0].Class
		end := slices.IndexFunc(cases, func(c opentest.Case) bool { return c.Class != class })
		if end < 0 {
			end = len(cases)
		}
		of := cases[:end]
		cases = cases[end:]
		if !wanted(class) {
			continue
		}
		t.Run(class, func(t *testing.T) {
			for _, c := range of {
				asked = false
				token := c.Token()
				tok, err := o.OpenAt(t.Context(), token, clock)
				switch {
				case c.Accept != (err == nil) || c.Accept != (tok != nil):
					t.Errorf("%v: %v, %v", c, tok, err)
				case c.Accept != asked:
					t.Errorf("%v: Check was asked: %v", c, asked)
				case err != nil && !errors.Is(err, c.Want):
					t.Errorf("%v: refused with %v, want %v", c, err, c.Want)
				case err != nil:
					checkRefusal(t, err, c.Want, token, batterySecrets...)
				}
			}
		})
	}
}
