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
	// DefaultCooldown is the least time between two fetches when RemoteConfig.Cooldown is zero.
	DefaultCooldown = 30 * time.Second
)

// RemoteConfig says where another party's keys are, and how NewRemote caches them.
type RemoteConfig struct {
	// URL is where the JWK Set is: https, or http on localhost, 127.0.0.0/8 and ::1.
	// Required. [Discover] finds it.
	URL string

	// Transport carries the requests, with its TLS configuration and proxy. It must heed
	// contexts. When it is nil, a Remote uses a copy of http.DefaultTransport. For an http URL
	// this copy connects to loopback addresses only, wherever DNS says that localhost is. If
	// the program gives a Transport here, or replaces http.DefaultTransport by another
	// RoundTripper, its own transport has to refuse other addresses for http: in its
	// Dialer.Control, or by wrapping NewTransport. If the program only sets a DialContext in
	// http.DefaultTransport, a Remote uses it for https and not for http. The requests have
	// sealjwt and its version as their User-Agent. A Transport may replace the User-Agent, and
	// may add a header such as a bearer token.
	Transport http.RoundTripper

	// MaxStale is for how long a Remote uses a set that it cannot fetch again; DefaultMaxStale
	// when zero. It must be at least twice Cooldown and at most a day: for that long an issuer
	// with the default keyring.Policy expects cached sets to be used (CacheAge).
	MaxStale time.Duration

	// Cooldown is the least time between two fetches, and so a new key may be unknown for that
	// time; DefaultCooldown when zero. A max-age below Cooldown counts as Cooldown. While the
	// Remote has no usable set, the least time is a sixth of Cooldown. Refresh ignores
	// Cooldown.
	Cooldown time.Duration

	// Timeout is the time that a fetch may take, to the last byte; DefaultTimeout when
	// zero.
	Timeout time.Duration

	// MaxBytes is the length of the longest answer, at most 8 MiB; DefaultMaxBytes when zero.
	MaxBytes int64

	// AllowContentType names media types, such as text/plain, under which a server labels its
	// set by mistake: an answer passes if its type is application/jwk-set+json,
	// application/json or one of these. An entry has neither parameters nor wildcards, and
	// upper and lower case are equal. An answer without a Content-Type counts as
	// application/octet-stream.
	AllowContentType []string

	// Cached is a set that was fetched before, by another process perhaps. Its age counts from
	// Cached.Fetched. NewRemote ignores a set that is damaged, of another URL, or fetched ten
	// seconds or more in the future, and tells Report. A Remote trusts the entry: keep it where
	// only this user can write.
	Cached CacheEntry

	// Report receives the result of each fetch before the callers that wait for the fetch go
	// on: to log errors and skipped keys, and to store a CacheEntry. Report must not call the
	// Remote. If Report panics after a fetch, the fetch counts as failed (ReasonPanic), though
	// the Remote keeps the new set. If Report panics about Cached, the panic goes through
	// NewRemote. Report may be nil.
	Report func(FetchResult)
}

// FetchResult is the result of one fetch.
type FetchResult struct {
	// Err is a [*FetchError] if the fetch failed, and an [ErrConfig] if NewRemote ignored Cached.
	// If Err is set, the other fields are empty, and the Remote keeps the set that it has.
	Err error

	Set     *keys.PublicSet // its Skipped method names the keys that cannot be used
	Changed bool            // Set is the first set, or its text differs from the set before
	Cached  CacheEntry      // to keep for RemoteConfig.Cached

	// Stale is how late a cache on the way was: the time since it should have renewed the set
	// with which it answered. It is zero for a set that came fresh. The package's documentation
	// says why a Remote may use a stale set.
	Stale time.Duration

	// Due is the time from which the next call fetches the set again. A call for a kid that
	// the set lacks may fetch it sooner, once Cooldown is over.
	Due time.Time
}

// CacheEntry is a set as it was fetched, to keep for another process. It can be written
// as JSON.
type CacheEntry struct {
	URL string `json:"url"`

	// Fetched is from when the age of the set counts: when the set was fetched or confirmed the
	// last time, or an earlier time if a cache on the way should have renewed the set.
	Fetched time.Time `json:"fetched"`
	// Generated is when the server made the set: the time of the request, less the Age of the
	// answer. If Generated is zero, a Remote cannot tell that another set is older than this
	// one, and may replace this one by it.
	Generated time.Time `json:"generated,omitzero"`

	// MaxAge is how much of max-age was left when the set arrived; in JSON in nanoseconds.
	MaxAge time.Duration `json:"max_age,omitempty"`
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

// The default policy of a ring has the same figures (keyring.Policy): MaxAge, the max-age that the
// ring publishes, and CacheAge, the longest time that a client uses a cached set.
const (
	defaultMaxAge   = 5 * time.Minute
	longestCacheAge = 24 * time.Hour
)

// maxBytesLimit is longer than any real JWK Set, and package strict still reads a document of
// this length.
const maxBytesLimit = 8 << 20
