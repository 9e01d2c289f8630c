package sessions

import (
	"fmt"
	"time"
)

// follower brings a list up to date from frames. It is not safe for concurrent use; its list is.
//
// The list keeps all entries that any frame ever brought, until their time is over. It may know
// more than the feed, for example after a restore of the store. So the entries that the feed's own
// list has at the cursor are marked as mirrored, and tallies counts only these.
type follower struct {
	list    *list
	tallies tallies
	cursor  Cursor
	size    int // how many entries the list has

	// At date the list had every entry that the store had. Since the list only adds, that stays
	// true, so no frame sets date back, even if old frames come again.
	date     time.Time
	signer   string // kid of the key that signed the frame with date
	lifetime time.Duration
	leeway   time.Duration

	wanted bool // the whole list must be fetched, since entries are or may be missing
}

func newFollower() *follower {
	return &follower{list: newList(), tallies: make(tallies), wanted: true}
}

// comparableFor is how much older than date a frame may be for its digest to be compared with the
// list. A frame of another hub may be older, because the clocks of two hubs differ.
const comparableFor = 4 * time.Minute

// apply adds the entries of a frame, and returns those that are new. It advances date only for a
// frame that continues the list without a gap, ends with the count and the digest of the list, and
// does not have more set.
//
// It returns [ErrMissed] when entries are missing and [ErrFull] when there is no room.
func (f *follower) apply(fr *frame) (added []timedEntry, err error) {
	old := fr.date.Before(f.date)
	if fr.from == (Cursor{}) && f.cursor != fr.from && (f.wanted || !old) {
		f.restart()
	}
	// A frame that ends at our cursor also continues the list, although it brings nothing new: a
	// stream may repeat the frame that an answer before it had.
	follows := fr.from == f.cursor || fr.to == f.cursor
	if fr.date.Before(f.date.Add(-comparableFor)) && !f.wanted {
		follows = false
	}
	added, full := f.add(fr.ids, follows)
	switch {
	case full:
		f.wanted = true
		return added, ErrFull
	case !follows && old:
		return added, nil // an attacker, or a cache on the way, has sent an old frame again
	case !follows:
		f.wanted = true
		return added, fmt.Errorf("%w: a frame begins beyond the last one", ErrMissed)
	}
	f.cursor = fr.to
	if f.tallies.after(pastMinute(fr.date)) != fr.total {
		f.wanted = true
		return added, fmt.Errorf("%w: the list does not have the count and digest of the feed", ErrMissed)
	}
	if fr.more {
		return added, nil
	}
	f.wanted = false
	if fr.date.After(f.date) {
		f.date, f.signer, f.lifetime, f.leeway = fr.date, fr.signer, fr.lifetime, fr.leeway
	}
	f.tallies.drop(pastMinute(f.date.Add(-comparableFor - time.Minute)))
	return added, nil
}

// restart takes the feed's own list to be empty, before a frame that begins a snapshot. The
// entries of our list stay.
func (f *follower) restart() {
	f.list.unmirror()
	clear(f.tallies)
	f.cursor = Cursor{}
}

// add adds entries. mirrored says that the feed's own list has them at the cursor.
func (f *follower) add(ids []timedEntry, mirrored bool) (added []timedEntry, full bool) {
	for _, e := range ids {
		k, has := f.list.get(e.Entry)
		switch {
		case !has && f.size >= maxEntries:
			return added, true
		case !has:
			added, f.size = append(added, e), f.size+1
		case mirrored && k.isMirrored() && k.minute() >= e.minute:
			continue
		case mirrored && k.isMirrored():
			f.tallies.remove(timedEntry{e.Entry, k.minute()})
		}
		if mirrored {
			f.tallies.add(e)
		}
		f.list.put(e, mirrored)
	}
	return added, false
}

// forget removes the entries whose time is over by the clock.
func (f *follower) forget(now time.Time) {
	f.list.forget(now)
	f.size = f.list.size()
}

// distrust marks the list as incomplete, because the key that signed date was revoked or the clock
// has jumped. The entries stay.
func (f *follower) distrust() {
	f.date, f.signer, f.wanted = time.Time{}, "", true
}
