package sessions

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// DefaultMaxStale is the largest MaxStale that a Remote chooses by itself.
const DefaultMaxStale = 15 * time.Minute

// RemoteConfig says whose feed a Remote follows.
type RemoteConfig struct {
	// URL is where the feed is: https, or http on localhost, 127.0.0.0/8 and ::1. Required.
	URL string

	// Issuer is the iss of the tokens and of the feed. Required.
	Issuer string

	// Keys has the issuer's keys, which verify its tokens and its feed. Required.
	Keys keys.PublicSource

	// MaxStale is the age at which a list is too old: then every token is refused with 503.
	// When zero it is the lifetime of the issuer's tokens, as the feed says it, and at most
	// DefaultMaxStale. At least 10 s: a feed gives a sign of life every 5 s. At most 24 h.
	MaxStale time.Duration

	// AllowNoSession accepts a token without sid. The end of a session cannot revoke such a
	// token; only Registry.Revoke of its jti can. A token with neither sid nor jti is refused
	// also with AllowNoSession.
	AllowNoSession bool

	// Poll makes the Remote ask for new entries at this interval instead of holding a stream open:
	// at least 1 s, at most 5 min, and at most half of MaxStale: so no token is refused because one
	// answer is lost. When MaxStale is zero, the Remote asks more often where needed.
	// When Poll is zero, the Remote holds a stream open, and polls every second only while no
	// stream works.
	Poll time.Duration

	// Transport carries the requests, as in jwks.RemoteConfig: with a bearer token or a client
	// certificate where the feed asks for it. It must heed contexts. When nil, it is the transport
	// of jwks.NewTransport.
	Transport http.RoundTripper
}

// Remote follows the feed of an issuer and holds the exact set of ended sessions. Give its Check to
// the opener, and call Run in a goroutine: without Run a Remote refuses every token. It refuses
// every token also until it has fetched the first list, so deploy the issuer first.
//
// A Remote only adds to its set, and forgets by the clock alone: no frame, replay or older list
// takes a revocation back. It is safe for concurrent use and starts no goroutine that outlives
// Run.
type Remote struct {
	cfg    RemoteConfig
	url    *url.URL
	client *http.Client
	clock  func() (wall time.Time, up time.Duration)

	list    *list
	memo    *memo
	state   atomic.Pointer[remoteState]
	running atomic.Bool
}

// remoteState is what Check needs to know of the feed. Run replaces the whole state at once, so
// that Check never sees a mixture of two states.
type remoteState struct {
	synced   bool
	date     time.Time     // at this time the list had every entry of the store
	taken    time.Duration // when the frame with date arrived, by the monotonic clock
	age      time.Duration // how old date was when the frame arrived
	maxStale time.Duration
	lifetime time.Duration // of the issuer's tokens
	leeway   time.Duration // how long after its exp a token may still be accepted
	signer   string        // kid of the key that signed date
	swept    time.Time     // when the list last forgot by the wall clock

	cursor    Cursor
	streaming bool
	missed    int
	err       error
}

// NewRemote returns a Remote. For a configuration that cannot work it returns a [*ConfigError],
// which is an [ErrConfig], jwks.ErrURL for a URL that may not be fetched, or jwks.ErrConfig for a
// Transport that is a nil pointer. NewRemote fetches nothing yet; [Remote.Run] does.
func NewRemote(cfg RemoteConfig) (*Remote, error) {
	start := time.Now()
	return newRemote(cfg, func() (time.Time, time.Duration) {
		now := time.Now()
		return now, now.Sub(start)
	})
}

const (
	minMaxStale = 10 * time.Second
	maxMaxStale = 24 * time.Hour
	minPoll     = time.Second
	maxPoll     = 5 * time.Minute
)

func newRemote(cfg RemoteConfig, clock func() (time.Time, time.Duration)) (*Remote, error) {
	switch {
	case cfg.Issuer == "":
		return nil, configError("Issuer", "is required: the iss of the tokens")
	case isNil(cfg.Keys):
		return nil, configError("Keys", "is required: the keys of the issuer, perhaps a jwks.Remote")
	case cfg.MaxStale != 0 && (cfg.MaxStale < minMaxStale || cfg.MaxStale > maxMaxStale):
		return nil, configError("MaxStale", "must be between %v and %v", minMaxStale, maxMaxStale)
	case cfg.Poll != 0 && (cfg.Poll < minPoll || cfg.Poll > maxPoll):
		return nil, configError("Poll", "must be between %v and %v", minPoll, maxPoll)
	case cfg.MaxStale != 0 && cfg.Poll > cfg.MaxStale/2:
		return nil, configError("Poll", "must be at most half of MaxStale, which is %v: the list would be too old between two answers", cfg.MaxStale)
	}
	client, err := jwks.NewClient(cfg.URL, cfg.Transport)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, configError("URL", "is not a URL")
	}
	r := &Remote{cfg: cfg, url: u, client: client, clock: clock, list: newList(), memo: new(memo)}
	r.state.Store(new(remoteState))
	return r, nil
}

// errZeroRemote is the error of a Remote that NewRemote has not made.
var errZeroRemote = configError("Remote", "was not made by NewRemote")

func (r *Remote) isMade() bool { return r != nil && r.clock != nil }

// Status is what a Remote knows, for a dashboard and for logs.
type Status struct {
	Synced    bool          // the list was fetched, and is complete as of Date
	Date      time.Time     // when the issuer last read its store, as the newest frame says
	Age       time.Duration // how old Date is by the wall or the monotonic clock, the larger of both
	MaxStale  time.Duration // the age from which on every token is refused; zero before the first list
	Behind    bool          // Date is older than 15 s, or there is no complete list
	Entries   int           // how many entries the list has
	Missed    int           // how many entries were lost on the way and came only with a whole list
	Streaming bool          // a stream is open
	Err       error         // why the last request or frame failed; nil if it did not
}

// behindAfter is the age at which a Remote says that it is behind: three heartbeats.
const behindAfter = 15 * time.Second

// Status returns what the Remote knows by now.
func (r *Remote) Status() Status {
	if !r.isMade() {
		return Status{Behind: true, Err: errZeroRemote}
	}
	s := r.state.Load()
	age, synced, _ := r.age(s)
	return Status{
		Synced: synced, Date: s.date, Age: age, MaxStale: s.maxStale, Behind: !synced || age > behindAfter,
		Entries: r.list.size(), Missed: s.missed, Streaming: s.streaming, Err: s.err,
	}
}

// age returns how old the list is, whether there is a complete list, and the wall time. It takes
// the larger age by two clocks: if the wall clock is set back, an old list would look young by it,
// and the monotonic clock stands still while a machine sleeps.
func (r *Remote) age(s *remoteState) (age time.Duration, synced bool, now time.Time) {
	wall, up := r.clock()
	// If the wall clock went back, it was ahead before, and forget may have removed entries that
	// still count.
	if !s.synced || wall.Before(s.swept.Add(-skew)) {
		return 0, false, wall
	}
	return max(wall.Sub(s.date), s.age+up-s.taken, 0), true, wall
}

// Ready returns nil when Check would judge tokens, and otherwise the [ErrStale] with which it
// refuses all of them. Call it in a readiness probe.
func (r *Remote) Ready(context.Context) error {
	if !r.isMade() {
		return errZeroRemote
	}
	_, err := r.fresh(r.state.Load(), 0)
	return err
}

// fresh returns [ErrStale] when the list is older than MaxStale, or older than limit if limit is
// not zero. It also returns the wall time.
func (r *Remote) fresh(s *remoteState, limit time.Duration) (now time.Time, err error) {
	age, synced, now := r.age(s)
	switch {
	case !synced && s.err != nil:
		return now, fmt.Errorf("%w: there is no complete list: %w", ErrStale, s.err)
	case !synced:
		return now, fmt.Errorf("%w: there is no complete list yet; call Run in a goroutine", ErrStale)
	case age > s.maxStale || limit != 0 && age > limit:
		return now, fmt.Errorf("%w: it is %v old", ErrStale, age.Round(time.Second))
	}
	return now, nil
}

const redactedQuery = "[a feed]"

// Format prints the URL without its query, which may be a secret, whatever the verb.
func (r *Remote) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, r.place())
	}
}

// LogValue returns the URL without its query.
func (r *Remote) LogValue() slog.Value { return slog.StringValue(r.place()) }

func (r *Remote) place() string {
	if !r.isMade() {
		return redactedQuery
	}
	return (&url.URL{Scheme: r.url.Scheme, Host: r.url.Host, Path: r.url.Path}).String()
}
