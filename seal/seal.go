package seal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// Sealer makes tokens of one form. It is immutable and safe for concurrent use.
type Sealer struct {
	cfg        settings
	audience   []string
	registered registeredClaims
	scratch    *sync.Pool
	now        func() time.Time
}

// errZeroSealer is the error of a Sealer that no constructor made.
var errZeroSealer = configError("Sealer", "was made by neither New nor NewSelective")

func (s *Sealer) isZero() bool { return s == nil || s.scratch == nil }

// Seal makes a token of the claims. It adds iss, aud, iat and exp, and a random jti if c.ID is
// empty.
//
// A nested token is one compact JWE around the signed claims, RFC 7519 section 5.2. A
// stranger can read neither the values nor the names of the claims in it. A selective token
// is a compact JWS. A stranger can read its registered and visible claims and the number of
// its recipients, but neither the values nor the names of the sealed claims. The length of a
// token of either form tells about how long the claims are, unless Limits.Pad rounds it.
//
// It returns [ErrConfig] for a Sealer that no constructor made, [ErrClaims], [ErrReadable],
// [ErrLifetime], [ErrTooLarge], [ErrSameKey], [ErrSigning], keys.ErrNoKey when the sources have no
// key to sign with or to encrypt to, or in the selective form one without kid, keys.ErrStale when
// the ring could not be reloaded for too long, and the errors of the key sources. With an error
// Seal returns no token.
func (s *Sealer) Seal(ctx context.Context, c Claims) (string, error) {
	if s.isZero() {
		return "", errZeroSealer
	}
	m := s.scratch.Get().(*scratch)
	token, err := s.seal(ctx, c, m)
	if m.wipe() {
		s.scratch.Put(m)
	}
	return token, err
}

func (s *Sealer) seal(ctx context.Context, c Claims, m *scratch) (string, error) {
	if err := s.recipientKeys(ctx, m); err != nil {
		return "", err
	}
	from, err := s.signingKey(ctx)
	if err != nil {
		return "", err
	}
	set, err := s.claimsSet(c, m)
	if err != nil {
		return "", err
	}
	if err := s.guard(c, set, from, m.to); err != nil {
		return "", err
	}
	if s.cfg.selective {
		err = s.selective(ctx, m, set, from)
	} else {
		err = s.nested(ctx, m, set, from)
	}
	if err != nil {
		return "", err
	}
	if len(m.out) > s.cfg.limits.MaxSize {
		return "", fmt.Errorf("%w: %d bytes, and at most %d are allowed; keep an id in the token and the rest in a database",
			ErrTooLarge, len(m.out), s.cfg.limits.MaxSize)
	}
	return string(m.out), nil
}

// Ready asks the key sources once. It returns the error that Seal would return for any claims:
// keys.ErrNoKey when the sources have no key to sign with or to encrypt to, or in the selective
// form when a key has no kid; keys.ErrStale; [ErrLifetime] when Limits.Lifetime is longer than the
// policy of the signing ring allows; [ErrSameKey]; [ErrReadable] when a kid looks like personal
// data and strangers could read it; and the errors of the sources. Call it at start-up and in a
// readiness probe.
func (s *Sealer) Ready(ctx context.Context) error {
	if s.isZero() {
		return errZeroSealer
	}
	m := s.scratch.Get().(*scratch)
	defer func() {
		if m.wipe() {
			s.scratch.Put(m)
		}
	}()
	if err := s.recipientKeys(ctx, m); err != nil {
		return err
	}
	from, err := s.signingKey(ctx)
	if err != nil {
		return err
	}
	return s.checkKids(from, m.to)
}

// answer returns the answer of a key source. A source that returns neither a set nor an error
// gets keys.ErrNoKey, so that its mistake does not make the sealer panic.
func answer[S any](set *S, err error) (*S, error) {
	if err == nil && set == nil {
		err = fmt.Errorf("%w: the source gave no keys and no error", keys.ErrNoKey)
	}
	return set, err
}

func (s *Sealer) signingKey(ctx context.Context) (*keys.Key, error) {
	set, err := answer(s.cfg.signing.PrivateKeys(ctx))
	if err != nil {
		return nil, fmt.Errorf("seal: the signing keys: %w", err)
	}
	k, err := set.SigningKey()
	if err != nil {
		return nil, fmt.Errorf("seal: the signing keys: %w", err)
	}
	if limit := set.MaxTokenLifetime(); limit > 0 && s.cfg.limits.Lifetime > limit {
		return nil, fmt.Errorf("%w: %v, and the ring allows %v (T): shorten it, or raise the ring's",
			ErrLifetime, s.cfg.limits.Lifetime, limit)
	}
	return k, nil
}
