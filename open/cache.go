package open

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
	"unsafe"
	"weak"

	"github.com/sealjwt/sealjwt/keys"
)

// origin holds the sets of keys that opened a token, for the cache alone. It is not a part of
// the Token: a Token that a caller keeps would keep private keys in memory that the ring has
// erased meanwhile.
type origin struct {
	private *keys.Set // nil for a gateway
	public  *keys.PublicSet
	kid     string // the kid for which Open asked the issuer's key source
}

// digest is the SHA-256 of a token's text. With a shorter digest, or the digest of a part
// of the text, an attacker could make one token pass for another.
type digest = [sha256.Size]byte

// entry is a token in the cache. It has only weak pointers to the sets of keys, because the
// cache only compares them: a strong pointer would keep a replaced set, and its private keys, in
// memory. A weak pointer never equals a later set, even if that lies at the same address.
type entry struct {
	digest  digest
	token   *Token
	private weak.Pointer[keys.Set]
	public  weak.Pointer[keys.PublicSet]
	kid     string
	until   time.Time // the end of the token plus the leeway

	// The shard's lock guards place and used.
	place int  // index in the shard's entries
	used  bool // a call of Open found the entry since the evicting hand last passed it
}

// recall returns the cached token of this text if it would pass all checks before Config.Check
// again at this time, with the same sets of keys. If a set of keys is another one, a source fails,
// or the token has expired at this time or is not valid yet, recall returns nil and drops the
// entry. Then Open goes through all checks, so the cache never refuses a token by itself and never
// accepts one that the checks would refuse.
func (o *Opener) recall(ctx context.Context, token string, at time.Time) (digest, *Token) {
	if o.cache == nil {
		return digest{}, nil
	}
	d := digestOf(token)
	s := o.cache().shard(d)
	e := s.find(d)
	if e == nil {
		return d, nil
	}
	if !o.holds(ctx, e, at) {
		s.drop(e)
		return d, nil
	}
	return d, e.token
}

// digestOf returns the digest of a text. It hashes the bytes of the string in place, which is
// safe because Sum256 only reads them. A conversion to []byte would copy the token onto the heap
// for each hit.
func digestOf(token string) digest {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token)))
}

// holds reports whether an entry is still valid. It asks the key sources again, as Open does for a
// new token. When a key was revoked or added, the source returns a pointer to a different set. All
// else that Open checks, except the time, is in the text or in the configuration, which never
// change.
func (o *Opener) holds(ctx context.Context, e *entry, at time.Time) bool {
	if !o.isGateway() {
		set, err := o.cfg.decryption.PrivateKeys(ctx)
		// A nil set must not match an entry whose set the garbage collector has freed.
		if err != nil || set == nil || e.private.Value() != set {
			return false
		}
	}
	c := e.token.claims()
	set, err := o.trust[c.issuer].Keys.PublicKeys(ctx, e.kid)
	if err != nil || set == nil || e.public.Value() != set {
		return false
	}
	if err := c.checkTimes(at, o.cfg.limits.Leeway, o.cfg.limits.MaxLifetime); err != nil {
		return false
	}
	return true
}

// remember adds a token to the cache, unless it has expired by the clock. The time that OpenAt
// was given does not count: a caller who looks into an old token must not leave a dead entry.
func (o *Opener) remember(d digest, t *Token, from origin) {
	if o.cache == nil {
		return
	}
	now, until := o.now(), t.claims().expires.Add(o.cfg.limits.Leeway)
	if !now.Before(until) {
		return
	}
	o.cache().shard(d).add(&entry{
		digest: d, token: t, until: until, kid: from.kid,
		private: weak.Make(from.private), public: weak.Make(from.public),
	}, now)
}

// cache holds tokens by their digests, in shards so that many cores do not wait for one
// lock.
type cache []shard

const (
	maxShards = 16
	// leastInShard is the least capacity of a shard in a cache of several shards. The digest
	// decides at random which shard a token is in, so of many small shards some would be full long
	// before others.
	leastInShard = 256

	// steps is how many entries each of the two hands looks at, at most, when an entry is
	// added.
	steps = 8
)

// newCache returns a cache of at most limit entries in all shards together.
func newCache(limit int) cache {
	n := 1
	for n < maxShards && limit/(2*n) >= leastInShard {
		n *= 2
	}
	c := make(cache, n)
	for i := range c {
		c[i].max = limit / n
		if i < limit%n {
			c[i].max++
		}
		c[i].byDigest = make(map[digest]*entry)
	}
	return c
}

// shard returns the shard for a digest. The number of shards is a power of two.
func (c cache) shard(d digest) *shard { return &c[int(d[0])&(len(c)-1)] }

// shard is a part of the cache. Two hands go round its entries. The evicting hand drops the first
// entry that was not used since the hand came by last, and passes over at most a few that were. The
// sweeping hand drops expired entries.
type shard struct {
	mu                 sync.Mutex
	byDigest           map[digest]*entry
	entries            []*entry // the same entries
	evicting, sweeping hand
	max                int

	_ [64]byte // keeps the lock of the next shard out of this one's cache line
}

func (s *shard) find(d digest) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byDigest[d]
	if e != nil {
		e.used = true
	}
	return e
}

// drop removes e, unless another entry with the same digest has replaced it meanwhile.
func (s *shard) drop(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byDigest[e.digest] == e {
		s.remove(e)
	}
}

// add adds e. If another call of Open has added the same token meanwhile, e replaces that entry.
func (s *shard) add(e *entry, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.byDigest[e.digest]; before != nil {
		s.remove(before)
	}
	s.sweep(now)
	if len(s.entries) == s.max {
		s.evict()
	}
	e.place = len(s.entries)
	s.entries = append(s.entries, e)
	s.byDigest[e.digest] = e
}

// sweep drops some expired entries. holds would refuse them, but their claims need not stay in
// memory. Each call of add makes sweep look at several entries, so the hand passes every entry
// before as many entries are added as the shard holds.
func (s *shard) sweep(now time.Time) {
	for range min(steps, len(s.entries)) {
		if e := s.sweeping.on(s.entries); !now.Before(e.until) {
			s.remove(e)
		} else {
			s.sweeping++
		}
	}
}

// evict drops one entry, after a bounded search for an entry that was not used.
func (s *shard) evict() {
	for range steps {
		e := s.evicting.on(s.entries)
		if !e.used {
			break
		}
		e.used = false
		s.evicting++
	}
	s.remove(s.evicting.on(s.entries))
	s.evicting++ // remove has put the last entry, mostly the youngest, in this place: skip it
}

// hand is an index into a shard's entries, or points behind the last of them.
type hand int

// on returns the entry at the hand. Behind the last entry the hand begins again.
func (h *hand) on(entries []*entry) *entry {
	if int(*h) >= len(entries) {
		*h = 0
	}
	return entries[*h]
}

// remove takes e out and puts the last entry in its place.
func (s *shard) remove(e *entry) {
	end := len(s.entries) - 1
	last := s.entries[end]
	s.entries[e.place], last.place = last, e.place
	s.entries[end] = nil
	s.entries = s.entries[:end]
	delete(s.byDigest, e.digest)
}
