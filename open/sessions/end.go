package sessions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// List returns the sessions of a user that are neither ended nor expired, the oldest first. It
// returns [ErrSubject], [ErrDamaged] for a row that was changed, and the errors of the store and
// the KEK.
func (r *Registry) List(ctx context.Context, subject string) ([]Session, error) {
	v, rows, err := r.rows(ctx, subject)
	if err != nil {
		return nil, err
	}
	now := r.now()
	var list []Session
	for _, row := range rows {
		if !now.Before(row.Expires) {
			continue
		}
		k := v.key(row.Key)
		if k == nil {
			return nil, fmt.Errorf("%w: session %s", ErrDamaged, row.ID)
		}
		who, err := k.open(row, r.cfg.Issuer)
		if err != nil {
			return nil, err
		}
		list = append(list, row.session(who))
	}
	slices.SortStableFunc(list, func(a, b Session) int { return a.Started.Compare(b.Started) })
	return list, nil
}

// rows returns the rows of a user under every key of the registry. It asks for the oldest key
// first: a refresh moves a row from the older key to the newer one, so a row that moves meanwhile
// is not missed. If another process has made a new key meanwhile, rows begins again.
func (r *Registry) rows(ctx context.Context, subject string) (*vault, []Row, error) {
	if err := r.ready(); err != nil {
		return nil, nil, err
	}
	if err := checkSubject(subject); err != nil {
		return nil, nil, err
	}
	for {
		v, err := r.vault(ctx, 0)
		if err != nil {
			return nil, nil, err
		}
		var rows []Row
		for _, k := range v.keys {
			more, err := call(ctx, func(ctx context.Context) ([]Row, error) { return r.cfg.Store.List(ctx, k.index(subject)) })
			if err != nil {
				return nil, nil, err
			}
			// A row that moved between the two calls is in both answers.
			rows = slices.DeleteFunc(rows, func(a Row) bool {
				return slices.ContainsFunc(more, func(b Row) bool { return a.ID == b.ID })
			})
			rows = append(rows, more...)
		}
		again, err := r.vault(ctx, 0)
		if err != nil {
			return nil, nil, err
		}
		if again.current().id == v.current().id {
			return again, rows, nil
		}
	}
}

// End ends one session of a user. When End returns nil, the end is as durable as the store,
// no Refresh of the session succeeds any more, and every verifier that follows the feed
// refuses its tokens within a moment. It returns [ErrNoSession] for a session that is not
// there or belongs to another user, [ErrSubject], and the errors of the store and the KEK.
// The caller decides whether this user may end the session. Where a thief of a login must not log
// out the owner, have the user log in again first.
func (r *Registry) End(ctx context.Context, subject, id string) error {
	sid, err := parseID(id)
	if err != nil {
		return errors.Join(err, r.ready())
	}
	_, err = r.endOf(ctx, subject, func(rows []Row) ([]Row, error) {
		i := slices.IndexFunc(rows, func(row Row) bool { return row.ID == sid })
		if i < 0 {
			return nil, ErrNoSession
		}
		return rows[i : i+1], nil
	})
	return err
}

// EndOthers ends every session of a user except the session with the given id, as [Registry.End]
// does, and returns how many it ended. It returns [ErrNoSession] when the user has no session of
// that id.
func (r *Registry) EndOthers(ctx context.Context, subject, id string) (int, error) {
	sid, err := parseID(id)
	if err != nil {
		return 0, errors.Join(err, r.ready())
	}
	return r.endOf(ctx, subject, func(rows []Row) ([]Row, error) {
		others := slices.DeleteFunc(slices.Clone(rows), func(row Row) bool { return row.ID == sid })
		if len(others) == len(rows) {
			return nil, ErrNoSession
		}
		return others, nil
	})
}

// EndAll ends every session of a user, as [Registry.End] does, and returns how many it ended.
func (r *Registry) EndAll(ctx context.Context, subject string) (int, error) {
	return r.endOf(ctx, subject, func(rows []Row) ([]Row, error) { return rows, nil })
}

// endOf ends the sessions that the function pick returns. If a refresh moves such a session to
// another key meanwhile, endOf finds it there and ends it.
func (r *Registry) endOf(ctx context.Context, subject string, pick func([]Row) ([]Row, error)) (total int, err error) {
	picked := make(map[ID]bool)
	for {
		_, rows, err := r.rows(ctx, subject)
		if err != nil {
			return total, err
		}
		chosen, err := pick(rows)
		if len(picked) > 0 { // only the sessions picked at first: a session that began since then stays
			chosen, err = slices.DeleteFunc(slices.Clone(rows), func(row Row) bool { return !picked[row.ID] }), nil
		}
		if err != nil || len(chosen) == 0 {
			return total, err
		}
		for _, row := range chosen {
			picked[row.ID] = true
		}
		n, err := r.end(ctx, chosen)
		total += n
		if err != nil {
			return total, err
		}
		// The sessions have ended, whatever follow returns. After follow has read the
		// revocations, this process notices if the store goes back and loses them.
		_ = r.follow(ctx, 0)
	}
}

// end ends sessions, in one transaction for each index of the user, and returns how many were still
// there. When it is not known whether the store has ended them, end tries again, and then also
// appends the entries of the sessions with a time that is counted from now, because the first try
// may have ended the sessions with an earlier time.
func (r *Registry) end(ctx context.Context, rows []Row) (total int, err error) {
	byUser := make(map[User][]ID)
	var entries []Entry // the right entries of rows in which the database has another entry
	for _, row := range rows {
		byUser[row.User] = append(byUser[row.User], row.ID)
		if e := entryOf(kindSession, r.cfg.Issuer, row.ID.String()); e != row.Entry {
			entries = append(entries, e)
		}
	}
	for user, ids := range byUser {
		n, err := r.endKnown(ctx, Which{User: user, IDs: ids})
		total += n
		if err != nil {
			return total, err
		}
	}
	if len(entries) > 0 {
		return total, r.append(ctx, entries)
	}
	return total, nil
}

// endTries is how often an end of unknown outcome is tried.
const endTries = 3

func (r *Registry) endKnown(ctx context.Context, which Which) (total int, err error) {
	for try := range endTries {
		n, err := call(ctx, func(ctx context.Context) (int, error) { return r.cfg.Store.End(ctx, which, r.until(r.now())) })
		if err == nil {
			if total += n; try == 0 {
				return total, nil
			}
			var entries []Entry
			for _, id := range which.IDs {
				entries = append(entries, entryOf(kindSession, r.cfg.Issuer, id.String()))
			}
			return total, r.append(ctx, entries)
		}
		switch unknown := errors.Is(err, ErrUnknownOutcome); {
		case !unknown && try > 0: // an earlier try may have ended them
			return total, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		case !unknown, try == endTries-1:
			return total, err
		}
	}
	return total, nil
}

// append revokes entries, and has them kept until every token that exists now has expired.
func (r *Registry) append(ctx context.Context, entries []Entry) error {
	until := r.until(r.now())
	var ended []Ended
	for _, e := range entries {
		ended = append(ended, Ended{e, until})
	}
	return r.appendEnded(ctx, ended)
}

func (r *Registry) appendEnded(ctx context.Context, ended []Ended) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return r.cfg.Store.Append(ctx, ended)
}

// Revoke ends one access token, by its claims jti and exp, and leaves its session. For a token that
// has expired for every verifier, whatever its leeway and clock, Revoke does nothing and returns
// nil. It returns [ErrNoToken] for an empty jti, and the errors of the store.
func (r *Registry) Revoke(ctx context.Context, jti string, exp time.Time) error {
	if err := r.ready(); err != nil {
		return err
	}
	if jti == "" {
		return ErrNoToken
	}
	now := r.now()
	until := exp.Add(r.cfg.Leeway + 2*r.cfg.ClockSkew + time.Second - 1).UTC().Truncate(time.Second)
	if !until.After(now) {
		return nil
	}
	// No verifier accepts a token that lives longer than TokenLifetime from its iat, so until(now)
	// is the latest time at which a verifier could accept a token that exists now.
	if last := r.until(now); until.After(last) {
		until = last
	}
	return r.appendEnded(ctx, []Ended{{entryOf(kindToken, r.cfg.Issuer, jti), until}})
}

// ErrNoToken is the error of Revoke for an empty jti: without a jti no token can be revoked.
var ErrNoToken = errors.New("sessions: a token without a jti cannot be revoked")
