package sessions

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/open"
)

// Check refuses a token whose session has ended, or that was revoked itself. It is made for
// open.Config.Check, and asks no store and no network.
//
// A Remote that NewRemote has not made returns an [ErrConfig]. Any other makes these checks in this
// order, and returns the first error:
//   - [ErrStale], a bearer.ErrUnavailable, when the list of ended sessions is too old or was never
//     complete;
//   - [ErrForeign] for a token of another issuer;
//   - [ErrUnnamed] for a token without sid, unless AllowNoSession is set, and for a token with
//     neither sid nor jti;
//   - [ErrUnbounded] for a token without iat, for a token that lives longer from its iat than the
//     feed says that tokens live, and for a token that expired longer ago than the Leeway of the
//     issuer's registry, whatever the leeway of the opener;
//   - [ErrEnded] when the session has ended or the token was revoked.
func (r *Remote) Check(_ context.Context, t *open.Token) error {
	if !r.isMade() {
		return errZeroRemote
	}
	s := r.state.Load()
	now, err := r.fresh(s, 0)
	if err != nil {
		return err
	}
	issuer, sid, jti, issued := t.Issuer(), t.SessionID(), t.ID(), t.IssuedAt()
	expires := t.ExpiresAt()
	switch {
	case issuer != r.cfg.Issuer:
		return ErrForeign
	case sid == "" && !r.cfg.AllowNoSession:
		return ErrUnnamed
	case sid == "" && jti == "":
		return fmt.Errorf("%w, and has no jti by which to revoke it", ErrUnnamed)
	case issued.IsZero():
		return fmt.Errorf("%w: it has no iat", ErrUnbounded)
	case expires.After(issued.Add(s.lifetime)):
		return fmt.Errorf("%w: it lives longer than %v", ErrUnbounded, s.lifetime)
	case !now.Before(expires.Add(s.leeway)):
		return fmt.Errorf("%w: it expired more than %v ago, which is the largest Leeway that the issuer's registry counts with", ErrUnbounded, s.leeway)
	}
	h := r.memo.of(issuer, sid, jti)
	if sid != "" && r.list.has(h.session) || jti != "" && r.list.has(h.token) {
		return ErrEnded
	}
	return nil
}

// Check returns a function for open.Config.Check where several issuers are trusted, each with a
// feed of its own. The function calls the Remote of the token's iss. It refuses a token of an
// issuer without a Remote with [ErrForeign]. If two Remotes are given for one issuer, a token must
// pass both. A Remote that NewRemote has not made is left out.
func Check(remotes ...*Remote) func(context.Context, *open.Token) error {
	byIssuer := make(map[string][]*Remote, len(remotes))
	for _, r := range remotes {
		if r.isMade() {
			byIssuer[r.cfg.Issuer] = append(byIssuer[r.cfg.Issuer], r)
		}
	}
	return func(ctx context.Context, t *open.Token) error {
		known := byIssuer[t.Issuer()]
		if len(known) == 0 {
			return ErrForeign
		}
		for _, r := range known {
			if err := r.Check(ctx, t); err != nil {
				return err
			}
		}
		return nil
	}
}

// Fresh returns a middleware for routes that need a younger list of ended sessions than MaxStale
// allows. It answers 503 while the list is older than d or MaxStale, and always when d is not
// positive. Put it behind the Authenticator of package bearer, whose Opener calls Check.
func (r *Remote) Fresh(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if !r.isMade() || next == nil || d <= 0 {
				retryLater(w)
				return
			}
			if _, err := r.fresh(r.state.Load(), d); err != nil {
				retryLater(w)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}
