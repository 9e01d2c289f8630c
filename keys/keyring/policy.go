package keyring

import (
	"context"
	"fmt"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/internal/window"
)

// Policy holds the durations from which the steps of a rotation follow. The ring keeps it,
// so that every process that uses the ring goes by the same figures. The zero value of a
// field stands for its default.
type Policy struct {
	TokenLifetime time.Duration // longest lifetime of a token; default 1 h
	Leeway        time.Duration // tolerance of openers on times; default 60 s
	ClockSkew     time.Duration // largest difference between any two clocks; default 60 s
	CacheAge      time.Duration // longest that another party uses a cached JWK Set; default 24 h
	PublishLag    time.Duration // from ring to published JWK Set, with proxies; default 60 s
	SnapshotAge   time.Duration // longest use of a snapshot to sign or publish; default 1 h
	MaxAge        time.Duration // Cache-Control max-age of the published JWK Set; default 5 min

	Sig UsePolicy // signing keys; default ES256, 30 days
	Enc UsePolicy // decryption keys; default ECDH-ES, 90 days
}

// UsePolicy is the part of a policy that differs between the two uses.
type UsePolicy struct {
	Suites []keys.Suite  // of the next keys; exactly one in this version
	Period time.Duration // cryptoperiod: how long a key is active
}

const day = 24 * time.Hour

// withDefaults returns the policy with the default in the place of each field that is zero.
func (p Policy) withDefaults() Policy {
	p.setFigures(p.figures().WithDefaults())
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&p.MaxAge, 5 * time.Minute},
		{&p.Sig.Period, 30 * day},
		{&p.Enc.Period, 90 * day},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if len(p.Sig.Suites) == 0 {
		p.Sig.Suites = []keys.Suite{keys.ES256}
	}
	if len(p.Enc.Suites) == 0 {
		p.Enc.Suites = []keys.Suite{keys.ECDHES}
	}
	return p
}

// maxDuration bounds every duration of a policy. Beyond it the sums of a window could
// overflow.
const maxDuration = 10 * 365 * day

// Validate returns nil if the figures can work together once defaults are filled in. It returns
// [ErrPolicy] otherwise, and names the rule that is broken. A period has to be longer than the
// windows of its use. It has to be at least two windows of a staged key long, because Rotate
// keeps a successor staged for that time, and the active key stays until then.
func (p Policy) Validate() error {
	if err := p.check(); err != nil {
		return err
	}
	p = p.withDefaults()
	w := p.Windows()
	if least := 2 * w.SignAhead; p.Sig.Period < least {
		return fmt.Errorf("%w: the signing period (%v) must be at least two windows of its successor (%v)", ErrPolicy, p.Sig.Period, least)
	}
	if least := 2 * w.EncAhead; p.Enc.Period < least {
		return fmt.Errorf("%w: the encryption period (%v) must be at least two windows of its successor (%v)", ErrPolicy, p.Enc.Period, least)
	}
	return nil
}

// check makes the checks of Validate, except that a period is at least two windows long: an
// older ring may break this rule, and its keys then stay active for longer than the period.
func (p Policy) check() error {
	p = p.withDefaults()
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"token lifetime", p.TokenLifetime}, {"leeway", p.Leeway}, {"clock skew", p.ClockSkew},
		{"cache age", p.CacheAge}, {"publish lag", p.PublishLag}, {"snapshot age", p.SnapshotAge},
		{"max-age", p.MaxAge}, {"signing period", p.Sig.Period}, {"encryption period", p.Enc.Period},
	} {
		if d.value < 0 || d.value > maxDuration {
			return fmt.Errorf("%w: the %s is %v; it must be positive and at most %v", ErrPolicy, d.name, d.value, maxDuration)
		}
	}
	for _, u := range []struct {
		use    keys.Use
		suites []keys.Suite
	}{{keys.UseSig, p.Sig.Suites}, {keys.UseEnc, p.Enc.Suites}} {
		if len(u.suites) != 1 {
			return fmt.Errorf("%w: use %s has %d suites; give it one", ErrPolicy, u.use, len(u.suites))
		}
		if s := u.suites[0]; s.Use() != u.use {
			return fmt.Errorf("%w: the suite %v is not for use %s", ErrPolicy, s, u.use)
		}
	}
	if p.Leeway < p.ClockSkew {
		return fmt.Errorf("%w: the leeway (%v) must not be shorter than the clock skew (%v), or fresh tokens are refused", ErrPolicy, p.Leeway, p.ClockSkew)
	}
	if p.MaxAge > p.CacheAge {
		return fmt.Errorf("%w: max-age (%v) must not be longer than the cache age (%v)", ErrPolicy, p.MaxAge, p.CacheAge)
	}
	w := p.Windows()
	if least := max(w.SignAhead, w.SignKept); p.Sig.Period <= least {
		return fmt.Errorf("%w: the signing period (%v) must be longer than its windows (%v)", ErrPolicy, p.Sig.Period, least)
	}
	if least := max(w.EncAhead, w.EncKept); p.Enc.Period <= least {
		return fmt.Errorf("%w: the encryption period (%v) must be longer than its windows (%v)", ErrPolicy, p.Enc.Period, least)
	}
	return nil
}

// Windows are the shortest times between the steps of a rotation. They follow from the policy.
// Shorter windows log users out: in TestSimulation tokens fail when SignAhead, SignKept or
// EncKept is a hundredth shorter, or EncAhead a twentieth.
type Windows struct {
	SignAhead time.Duration // staged to active: the public half must reach every verifier
	SignKept  time.Duration // retired to destroyed: the last token must be dead
	EncAhead  time.Duration // staged to active: the private half must reach every opener
	EncKept   time.Duration // retired to destroyed: tokens sealed from an old JWK Set must be dead
}

// Windows returns the windows of the policy.
func (p Policy) Windows() Windows { return Windows(p.figures().Windows()) }

func (p Policy) figures() window.Figures {
	return window.Figures{
		TokenLifetime: window.Duration(p.TokenLifetime), Leeway: window.Duration(p.Leeway), ClockSkew: window.Duration(p.ClockSkew),
		CacheAge: window.Duration(p.CacheAge), PublishLag: window.Duration(p.PublishLag), SnapshotAge: window.Duration(p.SnapshotAge),
	}
}

func (p *Policy) setFigures(f window.Figures) {
	p.TokenLifetime, p.Leeway, p.ClockSkew = time.Duration(f.TokenLifetime), time.Duration(f.Leeway), time.Duration(f.ClockSkew)
	p.CacheAge, p.PublishLag, p.SnapshotAge = time.Duration(f.CacheAge), time.Duration(f.PublishLag), time.Duration(f.SnapshotAge)
}

func (p Policy) forUse(u keys.Use) UsePolicy {
	if u == keys.UseSig {
		return p.Sig
	}
	return p.Enc
}

// UpdatePolicy calls edit to change the ring's policy, several times if other processes
// change the ring meanwhile.
//
// A new period counts at once, also for the active key. A new suite counts from the next key that
// is made. A key keeps the largest windows that were ever in force while the ring held it, so a
// policy that shrinks ends nothing early. New keys get the old windows too, for as long as caches
// and snapshots from the time of the old policy can live.
//
// It returns [ErrConfig] for a nil edit and [ErrPolicy] for figures that cannot work together,
// naming the rule, besides the errors of the store. Except after [ErrUnknownOutcome], an error
// means that nothing was changed.
func (r *Ring) UpdatePolicy(ctx context.Context, edit func(*Policy)) error {
	if edit == nil {
		return fmt.Errorf("%w: the edit of the policy is nil", ErrConfig)
	}
	return r.change(ctx, func(_ context.Context, d *draft) ([]logEntry, error) {
		p, err := d.Policy.policy()
		if err != nil {
			return nil, err
		}
		edit(&p)
		if err := p.Validate(); err != nil {
			return nil, err
		}
		d.setPolicy(newPolicyDocument(p.withDefaults()), r.now())
		return []logEntry{{what: "policy"}}, nil
	})
}

func (d *document) setPolicy(p policyDocument, now time.Time) {
	d.Former = d.Former.Look(utc(now))
	if old := d.Policy.Figures; old != p.Figures {
		d.Former = d.Former.Add(old, utc(now))
	}
	d.Policy = p
	for i := range d.Keys {
		if r := &d.Keys[i]; len(r.JWK) != 0 {
			r.Windows = r.Windows.Widest(p.Figures)
		}
	}
}

// widestWindows returns the figures of a key that is made now.
func (d *document) widestWindows() window.Figures { return d.Former.Widest(d.Policy.Figures) }

// WindowError says that a key cannot become active yet without the risk that valid tokens fail.
type WindowError struct {
	KeyID string    // the staged key
	Until time.Time // when its window is over
}

// Error says when the window is over, rounded up to a second.
func (e *WindowError) Error() string {
	if e == nil {
		return "<nil>"
	}
	return fmt.Sprintf("keyring: the key %s must not become active before %s: other parties may not have it yet",
		jwk.Quote(e.KeyID), e.Until.UTC().Add(time.Second-1).Truncate(time.Second).Format(time.RFC3339))
}

// tooSoon is both an ErrWindow and a WindowError, with the text of the WindowError.
type tooSoon struct{ window *WindowError }

func (e tooSoon) Error() string { return e.window.Error() }

func (e tooSoon) Unwrap() []error { return []error{ErrWindow, e.window} }
