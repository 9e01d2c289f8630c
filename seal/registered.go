package seal

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// registeredClaims makes the claims that the sealer writes itself, RFC 7519 section 4.1. It holds
// the parts that are the same in every token, encoded once.
type registeredClaims struct {
	issuer, audience []byte // JSON
	values           int    // how many JSON values the claims have at most, without sid
}

func newRegisteredClaims(issuer string, audience []string) registeredClaims {
	const claims = 7
	h := registeredClaims{issuer: strict.AppendString(nil, issuer), values: claims + len(audience)}
	if len(audience) == 1 {
		h.audience = strict.AppendString(nil, audience[0])
		return h
	}
	h.audience = []byte("[")
	for i, a := range audience {
		if i > 0 {
			h.audience = append(h.audience, ',')
		}
		h.audience = strict.AppendString(h.audience, a)
	}
	h.audience = append(h.audience, ']')
	return h
}

// append appends the registered claims of one token, as a JSON object without its closing brace:
// the custom claims follow.
func (h registeredClaims) append(dst []byte, c Claims, now time.Time, lifetime time.Duration) ([]byte, error) {
	for _, text := range [...]struct{ name, value string }{{"sub", c.Subject}, {"jti", c.ID}, {"sid", c.Session.ID}} {
		if !utf8.ValidString(text.value) {
			return nil, fmt.Errorf("%w: %s is not valid UTF-8", ErrClaims, text.name)
		}
	}
	issued := now.Unix()
	expires := issued + int64(lifetime/time.Second)
	if err := c.Session.check(expires); err != nil {
		return nil, err
	}
	dst = append(append(dst, `{"iss":`...), h.issuer...)
	if c.Subject != "" {
		dst = strict.AppendString(append(dst, `,"sub":`...), c.Subject)
	}
	dst = append(append(dst, `,"aud":`...), h.audience...)
	dst = strconv.AppendInt(append(dst, `,"iat":`...), issued, 10)
	if !c.NotBefore.IsZero() {
		notBefore := c.NotBefore.Unix()
		if notBefore <= 0 || notBefore >= expires {
			return nil, fmt.Errorf("%w: nbf must lie after 1970 and before the token expires", ErrClaims)
		}
		dst = strconv.AppendInt(append(dst, `,"nbf":`...), notBefore, 10)
	}
	dst = strconv.AppendInt(append(dst, `,"exp":`...), expires, 10)
	dst = strict.AppendString(append(dst, `,"jti":`...), c.ID)
	if c.Session.ID != "" {
		dst = strict.AppendString(append(dst, `,"sid":`...), c.Session.ID)
	}
	return dst, nil
}

// check refuses a token that expires after Session.NotAfter: by then verifiers have forgotten
// that the session ended, and would accept the token. It also refuses a Session with only one
// field set: without a sid the end of the session would never refuse the token.
func (s Session) check(expires int64) error {
	switch {
	case s.ID == "" && s.NotAfter.IsZero():
		return nil
	case s.ID == "":
		return fmt.Errorf("%w: Session has a NotAfter and no ID: give both, as Start and Refresh of package sessions return them", ErrClaims)
	case s.NotAfter.IsZero():
		return fmt.Errorf("%w: Session has an ID and no NotAfter: give both, as Start and Refresh of package sessions return them", ErrClaims)
	case time.Unix(expires, 0).After(s.NotAfter):
		return fmt.Errorf("%w: the token would expire after Session.NotAfter: shorten Limits.Lifetime, or refresh the session again before Seal", ErrLifetime)
	}
	return nil
}

const jtiSize = 16 // bytes

func randomID() string {
	var id [jtiSize]byte
	rand.Read(id[:])
	var text [(8*jtiSize + 5) / 6]byte
	base64.RawURLEncoding.Encode(text[:], id[:])
	return string(text[:])
}
