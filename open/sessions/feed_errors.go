package sessions

import (
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/open/bearer"
)

// Why a verifier refuses a token, for errors.Is.
var (
	// ErrStale: the list of ended sessions is too old, or was never fetched. It is a
	// bearer.ErrUnavailable: the answer is 503, and the client keeps its token.
	ErrStale = fmt.Errorf("sessions: the list of ended sessions is too old: %w", bearer.ErrUnavailable)
	// ErrUnnamed: the token has no sid, so no end of a session can refuse it, and AllowNoSession is
	// not set; or it has neither sid nor jti.
	ErrUnnamed = errors.New("sessions: the token belongs to no session")
	// ErrUnbounded: the token has no iat, lives too long or expired too long ago, so the list may
	// have forgotten its end.
	ErrUnbounded = errors.New("sessions: the token may outlive the memory of its end")
	// ErrForeign: no Remote follows the issuer of the token.
	ErrForeign = errors.New("sessions: the feed of the token's issuer is not followed")
)

// What a feed and a Remote report, for errors.Is.
var (
	// ErrUnreachable: the feed could not be read.
	ErrUnreachable = errors.New("sessions: the feed cannot be read")
	// ErrMissed: entries of the list are missing, or may be missing. The Remote fetches the whole
	// list.
	ErrMissed = errors.New("sessions: entries were lost on the way")
	// ErrFull: there are more than a million entries, and the list takes no more. It is not
	// updated, and so gets stale, until entries are forgotten. An issuer that has to end so many
	// sessions revokes its signing keys instead: sealjwt keys revoke --all.
	ErrFull = errors.New("sessions: the list is full; end all tokens at once with sealjwt keys revoke --all")
	// ErrWroteBack: the store had lost revocations, as after a failover or a restore. The feed
	// still knew them and appended them again.
	ErrWroteBack = errors.New("sessions: the store had lost revocations, and they were written back")
)
