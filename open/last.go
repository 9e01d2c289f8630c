package open

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// LastOpened returns when the Opener last opened a token with each suite, to the second. A token
// counts for the suite of the key that verified it and for the suite of each key that decrypted
// it, also when it comes from the cache. A token that was refused, by Check too, does not count.
// The time is the time of the call of Open or OpenAt, whatever time OpenAt checked the token at.
// A suite without a token since the Opener was made is not in the map.
//
// It is for monitoring. After the policy of a ring has changed its suites, the times show when
// tokens for the old suite no longer come and its keys can be retired. Each Opener counts for
// itself, from the time at which it was made. So export the times of all processes, and for each
// suite look at the newest time.
func (o *Opener) LastOpened() map[keys.Suite]time.Time {
	times := make(map[keys.Suite]time.Time)
	if o.isZero() {
		return times
	}
	for s := range o.last {
		if seconds := o.last[s].Load(); seconds != 0 {
			times[keys.Suite(s)] = time.Unix(seconds, 0).UTC()
		}
	}
	return times
}

// suites is a set of suites.
type suites uint32

func (s *suites) add(suite keys.Suite) { *s |= 1 << suite }

// lastOpened holds for each suite the time at which a token was last opened with it, in seconds
// since 1970, or 0 if no token was.
type lastOpened [32]atomic.Int64

// note records that a token was opened with these suites. All processor cores share the times, and
// writes to shared memory slow them down. So note writes a time about once a second, and otherwise
// only reads it.
func (l *lastOpened) note(opened suites, now time.Time) {
	seconds := now.Unix()
	for rest := opened; rest != 0; rest &= rest - 1 { // drops the lowest suite from rest
		if last := &l[bits.TrailingZeros32(uint32(rest))]; last.Load() < seconds {
			last.Store(seconds)
		}
	}
}
