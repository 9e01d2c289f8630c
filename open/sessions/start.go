package sessions

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// repeatFor is how long Refresh repeats its answer when the same refresh token comes again, from a
// client that lost the answer or from a second tab. FAPI 2.0 asks for that: "retrying the request
// with the previous refresh token will succeed".
const repeatFor = 10 * time.Second

// Start begins a session of a user who has logged in, and returns it with its first refresh token.
// Give the session's ID and NotAfter to the sealer as seal.Session. Of more than 100 sessions of a
// user the oldest ends. Start works also while the store is marked as rolled back
// ([ErrRolledBack]), because a new session depends on nothing that the store has forgotten. It
// returns ErrRolledBack only if the store has lost the registry's keys.
//
// It returns [ErrSubject], and the errors of the store and the KEK.
func (r *Registry) Start(ctx context.Context, subject string, d Device) (Session, string, error) {
	if err := r.ready(); err != nil {
		return Session{}, "", err
	}
	if err := checkSubject(subject); err != nil {
		return Session{}, "", err
	}
	v, err := r.vault(ctx, vaultAge)
	if err != nil {
		return Session{}, "", err
	}
	now := r.now()
	row := Row{Version: 1, Started: seconds(now), Generation: 1}
	rand.Read(row.ID[:])
	r.touch(&row, now)
	d = d.trimmed(r.cfg.KeepAddress)
	if err := v.current().seal(&row, r.cfg.Issuer, subject, d); err != nil {
		return Session{}, "", err
	}
	if _, err := call(ctx, func(ctx context.Context) (int, error) {
		return r.cfg.Store.Start(ctx, row, maxSessions, r.until(now))
	}); err != nil {
		return Session{}, "", err
	}
	return r.answer(v, row, identity{subject, d.Name, d.Agent, d.Addr}, now)
}

// touch writes the times of a refresh into a row. No session lives longer than MaxAge.
func (r *Registry) touch(row *Row, now time.Time) {
	row.Turned = now.UTC().Truncate(time.Millisecond)
	row.Seen = seconds(now)
	row.Expires = seconds(now.Add(r.cfg.IdleAge))
	if last := row.Started.Add(r.cfg.MaxAge); row.Expires.After(last) {
		row.Expires = last
	}
}

func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// answer returns the results of Start and Refresh: the session and the refresh token of the row's
// generation.
func (r *Registry) answer(v *vault, row Row, who identity, now time.Time) (Session, string, error) {
	k := v.key(row.Key)
	if k == nil {
		return Session{}, "", ErrEnded
	}
	token, err := k.refresh(row.ID, row.Generation)
	if err != nil {
		return Session{}, "", err
	}
	s := row.session(who)
	s.NotAfter = now.Add(r.cfg.TokenLifetime)
	return s, token, nil
}

func (row Row) session(who identity) Session {
	return Session{
		ID: row.ID.String(), Subject: who.Subject, Device: Device{who.Name, who.Agent, who.Addr},
		Started: row.Started, Seen: row.Seen, Expires: row.Expires,
	}
}

// Refresh returns the session of a refresh token and the next refresh token. After that the given
// token is used up. If it comes again within 10 s, before the next token was used, Refresh returns
// the same next token with Repeated set. If it comes again later, or after the next token was used,
// Refresh ends the session. Give the session's ID and NotAfter to the sealer as seal.Session.
//
// It returns
//   - [ErrInvalidRefresh] for a text that is not a refresh token of this registry;
//   - [ErrEnded] for a session that is over: ended, expired, or under a key that was dropped;
//   - [ErrReused] for an old token. The session is ended then, unless the error of the store
//     stands beside it;
//   - [ErrRolledBack] while the store is not trusted, and [ErrDamaged] for a row that was
//     changed;
//   - the errors of the store and the KEK. The client may try again with the same token.
func (r *Registry) Refresh(ctx context.Context, token string) (Session, string, error) {
	if err := r.ready(); err != nil {
		return Session{}, "", err
	}
	// The time is taken before the session is read: NotAfter must be at most TokenLifetime after a
	// time at which the session certainly was not ended.
	now := r.now()
	v, t, err := r.authentic(ctx, token)
	if err != nil {
		return Session{}, "", err
	}
	for {
		var (
			row Row
			who identity
		)
		v, row, who, err = r.row(ctx, v, t.id)
		if errors.Is(err, ErrNoSession) || err == nil && !now.Before(row.Expires) {
			err = ErrEnded
		}
		if err != nil {
			return Session{}, "", err
		}
		switch r.judge(v, t, row, now) {
		case repeat:
			s, next, err := r.answer(v, row, who, now)
			s.Repeated = err == nil
			return s, next, err
		case reused:
			_, err := r.end(ctx, []Row{row})
			return Session{}, "", errors.Join(ErrReused, err)
		case ahead:
			return Session{}, "", errors.Join(ErrRolledBack, r.markRolledBack(ctx, time.Time{}))
		}
		row.Generation = t.generation + 1
		r.touch(&row, now)
		if err := v.current().seal(&row, r.cfg.Issuer, who.Subject, Device{who.Name, who.Agent, who.Addr}); err != nil {
			return Session{}, "", err
		}
		_, err = call(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, r.cfg.Store.Update(ctx, row) })
		switch {
		case errors.Is(err, ErrConflict): // another refresh was first: read its row
			continue
		case errors.Is(err, ErrNoSession):
			return Session{}, "", ErrEnded
		case err != nil:
			return Session{}, "", err
		}
		return r.answer(v, row, who, now)
	}
}

// verdict says how Refresh treats an authentic refresh token.
type verdict int

const (
	turn   verdict = iota // make the next generation
	repeat                // give the last answer again
	reused                // end the session
	ahead                 // the store has forgotten this generation
)

// judge compares the generation of a token with the one of the row.
func (r *Registry) judge(v *vault, t refreshToken, row Row, now time.Time) verdict {
	switch {
	case t.generation == row.Generation:
		return turn
	case t.generation > row.Generation && row.Turned.Before(v.Accepted):
		return turn // an operator has accepted that the row is older
	case t.generation > row.Generation && row.Started.Before(v.Accepted):
		return reused // after the Accept an older token was refreshed first
	case t.generation > row.Generation:
		return ahead
	case t.generation+1 == row.Generation && now.Sub(row.Turned) <= repeatFor && row.Turned.Sub(now) <= r.cfg.ClockSkew:
		return repeat
	}
	return reused
}

// authentic returns the keys and what a refresh token says. The MAC is checked before the
// store is asked for the session.
func (r *Registry) authentic(ctx context.Context, token string) (*vault, refreshToken, error) {
	t, err := parseRefresh(token)
	if err != nil {
		return nil, t, err
	}
	// Once a hub has written the lost entries back, only the mark in the document shows that the
	// store went back. So the document must be read at least every pollAge: a hub waits that long
	// between the mark and the writing.
	v, err := r.trusted(ctx, pollAge)
	if err != nil {
		return nil, t, err
	}
	if v.key(t.key) == nil { // another process may have made the key a moment ago
		if v, err = r.vault(ctx, 0); err != nil {
			return nil, t, err
		}
	}
	switch k := v.key(t.key); {
	case k == nil:
		return nil, t, ErrEnded
	case !k.isAuthentic(t):
		return nil, t, ErrInvalidRefresh
	}
	return v, t, nil
}

// row reads a session from the store and decrypts it. It returns the keys too, which it loads again
// if another process has made the key of the row meanwhile.
func (r *Registry) row(ctx context.Context, v *vault, id ID) (*vault, Row, identity, error) {
	row, err := call(ctx, func(ctx context.Context) (Row, error) { return r.cfg.Store.Get(ctx, id) })
	if err == nil && row.ID != id {
		err = fmt.Errorf("%w: another session than the one asked for", ErrDamaged)
	}
	if err != nil {
		return v, Row{}, identity{}, err
	}
	if v.key(row.Key) == nil {
		if v, err = r.vault(ctx, 0); err != nil {
			return nil, Row{}, identity{}, err
		}
	}
	k := v.key(row.Key)
	if k == nil {
		return v, Row{}, identity{}, ErrNoSession
	}
	who, err := k.open(row, r.cfg.Issuer)
	return v, row, who, err
}
