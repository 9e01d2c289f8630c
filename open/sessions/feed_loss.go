package sessions

import (
	"context"
	"fmt"
	"time"
)

// loss holds the entries that a hub knows and the store has lost. Verifiers that read this hub
// still have such an entry, but a hub that starts now would not learn it from the store.
type loss struct {
	owed []Ended   // the entries that must be written back
	read time.Time // when the store was last read to its end

	unsaid bool      // the store went back, and the document of the registry does not say so yet
	known  time.Time // when the store was last read before it went back
	said   time.Time // when repair has last marked that in the document

	loaded bool      // the registry has read its document
	failed time.Time // when repair last failed
}

// note compares all entries of the store with the entries that the hub knows. The store went back
// if it lacks an entry that still counts, or if its newest revision is lower than before.
func (l *loss) note(h *history, has reading, now time.Time) {
	there := make(map[Entry]uint32, len(has.rows))
	for _, v := range has.rows {
		there[v.Entry] = max(there[v.Entry], minuteOf(v.Until))
	}
	l.owed = nil
	for i, r := range h.rows {
		counts := h.at[r.Entry] == i && r.minute > pastMinute(now)
		if minute, has := there[r.Entry]; counts && (!has || minute < r.minute) {
			l.owed = append(l.owed, Ended{r.Entry, time.Unix(int64(r.minute)*60, 0).UTC()})
		}
	}
	// A store that is still empty gives the whole list at each read. Then the cursor is zero, the
	// loss was noted before, and must not be noted again.
	if h.cursor != (Cursor{}) && (len(l.owed) > 0 || has.last.Revision < h.cursor.Revision) {
		l.unsaid, l.known = true, l.read
	}
}

// repair first marks in the document of the registry that the store went back, and then writes
// the lost entries back. The order matters: once the entries are written back, they may have the
// same revisions as before, and no process could see that the store went back. Between the two
// steps repair waits until no process uses a document that it read before the mark. After an error
// repair does nothing for a second.
func (f *Feed) repair(ctx context.Context) error {
	l := &f.loss
	if l.loaded && !l.unsaid && len(l.owed) == 0 || fresh(l.failed, f.now(), time.Second) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	if err := f.tellRegistry(ctx); err != nil {
		l.failed = f.now()
		return err
	}
	if len(l.owed) == 0 || fresh(l.said, f.now(), pollAge) {
		return nil
	}
	// Appending an entry twice does no harm, so an Append of unknown outcome may be repeated.
	some := l.owed[:min(len(l.owed), tailBatch)]
	if err := f.store.Append(ctx, some); err != nil {
		l.failed = f.now()
		return fmt.Errorf("sessions: writing back %d revocations that the store has lost: %w", len(l.owed), err)
	}
	l.owed = l.owed[len(some):]
	return fmt.Errorf("%w: %d of them, and %d are left", ErrWroteBack, len(some), len(l.owed))
}

// tellRegistry makes the registry read its document once, and mark it if the store went back.
// A registry that has not read its document yet would take a store that lost the document for a
// new one, and create another document there.
func (f *Feed) tellRegistry(ctx context.Context) error {
	l := &f.loss
	if !l.loaded {
		if _, err := f.cfg.Registry.vault(ctx, vaultAge); err != nil {
			return fmt.Errorf("sessions: reading the keys of the registry: %w", err)
		}
		l.loaded = true
	}
	if l.unsaid {
		if err := f.cfg.Registry.markRolledBack(ctx, l.known); err != nil {
			return fmt.Errorf("sessions: having all refreshes refused, before %d lost revocations are written back: %w", len(l.owed), err)
		}
		l.unsaid, l.said = false, f.now()
	}
	return nil
}
