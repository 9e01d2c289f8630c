package sessions

import (
	"encoding/binary"
	"runtime"
	"testing"
)

// An entry takes at most 70 bytes, whatever the size of the list is.
func TestListMemory(t *testing.T) {
	for _, n := range []int{20_000, 50_000, 80_000, 115_000, 200_000} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := newList()
		for i := range n {
			var e Entry
			// The entries are spread like hashes.
			binary.BigEndian.PutUint64(e[:], uint64(i)*0x9e3779b97f4a7c15)
			binary.BigEndian.PutUint64(e[8:], uint64(i)*0xbf58476d1ce4e5b9)
			l.put(timedEntry{e, 1}, true)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := float64(after.HeapAlloc-before.HeapAlloc) / float64(n)
		t.Logf("%d entries: %.1f bytes each", n, each)
		if l.size() != n || each > 70 {
			t.Errorf("%d entries, %.1f bytes each", l.size(), each)
		}
		runtime.KeepAlive(l)
	}
}
