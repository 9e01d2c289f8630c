package sessions

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// News is what Run tells its caller: an error, or what a frame has brought.
type News struct {
	// Err tells why a request or a frame failed, or is [ErrMissed] or [ErrFull]. The other fields
	// are empty unless a good frame came; with such a frame they are set even if Err is set.
	Err error

	Added []Ended   // new in the list; Until is rounded up to the minute
	Date  time.Time // the date of the frame: when the issuer read the entries from its store
	Whole bool      // the frame is a part of a whole list, whose entries may have ended long before
}

const (
	lookEvery   = time.Second      // how often Run checks the keys and the clock
	sweepEvery  = time.Minute      // how often Run removes entries whose time is over
	silenceEnd  = 15 * time.Second // a connection without a heartbeat for so long is dead
	pollInstead = time.Second      // how often Run polls while no stream works
	streamAgain = 5 * time.Minute  // how long Run polls before it tries a stream again
	steadyAfter = 5 * time.Minute  // a stream that ends after so long has most likely reached the age at which feeds end streams
	lossGap     = 10 * time.Second // two losses within this time make Run wait longer
)

// Run fetches the list, follows the feed and removes entries whose time is over, until ctx is done;
// then it returns the context's error. It calls report, which may be nil, with what it learns and
// with each error. An error does not end Run: it tries again after a random time of at most 5 s, or
// after the Retry-After of the feed, but 31 s at most.
//
// While Run runs, a second call of Run returns an [ErrConfig] at once.
func (r *Remote) Run(ctx context.Context, report func(News)) error {
	if !r.isMade() {
		return errZeroRemote
	}
	if !r.running.CompareAndSwap(false, true) {
		return configError("Remote", "is run twice")
	}
	defer r.running.Store(false)
	if report == nil {
		report = func(News) {}
	}
	l := &loop{Remote: r, follower: newFollower(), report: report, state: *r.state.Load()}
	// An earlier Run may have left a list. This Run goes on with that list, whose date tells how
	// old it is.
	l.follower.list, l.size, l.date, l.signer = r.list, r.list.size(), l.state.date, l.state.signer
	l.lifetime, l.leeway = l.state.lifetime, l.state.leeway
	l.restart()
	return l.run(ctx)
}

// loop is the state of one call of Run.
type loop struct {
	*Remote
	*follower
	report func(News)
	state  remoteState

	whole   bool // the last frame was a part of a whole list, and further parts follow
	ticks   <-chan time.Time
	sweep   time.Duration // when the list forgets the next time, monotonic
	polling time.Duration // Run polls until then, instead of holding a stream open
	silent  int           // how many streams in a row brought no frame
	failed  int           // how many connections in a row failed
	lostAt  time.Duration // when frames were last missing
}

func (l *loop) store() {
	s := l.state
	s.cursor = l.cursor
	l.Remote.state.Store(&s)
}

func (l *loop) run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	l.ticks = ticker.C
	for {
		pause := l.connect(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		timer := time.NewTimer(pause)
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			case <-timer.C:
				waiting = false
			case <-l.ticks:
				l.look(ctx)
			}
		}
	}
}

// connect makes one request, reads its answer to the end, and returns how long to wait before the
// next request.
func (l *loop) connect(ctx context.Context) (pause time.Duration) {
	_, begun := l.clock()
	c := connection{after: l.cursor}
	if l.wanted {
		c.after = Cursor{}
	}
	c.stream = !l.wanted && l.cfg.Poll == 0 && begun >= l.polling
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan []byte)
	go func() {
		defer close(lines)
		c.err = c.read(ctx, l.Remote, lines)
	}()
	frames := 0
	lost := false
	for open := true; open; {
		select {
		case <-l.ticks:
			l.look(ctx)
			if lost = l.wanted && c.stream; lost {
				cancel()
			}
		case text, more := <-lines:
			if open = more; !more {
				break
			}
			if frames++; lost {
				break
			}
			l.silent = 0
			l.state.streaming = c.stream && c.isStream
			l.take(ctx, text)
			if lost = l.wanted && c.stream; lost {
				cancel() // and fetch the whole list
			}
		}
	}
	l.state.streaming = false
	if frames == 0 && c.isStream && !lost {
		l.silent++
	}
	if ctx.Err() != nil && !lost {
		l.store()
		return 0
	}
	_, now := l.clock()
	return l.after(c, now, now-begun, lost)
}

// after takes note of how a connection ended, and returns how long to wait before the next one.
func (l *loop) after(c connection, now, lived time.Duration, lost bool) time.Duration {
	defer l.store()
	if l.silent >= 2 || c.stream && !c.isStream && c.err == nil {
		// A proxy between feed and verifier holds back events, or cannot pass on streams.
		l.silent, l.polling = 0, now+streamAgain
	}
	switch {
	case lost:
		often := l.lostAt != 0 && now-l.lostAt < lossGap
		if l.lostAt = now; often {
			return jitter(100*time.Millisecond, 5*time.Second)
		}
		return 0
	case c.err == nil && c.stream && c.isStream:
		// The feed has closed the stream. A hub that stops closes young streams too, all at
		// once: then the verifiers must not all come again at the same time.
		if l.failed = 0; lived >= steadyAfter {
			return jitter(100*time.Millisecond, 800*time.Millisecond)
		}
		return jitter(100*time.Millisecond, 5*time.Second)
	case c.err == nil && l.wanted:
		l.failed++
		return retryPause(l.failed)
	case c.err == nil:
		l.failed, l.state.err = 0, nil
		switch {
		case l.cfg.Poll != 0:
			pause := l.cfg.Poll
			if l.state.maxStale != 0 { // without MaxStale it follows from the feed; the retry after a lost answer needs the rest
				pause = min(pause, max(minPoll, l.state.maxStale*2/5))
			}
			return jitter(pause*9/10, pause)
		case now < l.polling:
			return jitter(pollInstead*9/10, pollInstead)
		}
		return 0
	}
	l.failed++
	l.state.err = c.err
	l.report(News{Err: c.err})
	if c.retry > 0 {
		return jitter(c.retry, c.retry+time.Second)
	}
	return retryPause(l.failed)
}

// retryPause returns how long to wait after so many failures in a row. The first pause is short,
// since most connections break alone. Later pauses are longer and random, so that not all
// verifiers ask a hub at the same time after an outage.
func retryPause(failed int) time.Duration {
	if failed <= 1 {
		return jitter(100*time.Millisecond, 800*time.Millisecond)
	}
	return jitter(100*time.Millisecond, 5*time.Second)
}

func jitter(from, to time.Duration) time.Duration {
	return from + time.Duration(rand.Int64N(int64(to-from)+1))
}

var errSilent = errors.New("there was no sign of life for too long")
