package sessions

import "sync/atomic"

// memo caches the entries of tokens, because nearly every token comes again and computing its
// entries takes four blocks of SHA-256, two for each id. Without memo Check takes 0.8 µs instead of
// 0.2 for a token from the Opener's cache (BenchmarkCheck). When two tokens fall into one slot,
// each overwrites the other, and the only harm is that their entries are computed again.
type memo [2048]atomic.Pointer[hashed]

// hashed holds the two ids of a token and the entries that were computed from them.
type hashed struct {
	sid, jti       string
	session, token Entry
}

// of returns the entries of a token. A memo serves one issuer: every call must name the same
// issuer.
func (m *memo) of(issuer, sid, jti string) *hashed {
	slot := &m[slotOf(sid, jti)]
	if h := slot.Load(); h != nil && h.sid == sid && h.jti == jti {
		return h
	}
	h := &hashed{sid, jti, entryOf(kindSession, issuer, sid), entryOf(kindToken, issuer, jti)}
	if len(sid)+len(jti) <= maxMemoText {
		slot.Store(h)
	}
	return h
}

// maxMemoText is the largest length in bytes of the two ids of a token, added up, that memo keeps.
// An issuer may write much longer ids, and those of up to 2048 tokens would stay in memory.
const maxMemoText = 256

// slotOf returns the slot of a token. It mixes the last bytes of the ids, which are random in most
// tokens.
func slotOf(sid, jti string) uint64 {
	x := uint64(len(sid))
	for _, id := range [...]string{sid, jti} {
		for i := max(0, len(id)-6); i < len(id); i++ {
			x = x<<8 ^ x>>56 ^ uint64(id[i])
		}
	}
	return x * 0x9e3779b97f4a7c15 >> (64 - 11)
}
