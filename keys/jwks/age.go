package jwks

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxDelta is where a number of seconds is cut, RFC 9111 section 1.2.2.
const maxDelta = 1 << 31

// lifetime is for how long an answer says that it need not be asked for again: its
// max-age, less its age in caches on the way (RFC 9111 section 4.2); none if it must not
// be stored at all. ok is false when it says nothing. Expires is not read: issuers who
// care send max-age, and it takes a clock that agrees.
func lifetime(h http.Header) (life time.Duration, ok bool) {
	least := int64(maxDelta)
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0, true
		case "max-age":
			// Of several the shortest, and of what is no number nothing: section 4.2.1.
			least, ok = min(least, seconds(value)), true
		}
	}
	if !ok {
		return 0, false
	}
	return time.Duration(max(0, least-seconds(h.Get("Age")))) * time.Second, true
}

// seconds is a number of them, zero for what is none.
func seconds(s string) int64 {
	s = strings.Trim(strings.TrimSpace(s), `"`)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return maxDelta // of digits alone, it can only be too large
	}
	return min(n, maxDelta)
}
