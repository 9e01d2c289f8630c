package sessions

import (
	"context"
	"fmt"
	"time"
)

// take reads a frame and brings the list up to date.
func (l *loop) take(ctx context.Context, text []byte) {
	wall, up := l.clock()
	fr, err := parseFrame(ctx, text, l.cfg.Issuer, l.cfg.Keys, wall)
	if err != nil {
		l.state.err = err
		l.store()
		l.report(News{Err: err})
		return
	}
	heals := l.wanted && l.state.synced
	added, err := l.apply(fr)
	if heals {
		l.state.missed += len(added)
	}
	l.whole = l.whole || fr.from == Cursor{}
	news := News{Err: err, Date: fr.date, Whole: l.whole}
	l.whole = l.whole && fr.more
	for _, e := range added {
		news.Added = append(news.Added, Ended{e.Entry, time.Unix(int64(e.minute)*60, 0).UTC()})
	}
	l.state.err = err
	if err == nil && !l.wanted && fr.date.Equal(l.date) && !fr.more {
		l.state.synced, l.state.date, l.state.signer = true, l.date, l.signer
		l.state.lifetime, l.state.leeway = l.lifetime, l.leeway
		l.state.taken, l.state.age = up, max(0, wall.Sub(l.date))
		if l.state.maxStale = l.cfg.MaxStale; l.state.maxStale == 0 {
			l.state.maxStale = min(l.lifetime, DefaultMaxStale)
		}
	}
	if err == nil && !l.wanted {
		l.failed = 0 // also if the date did not advance: the hub works, and only its store is down
	}
	if l.state.swept.IsZero() {
		l.state.swept = wall
	}
	l.store()
	l.report(news)
}

// look checks that the clock did not go back and that the key of the newest frame is not revoked,
// and once a minute removes the entries whose time is over.
func (l *loop) look(ctx context.Context) {
	wall, up := l.clock()
	if l.state.synced && wall.Before(l.state.swept.Add(-skew)) {
		l.lose(fmt.Errorf("%w: the clock went back by %v", ErrMissed, l.state.swept.Sub(wall).Round(time.Second)))
		l.state.swept = wall
	}
	if l.state.synced && l.isSignerRevoked(ctx) {
		l.lose(fmt.Errorf("%w: its newest frame is signed by a key that the issuer has withdrawn", ErrMissed))
	}
	if up >= l.sweep {
		l.sweep = up + sweepEvery
		l.forget(wall)
		if wall.After(l.state.swept) {
			l.state.swept = wall
		}
	}
	l.store()
}

// lose marks the list as incomplete, so that Check refuses every token until a whole list has come.
func (l *loop) lose(why error) {
	l.distrust()
	l.state.synced, l.state.err = false, why
	l.report(News{Err: why})
}

// isSignerRevoked reports whether the issuer has withdrawn the key that signed the newest frame. A
// thief of that key could sign frames that make an old list look young. If the key source fails,
// isSignerRevoked returns false.
func (l *loop) isSignerRevoked(ctx context.Context) bool {
	set, err := l.cfg.Keys.PublicKeys(ctx, l.signer)
	return err == nil && set != nil && !set.HasVerificationKey(l.signer)
}
