package twoparties

import (
	"context"
	"errors"
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

// testLoad checks that no valid token is refused, whatever its age, while both rings change their
// keys. It ends when both have changed. With SEALJWT_LONG=1 it runs for a minute, in which they
// change as often as the windows of the policy allow.
func testLoad(t *testing.T, b programs) {
	unit, lasts := time.Second, time.Minute
	if long() {
		unit /= 2
	}
	p := b.start(t, unit)
	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()
	l := p.load(ctx, func(l *load) {
		for ctx.Err() == nil && (long() || !l.outlived()) {
			time.Sleep(100 * time.Millisecond)
		}
		stop()
	})
	l.check(t)
	var accepted, refused, late int
	var slowest time.Duration
	for _, r := range l.done {
		slowest = max(slowest, r.answered.Sub(r.sent))
		switch {
		case r.status == http.StatusOK:
			accepted++
		case !r.answered.Before(r.until()):
			late++
		case r.status != http.StatusServiceUnavailable: // which check counts
			refused++
			t.Logf("%d %v after the login", r.status, r.sent.Sub(r.asked))
		}
	}
	t.Logf("%d requests in %v, the slowest %v: %d accepted, %d refused though valid, %d too late; %d signing and %d decryption keys, %d and %d tokens accepted after theirs was succeeded",
		len(l.done), l.lasted.Round(time.Second/10), slowest.Round(time.Millisecond), accepted, refused, late,
		len(l.signing.kids), len(l.decryption.kids), l.signing.outlived, l.decryption.outlived)
	if refused > 0 {
		t.Errorf("%d valid tokens were refused", refused)
	}
	if !l.outlived() {
		t.Error("the keys of one or both did not change, or few tokens of before were accepted")
	}
	if least := int(lasts / (12 * unit)); long() && (len(l.signing.kids) <= least || len(l.decryption.kids) <= least) {
		t.Errorf("that is less than %d changes of each key", least)
	}
}

func long() bool { return os.Getenv("SEALJWT_LONG") != "" }

// call is a request to the API, with a token of one of the last logins.
type call struct {
	login
	said
	api            string
	sent, answered time.Time
	status         int
}

// load records the requests and their answers.
type load struct {
	mu                  sync.Mutex
	tokens              []login
	done                []call
	signing, decryption used // by accepted tokens
	unserved            int  // logins and requests that the server asked to try again later
	errs                []error
	lasted              time.Duration
}

// used has kids in the order of their first use. It counts how often a kid was used after a newer
// one had been.
type used struct {
	kids     []string
	outlived int
}

func (u *used) add(kid string) {
	switch i := slices.Index(u.kids, kid); {
	case i < 0:
		u.kids = append(u.kids, kid)
	case i < len(u.kids)-1:
		u.outlived++
	}
}

// outlived reports whether enough accepted tokens are older than a change of the keys of each
// party.
func (l *load) outlived() bool {
	const enough = 50
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.signing.outlived >= enough && l.decryption.outlived >= enough
}

// load sends requests at a constant rate, in turn to all processes of the API, until the context is
// done. Meanwhile users log in, and the test may do something else.
func (p *processes) load(ctx context.Context, meanwhile func(*load)) *load {
	var l load
	var all sync.WaitGroup
	begun := time.Now()
	all.Go(func() { meanwhile(&l) })
	var devices devices
	all.Go(func() {
		every(ctx, loginsPerSecond, func(int) {
			in, err := devices.next(p)
			l.mu.Lock()
			defer l.mu.Unlock()
			if errors.Is(err, errAllBusy) {
				return
			}
			if e, ok := errors.AsType[*notServed](err); ok && e.status == http.StatusServiceUnavailable {
				l.unserved++
			} else if err != nil {
				l.errs = append(l.errs, err)
			} else {
				l.tokens = append(l.tokens, in)
			}
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
		r := call{login: in, api: p.apis[i%len(p.apis)], sent: time.Now()}
		var err error
		r.status, r.said, err = p.me(r.api, in.Token)
		r.answered = time.Now()
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil {
			l.errs = append(l.errs, err)
			return
		}
		l.done = append(l.done, r)
		switch r.status {
		case http.StatusOK:
			l.signing.add(r.SignedWith)
			l.decryption.add(r.SealedTo)
		case http.StatusServiceUnavailable:
			l.unserved++
		}
	})
	all.Wait()
	l.lasted = time.Since(begun)
	return &l
}

// pick returns one of the valid tokens.
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

// every calls do so many times a second, even while the last call runs. Once the context is done it
// waits for all calls.
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

// check fails the test if a login or a request got no answer, or if most were told to try again.
// Two figures also depend on the machine and count in the long form only: the number of requests,
// and whether keys that may be two seconds old are renewed in time.
func (l *load) check(t *testing.T) {
	t.Helper()
	for _, err := range l.errs {
		t.Error(err)
	}
	accepted := 0
	for _, r := range l.done {
		if r.status == http.StatusOK {
			accepted++
		}
	}
	if least := max(200, len(l.done)/2); accepted < least {
		t.Errorf("%d of %d requests were accepted, and at least %d have to be", accepted, len(l.done), least)
	}
	busy := t.Logf
	if long() {
		busy = t.Errorf
	}
	if want := int(requestsPerSecond * l.lasted.Seconds()); len(l.done) < want*9/10 {
		busy("%d requests instead of %d", len(l.done), want)
	}
	if l.unserved > 0 {
		busy("%d logins and requests were answered with 503", l.unserved)
	}
}
