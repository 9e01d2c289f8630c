package open

import "time"

// SetNow replaces the clock of Open.
func (o *Opener) SetNow(now func() time.Time) { o.now = now }

// Remembers reports whether the cache has a token under the digest of this text.
func (o *Opener) Remembers(token string) bool {
	d := digestOf(token)
	s := o.cache().shard(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byDigest[d] != nil
}

// CacheShards returns how many entries each part of the cache has, and fails if it does
// not fit together.
func (o *Opener) CacheShards(fail func(format string, args ...any)) (counts []int) {
	all := o.cache()
	for i := range all {
		s := &all[i]
		s.mu.Lock()
		counts = append(counts, len(s.entries))
		if len(s.entries) != len(s.byDigest) || len(s.entries) > s.most {
			fail("shard %d: %d entries, %d digests, and the most is %d", i, len(s.entries), len(s.byDigest), s.most)
		}
		for place, e := range s.entries {
			if e.place != place || s.byDigest[e.digest] != e || all.shard(e.digest) != s {
				fail("shard %d: the entry at %d is not where it says", i, place)
			}
		}
		s.mu.Unlock()
	}
	return counts
}
