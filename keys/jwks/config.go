package jwks

import (
	"fmt"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

const (
	// DefaultMaxStale is for how long a set is used when it cannot be fetched again and
	// RemoteConfig.MaxStale is zero.
	DefaultMaxStale = time.Hour
	// DefaultCooldown is the time between two fetches when RemoteConfig.Cooldown is zero.
	DefaultCooldown = 30 * time.Second
)

// RemoteConfig says where another party's keys are, and how NewRemote caches them.
type RemoteConfig struct {
	// URL is where the JWK Set is: https, or http on localhost, 127.0.0.0/8 and ::1.
	// Required. [Discover] finds it.
	URL string

	// Transport carries the requests, with its TLS configuration and proxy. It must heed
	// contexts. When it is nil, a Remote uses a copy of http.DefaultTransport, which for
	// http connects to loopback addresses only, wherever DNS says that localhost is. A
	// Transport given here, or put in the place of http.DefaultTransport, has to do so
	// itself: for http, refuse other addresses in its Dialer.Control, or wrap NewTransport. A
	// DialContext that was only set in http.DefaultTransport is used for https and not for
	// http. The requests say sealjwt and its version as their User-Agent, which a Transport
	// may replace, as it may add the header of a bearer token.
	Transport http.RoundTripper

	// MaxStale is for how long a set is used while it cannot be fetched again;
	// DefaultMaxStale when zero. At most a day: no issuer reckons with caches that live
	// longer than that (keyring.Policy, CacheAge). At least twice Cooldown.
	MaxStale time.Duration

	// Cooldown is the least time between two fetches, and so the time for which a new key
	// may be unknown; DefaultCooldown when zero. A max-age below Cooldown counts as
	// Cooldown. While the Remote has no usable set the least time is a sixth of it, and
	// Refresh does not heed it.
	Cooldown time.Duration

	// Timeout is the time that a fetch may take, to the last byte; DefaultTimeout when
	// zero.
	Timeout time.Duration

	// MaxBytes is the length of the longest answer; DefaultMaxBytes when zero.
	MaxBytes int64

	// AllowContentType names media types, such as text/plain, under which a server labels its
	// set by mistake: the type of the answer is application/jwk-set+json or
	// application/json, or one of these. Neither parameters nor wildcards; letters count
	// as equal in either case. An answer without a Content-Type counts as
	// application/octet-stream.
	AllowContentType []string

	// Cached is a set that was fetched before, by another process perhaps. It counts with
	// the age that it has by now. A damaged set and one of another URL are passed over. A
	// Remote trusts the entry: keep it where only this user can write.
	Cached CacheEntry

	// Report receives the result of each fetch before its callers go on: to log errors, and
	// keys that were passed over, and to keep a CacheEntry. It must not ask the Remote. If
	// it panics after a fetch, callers get an ErrFetch, though the set is used; if it panics
	// about Cached, the panic goes through NewRemote. It may be nil.
	Report func(FetchResult)
}

// FetchResult is the result of one fetch.
type FetchResult struct {
	// Err says why the fetch failed, as a [*FetchError], or, as an [ErrConfig], why Cached
	// is passed over. Then the other fields are empty, and the Remote keeps the set that it
	// has.
	Err error

	Set     *keys.PublicSet // its Skipped says which keys were passed over
	Changed bool            // it is another set than before
	Cached  CacheEntry      // to keep for RemoteConfig.Cached

	// Stale is for how long a cache on the way should have renewed the set before it
	// answered with it; zero for a set that came fresh. The package's documentation says why
	// such a set counts.
	Stale time.Duration

	// Due is the time from which the next call fetches the set again. A call for a kid that
	// the set lacks may fetch it sooner, once Cooldown is over.
	Due time.Time
}

// CacheEntry is a set as it was fetched, to keep for another process. It can be written
// as JSON.
type CacheEntry struct {
	URL string `json:"url"`

	// Fetched is when the set was fetched or confirmed the last time, or earlier: when it
	// became stale, if a cache on the way should have renewed it.
	Fetched time.Time `json:"fetched"`
	// Generated is when the server made the set, by its Age in caches on the way. Where it
	// is zero, an older set can replace this one.
	Generated time.Time `json:"generated,omitzero"`

	MaxAge time.Duration `json:"max_age,omitempty"` // the rest of it on arrival; in JSON nanoseconds
	ETag   string        `json:"etag,omitempty"`
	Body   []byte        `json:"body"`
}

func (c RemoteConfig) withDefaults() (RemoteConfig, error) {
	if c.MaxStale == 0 {
		c.MaxStale = DefaultMaxStale
	}
	if c.Cooldown == 0 {
		c.Cooldown = DefaultCooldown
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	switch limit := longestCacheAge; {
	case c.Cooldown < 0:
		return c, fmt.Errorf("%w: Cooldown is %v; it must be positive", ErrConfig, c.Cooldown)
	case c.MaxStale < 2*c.Cooldown || c.MaxStale > limit:
		return c, fmt.Errorf("%w: MaxStale is %v; it must be at least twice Cooldown (%v) and at most %v", ErrConfig, c.MaxStale, c.Cooldown, limit)
	case c.Timeout < 0:
		return c, fmt.Errorf("%w: Timeout is %v; it must be positive", ErrConfig, c.Timeout)
	case c.MaxBytes < 0 || c.MaxBytes > maxBytesLimit:
		return c, fmt.Errorf("%w: MaxBytes is %d; it must be positive and at most %d", ErrConfig, c.MaxBytes, maxBytesLimit)
	}
	var err error
	c.AllowContentType, err = mediaTypes(c.AllowContentType)
	return c, err
}

// The default policy of a ring has these figures (keyring.Policy): for how long a
// client need not ask again, and the longest that a client uses a cached set.
const (
	defaultMaxAge   = 5 * time.Minute
	longestCacheAge = 24 * time.Hour
)

// maxBytesLimit is more than any JWK Set has, and package strict still reads it.
const maxBytesLimit = 8 << 20
