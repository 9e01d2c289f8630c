package sessions

import (
	"sync"
	"time"
)

// maxEntries is how many entries a list holds at most, in a verifier and in a hub; they take some
// 50 MB. An issuer that must end more sessions within a token's lifetime revokes its signing keys.
const maxEntries = 1_000_000

// list is the exact set of the entries that have ended. Entries are added, and only the clock
// removes them. Each shard has a lock of its own, so that the processor cores of a busy verifier
// seldom wait for each other.
type list struct {
	shards [listShards]shard
}

const listShards = 32

type shard struct {
	mu    sync.RWMutex
	until map[Entry]kept
	_     [32]byte // no two locks in one cache line
}

// kept is what a list stores about an entry: the minute in which it may be forgotten, and whether
// it is mirrored: whether the feed's own list has it at the verifier's cursor.
type kept uint32

func newKept(minute uint32, mirrored bool) kept {
	if mirrored {
		return kept(minute<<1 | 1)
	}
	return kept(minute << 1)
}

func (k kept) minute() uint32   { return uint32(k) >> 1 }
func (k kept) isMirrored() bool { return k&1 == 1 }

func newList() *list {
	l := new(list)
	for i := range l.shards {
		l.shards[i].until = make(map[Entry]kept)
	}
	return l
}

func (l *list) shard(e Entry) *shard { return &l.shards[e[0]%listShards] }

// has reports whether an entry is in the list.
func (l *list) has(e Entry) bool {
	s := l.shard(e)
	s.mu.RLock()
	_, has := s.until[e]
	s.mu.RUnlock()
	return has
}

// get returns what the list knows of an entry.
func (l *list) get(e Entry) (k kept, has bool) {
	s := l.shard(e)
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, has = s.until[e]
	return k, has
}

// put adds an entry, or lengthens its time. An earlier minute never replaces a later one.
func (l *list) put(e timedEntry, mirrored bool) {
	s := l.shard(e.Entry)
	s.mu.Lock()
	defer s.mu.Unlock()
	old, has := s.until[e.Entry]
	s.until[e.Entry] = newKept(max(e.minute, old.minute()), mirrored || has && old.isMirrored())
}

// size returns the number of entries.
func (l *list) size() (n int) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.RLock()
		n += len(s.until)
		s.mu.RUnlock()
	}
	return n
}

// unmirror marks all entries as not mirrored.
func (l *list) unmirror() {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for e, k := range s.until {
			if k.isMirrored() {
				s.until[e] = newKept(k.minute(), false)
			}
		}
		s.mu.Unlock()
	}
}

// forget removes the entries whose minute ended at least two skews ago. It waits that long because
// the clocks of the hub and the verifier may differ: if an entry were removed too early, the
// verifier would accept a token of an ended session.
func (l *list) forget(now time.Time) {
	past := pastMinute(now.Add(-2 * skew))
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for e, k := range s.until {
			if k.minute() < past {
				delete(s.until, e)
			}
		}
		s.mu.Unlock()
	}
}
