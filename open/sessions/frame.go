package sessions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// ErrFrame: the feed sent a text that is not a frame of the expected issuer, signed by a key of
// that issuer, or a frame whose date lies in the future. The text of the error quotes nothing of
// the frame.
var ErrFrame = errors.New("sessions: not a good frame of the feed")

const (
	// frameType is the typ of a frame. No token has this typ, so a frame never passes for a token
	// and a token never for a frame (RFC 8725 section 3.11).
	frameType = "revoked+jwt"

	// skew is how far the clocks of hubs and verifiers may differ.
	skew = time.Minute

	// maxKept is how far the minute of an entry may lie after the date of its frame. It covers
	// maxTokenLifetime, the leeway of an opener, and the skew of all clocks. Without this bound a
	// thief of the signing key could fill the lists of all verifiers for ever.
	maxKept = maxTokenLifetime + time.Hour

	// maxFrameEntries is the number of entries in one frame. A longer list takes several.
	maxFrameEntries = 1 << 16
	// maxFrame is the length of the longest frame in bytes, which is more than maxFrameEntries
	// need.
	maxFrame = 4 << 20
)

// frame is a signed piece of the feed, in JWS compact serialization (RFC 7515 section 7.1):
//
//	header   {"alg","kid","typ":"revoked+jwt"}
//	payload  {"iss","iat","ms","from","to","n","x","T","L","more","ids":{"<minute>":"<entries>"}}
//
// The members from and to are two cursors of the store; ids are the entries that the store has
// appended after the cursor from, up to and with the cursor to. At the cursor to the whole list has
// n entries with the digest x; only entries whose minute is later than the minute of iat count. An
// empty from stands for an empty list: such a frame begins a snapshot, the whole list. If more is
// set, further frames follow and belong to this one, and the date of this frame says nothing about
// the whole list.
//
// iat and ms, its milliseconds, are the time of the last successful read of the store, and not
// of the signature: so the frames of a hub that cannot reach its store do not look fresh. T is
// the lifetime of the issuer's tokens and L the largest leeway of its verifiers, in seconds: an
// entry counts until no verifier accepts the last token any more. The names in ids are the minutes
// since 1970 in which the entries may be forgotten; each value is those entries, concatenated, in
// base64url.
type frame struct {
	issuer   string
	date     time.Time
	from, to Cursor
	total    tally // n and x
	lifetime time.Duration
	leeway   time.Duration
	more     bool
	ids      []timedEntry

	signer string // kid
}

// timedEntry is an entry with the minute since 1970 at whose beginning the entry may be
// forgotten.
type timedEntry struct {
	Entry
	minute uint32
}

// minuteOf returns the first minute that begins at t or later.
func minuteOf(t time.Time) uint32 {
	secs := max(0, t.Unix())
	if t.Nanosecond() > 0 {
		secs++
	}
	return uint32(min((secs+59)/60, 1<<30))
}

// pastMinute returns the last minute that has begun at t. Entries of that minute no longer
// count.
func pastMinute(t time.Time) uint32 { return uint32(min(max(0, t.Unix())/60, 1<<30)) }

// latestMinute returns the latest minute that an entry may have in a frame with this date.
func latestMinute(date time.Time) uint32 { return pastMinute(date.Add(maxKept)) }

// appendPayload appends the payload of a frame. It sorts the ids by their minute.
func (f *frame) appendPayload(dst []byte) []byte {
	dst = strict.AppendString(append(dst, `{"iss":`...), f.issuer)
	dst = strconv.AppendInt(append(dst, `,"iat":`...), f.date.Unix(), 10)
	dst = strconv.AppendInt(append(dst, `,"ms":`...), int64(f.date.Nanosecond()/1e6), 10)
	dst = strict.AppendString(append(dst, `,"from":`...), cursorText(f.from))
	dst = strict.AppendString(append(dst, `,"to":`...), cursorText(f.to))
	dst = strconv.AppendInt(append(dst, `,"n":`...), int64(f.total.count), 10)
	dst = strict.AppendString(append(dst, `,"x":`...), f.total.text())
	dst = strconv.AppendInt(append(dst, `,"T":`...), int64(f.lifetime/time.Second), 10)
	dst = strconv.AppendInt(append(dst, `,"L":`...), int64(f.leeway/time.Second), 10)
	if f.more {
		dst = append(dst, `,"more":true`...)
	}
	dst = append(dst, `,"ids":{`...)
	slices.SortStableFunc(f.ids, func(a, b timedEntry) int { return int(a.minute) - int(b.minute) })
	for rest := f.ids; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(e timedEntry) bool { return e.minute != rest[0].minute })
		if n < 0 {
			n = len(rest)
		}
		if len(rest) < len(f.ids) {
			dst = append(dst, ',')
		}
		dst = append(strconv.AppendUint(append(dst, '"'), uint64(rest[0].minute), 10), `":"`...)
		group := make([]byte, 0, n*len(Entry{}))
		for _, e := range rest[:n] {
			group = append(group, e.Entry[:]...)
		}
		dst = append(strict.AppendBase64URL(dst, group), '"')
		rest = rest[n:]
	}
	return append(dst, "}}"...)
}

// sign returns the frame as a compact JWS.
func (f *frame) sign(ctx context.Context, k *keys.Key) ([]byte, error) {
	header := append([]byte(`{"alg":"`), k.Suite().Alg()...)
	header = strict.AppendString(append(header, `","kid":`...), k.ID())
	header = append(header, `,"typ":"`+frameType+`"}`...)
	payload := f.appendPayload(nil)
	dst := make([]byte, 0, (len(header)+len(payload))*4/3+800)
	dst = append(strict.AppendBase64URL(dst, header), '.')
	dst = strict.AppendBase64URL(dst, payload)
	signature, err := k.Sign(ctx, dst)
	if err != nil {
		return nil, fmt.Errorf("sessions: signing a frame: %w", err)
	}
	return strict.AppendBase64URL(append(dst, '.'), signature), nil
}
