package sessions

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// FeedConfig says what a Feed publishes and who may read it.
type FeedConfig struct {
	// Registry gives the Feed the issuer, the lifetime of its tokens, and the store with the ended
	// sessions, which the Feed reads. When the store has lost entries that the Feed knows, the Feed
	// makes every Registry over that store refuse all refreshes ([ErrRolledBack]), and then writes
	// the lost entries back. Required.
	Registry *Registry

	// Signing holds the key that signs the frames: the ring that signs the tokens. Required.
	Signing keys.PrivateSource

	// Authorize returns an error for a request that may not read the feed. The Feed answers
	// such a request with 403 and no reason. A reader of the feed sees how many sessions end,
	// and when.
	Authorize func(*http.Request) error

	// Public lets every client read the feed. Exactly one of Authorize and Public is required.
	Public bool
}

// Feed publishes the ended sessions and revoked tokens of a Store. A process with a Feed is called
// a hub. A hub reads the store; the many verifiers read a hub with a [Remote], and never the store.
// Several hubs may read one store. Feed is an http.Handler for GET and HEAD, safe for concurrent
// use. It answers 503 until Run has read the store, and after Run has returned.
//
// Without a query it answers with the whole list. With ?after=CURSOR it answers with the entries
// after the cursor at which a frame ended, or with the whole list if the Feed does not know the
// cursor or more than 2048 entries are after it. For Accept: text/event-stream the answer goes on
// for about 15 minutes: frames follow for new entries, and at least every 5 s.
type Feed struct {
	cfg      FeedConfig
	now      func() time.Time
	store    Store
	issuer   string
	lifetime time.Duration // the lifetime of the tokens, in whole seconds
	leeway   time.Duration // the largest leeway of the verifiers, in whole seconds

	snapshots chan struct{} // has one element for each large answer that is being sent

	mu      sync.Mutex // guards what follows
	history history
	date    time.Time     // when the store was last read; zero before that, and after Run
	head    *edition      // the last edition
	beat    time.Time     // when the last edition was made
	closed  chan struct{} // closed when Run returns
	running bool
	answers answers

	loss loss // used by Run only, so mu does not guard it
}

const (
	pollEvery   = 25 * time.Millisecond
	publishGap  = 50 * time.Millisecond // so at most 20 editions a second
	heartbeat   = 5 * time.Second
	storeLimit  = 5 * time.Second // how long one call of the store or of a signer may take
	tailBatch   = 5000
	streamAge   = 15 * time.Minute // ±20 %, so that streams spread over the hubs again
	writeLimit  = 10 * time.Second // how long sending a frame may take; a slower reader is dropped
	maxBehind   = 100              // how many editions behind the last one a stream may be
	largeAnswer = 256 << 10        // bytes
	maxLarge    = 16               // how many large answers are sent at once
)

// NewFeed returns a Feed. For a configuration that cannot work it returns a [*ConfigError], which
// is an [ErrConfig]. NewFeed does not read the store yet; [Feed.Run] does.
func NewFeed(cfg FeedConfig) (*Feed, error) {
	switch {
	case cfg.Registry.ready() != nil:
		return nil, configError("Registry", "is required: New makes one")
	case isNil(cfg.Signing):
		return nil, configError("Signing", "is required: the ring that signs the tokens")
	case cfg.Authorize == nil && !cfg.Public:
		return nil, configError("Authorize", "is required, or Public: true for a feed that every client may read")
	case cfg.Authorize != nil && cfg.Public:
		return nil, configError("Public", "contradicts Authorize: give one of them")
	}
	of := cfg.Registry.cfg
	return &Feed{
		cfg: cfg, now: time.Now, store: of.Store, issuer: of.Issuer,
		lifetime:  (of.TokenLifetime + time.Second - 1).Truncate(time.Second),
		leeway:    of.Leeway.Truncate(time.Second),
		snapshots: make(chan struct{}, maxLarge), history: newHistory(), answers: make(answers),
	}, nil
}

func (f *Feed) isMade() bool { return f != nil && f.now != nil }

// errZeroFeed is the error of a Feed that NewFeed has not made.
var errZeroFeed = configError("Feed", "was not made by NewFeed")

// Run reads the store about every 25 ms and publishes, until ctx is done; then it ends the streams
// and returns the context's error. Run calls report, which may be nil, with the errors of the store
// and of the signing key, with [ErrFull], and with [ErrWroteBack]; with the same text at most once
// a second. An error does not end Run: while the store is down, the frames keep the time at which
// the store was last read, so the verifiers know how old the list is.
//
// While Run runs, a second call of Run returns an [ErrConfig] at once.
func (f *Feed) Run(ctx context.Context, report func(error)) error {
	if !f.isMade() {
		return errZeroFeed
	}
	if !f.begin() {
		return configError("Feed", "is run twice")
	}
	defer f.end()
	r := reporter{report: report, now: f.now}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		published, err := f.turn(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.tell(err)
		if published {
			timer.Reset(publishGap)
		} else {
			timer.Reset(pollEvery)
		}
	}
}

func (f *Feed) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running {
		return false
	}
	f.running, f.closed, f.head, f.beat = true, make(chan struct{}), newEdition(nil, time.Time{}), time.Time{}
	clear(f.answers)
	return true
}

func (f *Feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.closed)
	f.running, f.date = false, time.Time{}
}

// reporter passes errors on to the function report. It passes on an error with the same text as the
// last one at most once a second.
type reporter struct {
	report func(error)
	now    func() time.Time
	last   string
	told   time.Time
}

func (r *reporter) tell(err error) {
	if err == nil || r.report == nil {
		return
	}
	now := r.now()
	if text := err.Error(); text != r.last || now.Sub(r.told) >= time.Second || now.Before(r.told) {
		r.last, r.told = text, now
		r.report(err)
	}
}
