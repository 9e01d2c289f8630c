package bearer_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	requestsPerSecond = 200
	loginsPerSecond   = 20
)

// testLoad: no token that is not over is refused, whatever its age, while both rings
// change their keys as often as the windows of their policy allow. SEALJWT_LONG=1 makes
// it a minute.
func testLoad(t *testing.T, b programs) {
	const unit = time.Second / 2
	lasts := 6 * time.Second
	if os.Getenv("SEALJWT_LONG") != "" {
		lasts = time.Minute
	}
	p := b.start(t, unit)
	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()
	l := p.load(ctx, nil)
	l.check(t, lasts)
	var accepted, refused, late int
	var signing, decryption []string
	var slowest time.Duration
	for _, r := range l.done {
		slowest = max(slowest, r.answered.Sub(r.sent))
		switch {
		case r.status == http.StatusOK:
			accepted++
			signing, decryption = changed(signing, r.SignedWith), changed(decryption, r.SealedTo)
		case r.answered.Before(r.until()):
			refused++
			t.Logf("%d %v after the login", r.status, r.sent.Sub(r.asked))
		default:
			late++
		}
	}
	t.Logf("%d requests in %v, the slowest %v: %d accepted, %d refused though valid, %d too late; %d signing and %d decryption keys",
		len(l.done), lasts, slowest.Round(time.Millisecond), accepted, refused, late, len(signing), len(decryption))
	if refused > 0 {
		t.Errorf("%d valid tokens were refused", refused)
	}
	if least := int(lasts / (10 * unit)); len(signing) <= least || len(decryption) <= least {
		t.Errorf("that is less than %d changes of each key", least)
	}
}

// changed are the kids so far, and one that is new.
func changed(kids []string, kid string) []string {
	if slices.Contains(kids, kid) {
		return kids
	}
	return append(kids, kid)
}

// call is a request to the API, with a token of one of the last logins.
type call struct {
	login
	said
	sent, answered time.Time
	status         int
}

// load is what was sent and answered.
type load struct {
	mu     sync.Mutex
	tokens []login
	done   []call
	errs   []error
}

// load sends requests at a constant rate, in turn to all processes of the API, until the
// context is done. Meanwhile users log in, and something else may happen.
func (p *processes) load(ctx context.Context, meanwhile func()) *load {
	var l load
	var all sync.WaitGroup
	if meanwhile != nil {
		all.Go(meanwhile)
	}
	all.Go(func() {
		every(ctx, loginsPerSecond, func(int) {
			in, err := p.login("ada", "lovelace")
			l.mu.Lock()
			defer l.mu.Unlock()
			if err != nil {
				l.errs = append(l.errs, err)
				return
			}
			l.tokens = append(l.tokens, in)
		})
	})
	every(ctx, requestsPerSecond, func(i int) {
		in, ok := l.pick()
		for ; !ok && ctx.Err() == nil; in, ok = l.pick() {
			time.Sleep(5 * time.Millisecond)
		}
		if !ok {
			return
		}
		r := call{login: in, sent: time.Now()}
		var err error
		r.status, r.said, err = p.me(p.apis[i%len(p.apis)], in.Token)
		r.answered = time.Now()
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil {
			l.errs = append(l.errs, err)
			return
		}
		l.done = append(l.done, r)
	})
	all.Wait()
	return &l
}

// pick returns one of the tokens that are not over.
func (l *load) pick() (login, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.tokens = slices.DeleteFunc(l.tokens, func(in login) bool { return !now.Before(in.until()) })
	if len(l.tokens) == 0 {
		return login{}, false
	}
	return l.tokens[rand.N(len(l.tokens))], true
}

// every does something so many times a second, whether or not the last time is over, and
// waits for all of it once the context is done.
func every(ctx context.Context, second int, do func(i int)) {
	var all sync.WaitGroup
	defer all.Wait()
	begun := time.Now()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(begun.Add(time.Duration(i) * time.Second / time.Duration(second)))):
			all.Go(func() { do(i) })
		}
	}
}

// check fails the test when a login or a request was not answered, or few were sent.
func (l *load) check(t *testing.T, lasts time.Duration) {
	t.Helper()
	for _, err := range l.errs {
		t.Error(err)
	}
	if want := requestsPerSecond * int(lasts/time.Second); len(l.done) < want*9/10 {
		t.Errorf("%d requests instead of %d", len(l.done), want)
	}
}
