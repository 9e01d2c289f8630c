package sessions

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// News is what Run tells its caller: an error, or what a frame has brought.
type News struct {
	// Err is why a request or a frame failed, or [ErrMissed], or [ErrFull]. The other fields are
	// empty then, but for Added.
	Err error

	Added []Ended   // new in the list; Until is rounded up to the minute
	Date  time.Time // of the frame: when the issuer read them from its store
	Whole bool      // they came with a whole list, and may have ended long before
}

const (
	lookEvery   = time.Second      // at the keys and at the clock
	sweepEvery  = time.Minute      // forgets
	silenceEnd  = 15 * time.Second // without a heartbeat a connection is dead
	pollInstead = time.Second      // without a stream
	streamAgain = 5 * time.Minute  // after that another stream is tried
	steadyAfter = 5 * time.Minute  // a stream that lived so long was closed on purpose
	lossGap     = 10 * time.Second // a feed that disagrees with itself is not asked without end
)

// Run fetches the list, follows the feed and forgets, until ctx is done; then it returns the
// context's error. It calls report, which may be nil, with what it learns and with each error.
// An error does not end Run: it comes again after a random time of at most 5 s, or as the feed
// asks.
//
// One Run at a time; a second one returns an [ErrConfig] at once.
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
	// An earlier Run may have left a list, which is as good as its date says.
	l.follower.list, l.size, l.date, l.signer = r.list, r.list.size(), l.state.date, l.state.signer
	l.lifetime, l.leeway = l.state.lifetime, l.state.leeway
	l.restart()
	return l.run(ctx)
}

// loop is one Run.
type loop struct {
	*Remote
	*follower
	report func(News)
	state  remoteState

	ticks   <-chan time.Time
	sweep   time.Duration // when the list forgets the next time, monotonic
	polling time.Duration // until then, without a stream
	silent  int           // streams that never said anything
	failed  int           // connections in a row
	lostAt  time.Duration // when frames were missing the last time
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

// connect makes one request, follows it to its end, and returns how long to wait.
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

// after judges a connection that has ended, and returns how long to wait.
func (l *loop) after(c connection, now, lived time.Duration, lost bool) time.Duration {
	defer l.store()
	if l.silent >= 2 || c.stream && !c.isStream && c.err == nil {
		// Something on the way keeps the events back, or cannot pass them on.
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
		// The feed has closed the stream. One that was young was closed with all others.
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
			return jitter(l.cfg.Poll*9/10, l.cfg.Poll)
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

// retryPause is short the first time, since most connections break alone, and spreads a herd
// after that.
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
