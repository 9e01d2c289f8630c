package sessions

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

const (
	// DefaultAge is how long a session lives, when IdleAge or MaxAge is zero.
	DefaultAge = 30 * 24 * time.Hour
	// DefaultLeeway is the tolerance of the verifiers on times, when Leeway is zero.
	DefaultLeeway = time.Minute
	// DefaultClockSkew is the difference between any two clocks, when ClockSkew is zero.
	DefaultClockSkew = time.Minute

	minTokenLifetime = 2 * heartbeat // with less, a healthy feed would be stale between heartbeats
	maxTokenLifetime = 24 * time.Hour
	maxTolerance     = 10 * time.Minute // of leeway and skew, as in package open
	maxAge           = 10 * 365 * 24 * time.Hour

	// maxSessions is how many sessions one user may have. If there are more, the oldest ends, so
	// that an attacker with one login cannot fill the store.
	maxSessions = 100

	// callLimit is how long a call of the store may take. A revocation is kept longer by this
	// time, since the session may be refreshed while the store is still working on the End.
	callLimit = 10 * time.Second
)

// Config says whose sessions a [Registry] keeps, and where. [New] copies it.
type Config struct {
	// Issuer is the claim iss of the tokens. All keys are derived with it. Required.
	Issuer string

	// Store keeps the sessions. Required.
	Store Store

	// KEK opens the keys of the registry. The first Registry that uses an empty store makes these
	// keys. [Registry.Rewrap] changes KEKs. Required.
	KEK keyring.KEK

	// TokenLifetime is the longest lifetime of an access token, from 10 s to 24 h. An ended session
	// stays in the list of every verifier for about that time. A list that is older, or older than
	// 15 min, counts as stale unless RemoteConfig.MaxStale says otherwise. A feed sends a heartbeat
	// every 5 s, so with less than 10 s verifiers would now and then refuse every token.
	// TokenLifetime must be longer than seal.Limits.Lifetime, by the time that passes between Start
	// or Refresh and Seal. Required.
	TokenLifetime time.Duration

	// IdleAge is how long a session lives without a refresh; DefaultAge when zero, or MaxAge if
	// MaxAge is shorter.
	IdleAge time.Duration

	// MaxAge is how long a session lives at most; DefaultAge when zero.
	MaxAge time.Duration

	// Leeway is the largest tolerance of the verifiers on times; DefaultLeeway when zero, at least
	// ClockSkew, at most 10 min.
	Leeway time.Duration

	// ClockSkew is the largest difference between any two clocks of issuers and verifiers;
	// DefaultClockSkew when zero, at most 10 min. The clocks of the issuer's own processes
	// should agree to a second: Refresh repeats a lost answer for 10 s, and one process may
	// compare its clock with a time that another process has written.
	ClockSkew time.Duration

	// KeepAddress keeps the whole IP address of a device. Without it the address is cut to
	// its /24 (IPv4) or /48 (IPv6).
	KeepAddress bool
}

// ErrConfig says that a configuration cannot work, see [ConfigError], that a zero Registry, Feed or
// Remote was used, or that a Feed or Remote is run twice.
var ErrConfig = errors.New("sessions: invalid configuration")

// ConfigError names the field of a configuration that cannot work. It is an [ErrConfig].
type ConfigError struct {
	Field   string
	Problem string
}

// Error returns the field and its problem.
func (e *ConfigError) Error() string {
	if e == nil {
		return ErrConfig.Error()
	}
	return fmt.Sprintf("%v: %s %s", ErrConfig, e.Field, e.Problem)
}

// Is reports whether target is [ErrConfig].
func (e *ConfigError) Is(target error) bool { return target == ErrConfig }

func configError(field, problem string, args ...any) error {
	return &ConfigError{Field: field, Problem: fmt.Sprintf(problem, args...)}
}

// Registry starts, refreshes, lists and ends the sessions of one issuer. Any number of processes
// may have one over the same store. It is safe for concurrent use and prints as [redacted]. It
// starts no goroutine. The methods of a zero Registry return [ErrConfig].
type Registry struct {
	redacted

	cfg Config
	now func() time.Time

	loading mutex // one reader of the document at a time; guards next and cached
	kek     keyring.KEK
	next    keyring.KEK // the first KEK of the last Rewrap
	cached  *vault

	following mutex // one reader of the tail at a time; guards position
	position  position
}

// New returns a Registry. For a configuration that cannot work it returns a [*ConfigError], which
// is an [ErrConfig]. New does not ask the store yet.
func New(cfg Config) (*Registry, error) {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&cfg.MaxAge, DefaultAge}, {&cfg.IdleAge, min(DefaultAge, max(cfg.MaxAge, 0))}, {&cfg.Leeway, DefaultLeeway}, {&cfg.ClockSkew, DefaultClockSkew}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if cfg.IdleAge == 0 {
		cfg.IdleAge = cfg.MaxAge
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Registry{cfg: cfg, now: time.Now, loading: newMutex(), kek: cfg.KEK, following: newMutex()}, nil
}

func (c Config) check() error {
	switch {
	case c.Issuer == "" || len(c.Issuer) > maxText || !utf8.ValidString(c.Issuer):
		return configError("Issuer", "must be 1 to %d bytes of UTF-8: the iss of the tokens", maxText)
	case isNil(c.Store):
		return configError("Store", "is required: NewMemStore or package sqlstore")
	case isNil(c.KEK):
		return configError("KEK", "is required: keyring.KEKFile or keyring.NewKEK")
	case c.TokenLifetime < minTokenLifetime || c.TokenLifetime > maxTokenLifetime:
		return configError("TokenLifetime", "must be between %v and %v: the longest lifetime of an access token", minTokenLifetime, maxTokenLifetime)
	case c.MaxAge < c.TokenLifetime || c.MaxAge > maxAge:
		return configError("MaxAge", "must be between TokenLifetime (%v) and %v", c.TokenLifetime, maxAge)
	case c.IdleAge < c.TokenLifetime || c.IdleAge > c.MaxAge:
		return configError("IdleAge", "must be between TokenLifetime (%v) and MaxAge (%v)", c.TokenLifetime, c.MaxAge)
	case c.ClockSkew < 0 || c.ClockSkew > maxTolerance:
		return configError("ClockSkew", "must be between 0 and %v", maxTolerance)
	case c.Leeway < c.ClockSkew || c.Leeway > maxTolerance:
		return configError("Leeway", "must be between ClockSkew (%v) and %v, or fresh tokens are refused", c.ClockSkew, maxTolerance)
	}
	return nil
}

// isNil reports whether v is nil or holds a nil pointer or function.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}

// ready returns [ErrConfig] for a nil or a zero Registry, and nil otherwise.
func (r *Registry) ready() error {
	if r == nil || r.now == nil {
		return fmt.Errorf("%w: a nil or zero Registry has no store: use New", ErrConfig)
	}
	return nil
}

// until returns the time at which a revocation of now may be forgotten, in whole seconds. It is
// the latest time at which a verifier could accept a token of the session. The last token may be
// made until the store has written the revocation (callLimit), by a clock that is one skew ahead,
// and lives for TokenLifetime. A verifier whose clock is one skew behind still accepts the token
// for the leeway after that.
func (r *Registry) until(now time.Time) time.Time {
	end := now.Add(callLimit + r.cfg.TokenLifetime + r.cfg.Leeway + 2*r.cfg.ClockSkew)
	return end.Add(time.Second - 1).UTC().Truncate(time.Second)
}

// call calls the store with a context that ends after callLimit.
func call[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return f(ctx)
}
