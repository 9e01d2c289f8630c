package sessions

import (
	"slices"
	"time"
)

// history holds the revocations that a hub knows, in the order in which they came.
type history struct {
	rows    []row
	at      map[Entry]int // index of the entry's newest row; older rows of the entry do not count
	tallies tallies
	cursor  Cursor    // up to where the store was read
	lost    bool      // there was no room for an entry
	cleaned time.Time // when clean last removed rows
	latest  time.Time // the latest wall time at which an entry was added, left out or forgotten

	sent     Cursor // the streams were sent everything up to this cursor
	sentRows int    // how many rows the streams were sent
}

// row is a revocation of the store. Its entry and its revision are the cursor of a reader that has
// read up to it.
type row struct {
	timedEntry
	revision uint64
}

func newHistory() history { return history{at: make(map[Entry]int), tallies: make(tallies)} }

// add adds a revocation and reports whether the list has changed. If Until is later than verifiers
// accept, add uses the latest time that they accept. It returns [ErrFull] when there is no room.
func (h *history) add(v Revocation, now time.Time) (changed bool, err error) {
	h.cursor = Cursor{v.Revision, v.Entry}
	h.see(now)
	e := timedEntry{v.Entry, min(minuteOf(v.Until), latestMinute(now))}
	i, has := h.at[e.Entry]
	switch {
	case e.minute <= pastMinute(now):
		return false, nil
	case has && h.rows[i].minute >= e.minute:
		return false, nil
	case has:
		h.tallies.remove(h.rows[i].timedEntry)
	case len(h.at) >= maxEntries:
		h.lost = true
		return false, ErrFull
	}
	h.at[e.Entry] = len(h.rows)
	h.rows = append(h.rows, row{e, v.Revision})
	h.tallies.add(e)
	return true, nil
}

// see records a wall time, if it is later than all that it has recorded before.
func (h *history) see(now time.Time) {
	if now = now.Round(0); now.After(h.latest) {
		h.latest = now
	}
}

// isAhead reports whether the clock was ahead of now by more than skew. Then history may have
// forgotten or left out entries that still count.
func (h *history) isAhead(now time.Time) bool { return now.Round(0).Before(h.latest.Add(-skew)) }

// clean removes the rows that no verifier keeps any longer, and the older rows of an entry. It does
// so at most once a minute.
func (h *history) clean(now time.Time) {
	if age := now.Sub(h.cleaned); age >= 0 && age < time.Minute {
		return
	}
	h.cleaned = now
	h.see(now)
	past := pastMinute(now.Add(-2 * skew))
	kept, sentRows := h.rows[:0], 0
	for i, r := range h.rows {
		if h.at[r.Entry] != i {
			continue
		}
		if r.minute < past {
			delete(h.at, r.Entry)
			continue
		}
		h.at[r.Entry] = len(kept)
		kept = append(kept, r)
		if i < h.sentRows {
			sentRows++
		}
	}
	h.sentRows = sentRows
	h.rows = slices.Clip(kept)
	h.tallies.drop(past)
}

// behind returns the index of the first row after a cursor. ok is false if history does not know
// the cursor.
func (h *history) behind(c Cursor) (i int, ok bool) {
	switch c {
	case Cursor{}:
		return 0, true
	case h.cursor:
		return len(h.rows), true
	case h.sent:
		return h.sentRows, true
	}
	i, has := h.at[c.Entry]
	return i + 1, has && h.rows[i].revision == c.Revision
}

// maxAfter is how many rows a reader may lack and still get only these rows; a reader that lacks
// more gets the whole list. An answer for a cursor serves only readers at that cursor and stays in
// memory for a second, while one answer with the whole list serves all readers.
const maxAfter = 2048

// isNear reports whether a cursor is known, and at most maxAfter rows are behind it.
func (h *history) isNear(c Cursor) bool {
	i, known := h.behind(c)
	return known && len(h.rows)-i <= maxAfter
}

// frames returns the frames that bring a reader from a cursor to the end, without entries whose
// time is over at date. If the reader lacks nothing, this is one frame without entries. If the
// cursor is not known, frames returns the whole list.
func (h *history) frames(after Cursor, date time.Time) []frame {
	i, known := h.behind(after)
	if !known {
		i, after = 0, Cursor{}
	}
	past := pastMinute(date)
	var lacking []row
	for ; i < len(h.rows); i++ {
		if r := h.rows[i]; r.minute > past && h.at[r.Entry] == i {
			lacking = append(lacking, r)
		}
	}
	var pieces [][]row
	for len(lacking) > maxFrameEntries {
		pieces, lacking = append(pieces, lacking[:maxFrameEntries]), lacking[maxFrameEntries:]
	}
	pieces = append(pieces, lacking)
	all := make([]frame, len(pieces))
	// The tally at the end of each piece is the tally of the whole list minus the later pieces. If
	// a later piece only lengthens the time of an entry that the reader has, the tallies do not
	// match, and the reader asks for the whole list.
	to, total := h.cursor, h.tallies.after(past)
	for k := len(pieces) - 1; k >= 0; k-- {
		f := frame{date: date, from: after, to: to, total: total, more: k < len(pieces)-1}
		for _, r := range pieces[k] {
			f.ids = append(f.ids, r.timedEntry)
			if k > 0 { // costs a hash for each entry, while Run waits for the lock
				total.remove(r.timedEntry)
			}
		}
		if k > 0 {
			last := pieces[k-1][maxFrameEntries-1]
			f.from = Cursor{last.revision, last.Entry}
		}
		to = f.from
		all[k] = f
	}
	return all
}
