package open

import "time"

// SetNow replaces the clock of Open.
func (o *Opener) SetNow(now func() time.Time) { o.now = now }

// The following functions read one layer of a token, with memory of their own.

func parseEnvelope(token string) (*jwe, error) {
	j, err := newScratch().parseEnvelope(token, "")
	return &j, err
}

func parseJWE(token string) (*jwe, error) {
	j, err := newScratch().parseJWE(token)
	return &j, err
}

func parseJWS(compact string) (*jws, error) {
	s, err := newScratch().parseJWS([]byte(compact))
	return &s, err
}

func newScratch() *scratch { return &scratch{maxHeader: DefaultMaxHeader} }

// headerOf reads the first part of a token in either of the two ways.
func headerOf(part string) (header, error) {
	raw, err := decodeHeader(newScratch(), part)
	if err != nil {
		return header{}, err
	}
	if h, err := parseJWEHeader(raw); err == nil {
		return h, nil
	}
	return parseHeader(raw)
}

// Remembers reports whether the cache has a token with the digest of this text.
func (o *Opener) Remembers(token string) bool {
	d := digestOf(token)
	s := o.cache().shard(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byDigest[d] != nil
}

// CacheShards returns the number of entries in each shard of the cache. It fails if the parts of
// the cache disagree.
func (o *Opener) CacheShards(fail func(format string, args ...any)) (counts []int) {
	all := o.cache()
	for i := range all {
		s := &all[i]
		s.mu.Lock()
		counts = append(counts, len(s.entries))
		if len(s.entries) != len(s.byDigest) || len(s.entries) > s.max {
			fail("shard %d: %d entries, %d digests, and the most is %d", i, len(s.entries), len(s.byDigest), s.max)
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
