package jwks

import (
	"context"

	"github.com/sealjwt/sealjwt/keys"
)

// Refresh asks the server itself, however young the set is, and returns what it answered:
// past every cache on the way that heeds no-cache. One that does not may answer with what it
// has kept, and if that is older than the set that there is, Refresh fails. It is for an
// operator, after the other party has said that a key of theirs was stolen. Cooldown does
// not hold it, only starts anew, since that holds what strangers can cause: do not call
// Refresh for a token. One fetch runs at a time; those who ask while one does share the
// next.
//
// Its errors are those of PublicKeys, except that it also returns [ErrFetch], alone, when it
// failed and the set that there was is not too old: PublicKeys goes on with that one.
func (r *Remote) Refresh(ctx context.Context) (*keys.PublicSet, error) {
	if err := ctx.Err(); err != nil {
		return nil, r.left(err)
	}
	// The fetch that is under way may have asked before the server had what we want, and
	// does not count, unless it is the one that takes wanted. If it is not, the next is,
	// whoever starts it. Ours takes it too: another may have come, taken it and gone.
	for range 2 {
		r.wanted.Store(true)
		now := r.now()
		done, mine := r.flight.join(func() bool {
			r.tried = now
			r.wanted.Store(true)
			return true
		}, r.fetch)
		if err := wait(ctx, done); err != nil {
			return nil, r.left(err)
		}
		if mine {
			break
		}
	}
	return r.outcome(r.state.Load(), r.now())
}
