package sessions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// maxFrameHeader is the length of the longest header of a frame, decoded, in bytes.
const maxFrameHeader = 4 << 10

const maxKeyID = 256 // characters of a kid

func badFrame(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFrame}, args...)...)
}

// parseFrame reads and verifies a frame of an issuer. It checks the signature before it reads the
// payload. now is the time by the verifier's clock: parseFrame refuses a frame whose date is more
// than skew ahead, because such a frame would count as fresh for too long.
func parseFrame(ctx context.Context, text []byte, issuer string, source keys.PublicSource, now time.Time) (*frame, error) {
	if len(text) > maxFrame {
		return nil, badFrame("it has %d bytes, and %d are allowed", len(text), maxFrame)
	}
	parts := bytes.SplitN(text, []byte("."), 4)
	if len(parts) != 3 {
		return nil, badFrame("it does not have the three parts of a JWS")
	}
	signer, err := verifyFrame(ctx, text, parts, source)
	if err != nil {
		return nil, err
	}
	payload, err := strict.DecodeBase64URL(parts[1])
	if err != nil {
		return nil, badFrame("the payload: %w", err)
	}
	f, err := parsePayload(payload)
	if err != nil {
		return nil, err
	}
	f.signer = signer
	switch {
	case f.issuer != issuer:
		return nil, badFrame("it is of another issuer")
	case f.date.After(now.Add(skew)):
		return nil, badFrame("its date is more than %v ahead of our clock", skew)
	}
	return f, nil
}

// refusedHeaders are header members that change how a JWS is read, or with which the sender brings
// its own key. A frame with one of them is refused.
var refusedHeaders = []string{"crit", "b64", "zip", "jwk", "jku", "x5u"}

// verifyFrame checks header and signature and returns the kid of the signer.
func verifyFrame(ctx context.Context, text []byte, parts [][]byte, source keys.PublicSource) (kid string, err error) {
	if len(parts[0]) > maxFrameHeader*4/3 {
		return "", badFrame("its header is too long")
	}
	raw, err := strict.DecodeBase64URL(parts[0])
	if err != nil {
		return "", badFrame("the header: %w", err)
	}
	header, err := strict.ParseObject(raw)
	if err != nil {
		return "", badFrame("the header: %w", err)
	}
	if name, twin := header.FoldedTwin(append([]string{"alg", "kid", "typ"}, refusedHeaders...)); twin {
		return "", badFrame("the header has a member named like %s in other letters", name)
	}
	for _, name := range refusedHeaders {
		if _, has := header.Raw(name); has {
			return "", badFrame("the header has %s", name)
		}
	}
	var values [3]string
	for i, name := range []string{"alg", "kid", "typ"} {
		if values[i], _, err = header.Text(name); err != nil || values[i] == "" {
			return "", badFrame("the header lacks %s", name)
		}
	}
	alg, kid, typ := values[0], values[1], values[2]
	if !strict.SameMediaType(typ, frameType) {
		return "", badFrame("its typ is not %s", frameType)
	}
	// An attacker on the way can write any kid, and the source may send a request for that kid. So
	// the source is asked only for a well-formed kid.
	if len(kid) > maxKeyID || strings.ContainsFunc(kid, func(c rune) bool { return c < ' ' || c > '~' }) {
		return "", badFrame("its kid does not have 1 to %d printable ASCII characters", maxKeyID)
	}
	set, err := source.PublicKeys(ctx, kid)
	if err != nil {
		return "", fmt.Errorf("sessions: the keys of the issuer: %w", err)
	}
	k, err := set.VerificationKey(kid, alg)
	switch {
	case errors.Is(err, keys.ErrNoKey):
		return "", badFrame("no key of the issuer has its kid")
	case err != nil:
		return "", badFrame("its alg is not the algorithm of the key")
	}
	signature, err := strict.DecodeBase64URL(parts[2])
	if err != nil || !k.Verify(text[:len(parts[0])+1+len(parts[1])], signature) {
		return "", badFrame("its signature does not verify")
	}
	return kid, nil
}

// frameMembers are the members of a payload.
var frameMembers = []string{"iss", "iat", "ms", "from", "to", "n", "x", "T", "L", "more", "ids"}

func parsePayload(text []byte) (*frame, error) {
	o, err := strict.ParseObject(text)
	if err != nil {
		return nil, badFrame("the payload: %w", err)
	}
	if name, twin := o.FoldedTwin(frameMembers); twin {
		return nil, badFrame("the payload has a member named like %s in other letters", name)
	}
	f := new(frame)
	if f.issuer, _, err = o.Text("iss"); err != nil || f.issuer == "" {
		return nil, badFrame("iss must be a string")
	}
	secs, okDate := integer(o, "iat", 1<<37)
	ms, okMs := integer(o, "ms", 999)
	if !okDate || !okMs {
		return nil, badFrame("iat and ms must be whole seconds and milliseconds")
	}
	f.date = time.Unix(secs, ms*1e6).UTC()
	for _, c := range []struct {
		name string
		to   *Cursor
	}{{"from", &f.from}, {"to", &f.to}} {
		s, ok, err := o.Text(c.name)
		if err != nil || !ok {
			return nil, badFrame("%s must be a string", c.name)
		}
		if *c.to, err = parseCursor(s); err != nil {
			return nil, err
		}
	}
	n, ok := integer(o, "n", maxEntries)
	x, _, errX := o.Text("x")
	if !ok || errX != nil {
		return nil, badFrame("n must be at most %d, and x a string", maxEntries)
	}
	if f.total, err = parseTally(int(n), x); err != nil {
		return nil, err
	}
	lifetime, ok := integer(o, "T", int64(maxTokenLifetime/time.Second))
	if !ok || lifetime == 0 {
		return nil, badFrame("T must be between one second and %v", maxTokenLifetime)
	}
	leeway, ok := integer(o, "L", int64(maxTolerance/time.Second))
	if !ok {
		return nil, badFrame("L must be between 0 s and %v", maxTolerance)
	}
	f.lifetime, f.leeway = time.Duration(lifetime)*time.Second, time.Duration(leeway)*time.Second
	if more, has := o.Raw("more"); has {
		if f.more = string(more) == "true"; !f.more {
			return nil, badFrame("more must be true or absent")
		}
	}
	return f, f.parseIDs(o)
}

// integer returns a member that is a number written in digits alone, between 0 and most. ok is
// false for any other value.
func integer(o strict.Object, name string, most int64) (n int64, ok bool) {
	raw, _ := o.Raw(name)
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, err == nil && n >= 0 && n <= most && strconv.FormatInt(n, 10) == string(raw)
}

// parseIDs reads the entries in the order of the text.
func (f *frame) parseIDs(o strict.Object) error {
	groups, ok, err := o.Object("ids")
	if err != nil || !ok {
		return badFrame("ids must be an object")
	}
	latest := latestMinute(f.date)
	for name, raw := range groups.All() {
		minute, err := strconv.ParseUint(name, 10, 32)
		switch {
		case err != nil || strconv.FormatUint(minute, 10) != name:
			return badFrame("a name in ids is not a minute")
		case uint32(minute) > latest:
			return badFrame("an entry is to be kept for more than %v", maxKept)
		case len(raw) < 2 || raw[0] != '"':
			return badFrame("a value in ids is not a string")
		}
		entries, err := strict.DecodeBase64URL([]byte(raw[1 : len(raw)-1]))
		const size = len(Entry{})
		if err != nil || len(entries) == 0 || len(entries)%size != 0 {
			return badFrame("a value in ids is not entries in base64url")
		}
		if len(f.ids)+len(entries)/size > maxFrameEntries {
			return badFrame("it has more than %d entries", maxFrameEntries)
		}
		for ; len(entries) > 0; entries = entries[size:] {
			f.ids = append(f.ids, timedEntry{Entry(entries[:size]), uint32(minute)})
		}
	}
	return nil
}
