package sessions

import (
	"context"
	"fmt"
	"time"
)

// loss is what a hub knows and the store has lost. Such an entry counts for everybody who reads
// this hub, but a hub that starts now would not know it.
type loss struct {
	owed []Ended   // what is to be written back
	read time.Time // when the store was last read to its end

	unsaid bool      // the store went back, and the document of the registry does not say so yet
	known  time.Time // when the store was last read before it went back
	said   time.Time // when the document said so

	loaded bool      // the registry has read its document
	failed time.Time // the last try that failed
}

// note compares all that the store has with what the hub knows. The store went back if it lacks
// an entry that still counts, or if its numbers are lower.
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
	// While the store is empty every look brings all, and what is owed is known.
	if h.cursor != (Cursor{}) && (len(l.owed) > 0 || has.last.Revision < h.cursor.Revision) {
		l.unsaid, l.known = true, l.read
	}
}

// repair has the document of the registry say that the store went back, and writes back what
// it has lost, in this order: written back, the entries have the numbers that they had, and no
// process could see that the store went back. Between the two it waits until no process uses a
// document that it read before. After an error it waits a second.
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
	// Append takes an entry twice, so nothing is done wrong when the outcome of one is not known.
	some := l.owed[:min(len(l.owed), tailBatch)]
	if err := f.store.Append(ctx, some); err != nil {
		l.failed = f.now()
		return fmt.Errorf("sessions: writing back %d revocations that the store has lost: %w", len(l.owed), err)
	}
	l.owed = l.owed[len(some):]
	return fmt.Errorf("%w: %d of them, and %d are left", ErrWroteBack, len(some), len(l.owed))
}

// tellRegistry has the registry read its document, once, and mark it where the store went back.
// A registry that has never read its document would make one in a store that has lost it.
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
