package sessions

import (
	"fmt"
	"time"
)

// follower brings a list up to date from frames. It is not safe for concurrent use; its list is.
//
// The list has all entries that any frame ever brought. What it takes from the feed's own list
// at the cursor is marked as mirrored and counted by tallies: a list may know more than the
// feed, after a restore of the store for one.
type follower struct {
	list    *list
	tallies tallies
	cursor  Cursor
	size    int // of the list

	// At date the list had all that the store had. That stays true for ever, since the list only
	// adds, so date never goes back, whatever frames come again.
	date     time.Time
	signer   string // of the frame that says so
	lifetime time.Duration
	leeway   time.Duration

	wanted bool // the whole list, since entries are missing or may be
}

func newFollower() *follower {
	return &follower{list: newList(), tallies: make(tallies), wanted: true}
}

// comparableFor is how far behind date a frame may be whose digest is still compared: the clocks of
// two hubs differ.
const comparableFor = 4 * time.Minute

// apply adds the entries of a frame, and returns those that are new. It advances date only for a
// frame that continues the list without a gap, ends with the count and the digest of the list,
// and has nothing behind it.
//
// It returns [ErrMissed] when entries are missing and [ErrFull] when there is no room.
func (f *follower) apply(fr *frame) (added []timedEntry, err error) {
	old := fr.date.Before(f.date)
	if fr.from == (Cursor{}) && f.cursor != fr.from && (f.wanted || !old) {
		f.restart()
	}
	// A frame that leads to where we are brings nothing new: a stream that began meanwhile
	// repeats it.
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
		return added, nil // a replay, or a cache on the way
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

// restart begins with an empty list of the feed. The list itself forgets nothing.
func (f *follower) restart() {
	f.list.unmirror()
	clear(f.tallies)
	f.cursor = Cursor{}
}

// add adds entries. mirrored says that the feed has them at the cursor.
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

// distrust forgets how far the list is complete: the signer of the date is revoked, or the clock
// has jumped. The entries stay.
func (f *follower) distrust() {
	f.date, f.signer, f.wanted = time.Time{}, "", true
}
