package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open/sessions"
)

// RunRegistry checks a Registry over a store: that no session which has ended comes back, and that
// none ends by mistake. It forces the interleavings with a store that pauses between a read and a
// write, and then runs each race as many times as rounds says, at random moments. The function open
// returns two handles on a new, empty place at each call; they may be one.
func RunRegistry(t *testing.T, open func(t *testing.T) (a, b sessions.Store), rounds int) {
	t.Helper()
	for _, c := range []struct {
		name  string
		check func(t *testing.T, p *pair, rounds int)
	}{
		{"RefreshPausedAtEnd", refreshPausedAtEnd},
		{"RefreshAgainstEnd", refreshAgainstEnd},
		{"RefreshTwice", refreshTwice},
		{"ReuseEnds", reuseEnds},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, newPair(t, open), rounds) })
	}
}

// pair has the registries of two processes of an issuer, and their stores.
type pair struct {
	stores [2]*pausing
	regs   [2]*sessions.Registry
}

func newPair(t *testing.T, open func(t *testing.T) (a, b sessions.Store)) *pair {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	kek, err := keyring.NewKEK(key)
	if err != nil {
		t.Fatal(err)
	}
	a, b := open(t)
	p := &pair{stores: [2]*pausing{{Store: a}, {Store: b}}}
	for i := range p.regs {
		p.regs[i], err = sessions.New(sessions.Config{Issuer: "https://id.example.com", Store: p.stores[i], KEK: kek, TokenLifetime: 15 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// pausing is a store that calls the function pause between the read and the write of a refresh.
type pausing struct {
	sessions.Store
	mu    sync.Mutex
	pause func() // called once, before the next Update
	lose  bool   // let the next Update write and return errLost
}

var errLost = fmt.Errorf("%w: the answer is lost", sessions.ErrUnknownOutcome)

func (p *pausing) Update(ctx context.Context, row sessions.Row) error {
	p.mu.Lock()
	pause, lose := p.pause, p.lose
	p.pause, p.lose = nil, false
	p.mu.Unlock()
	if pause != nil {
		pause()
	}
	err := p.Store.Update(ctx, row)
	if err == nil && lose {
		return errLost
	}
	return err
}

func login(t testing.TB, r *sessions.Registry, subject string) (sessions.Session, string) {
	t.Helper()
	s, token, err := r.Start(t.Context(), subject, sessions.Device{Name: "a device"})
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	return s, token
}

// refreshPausedAtEnd checks that a refresh fails if it has read the session before an End returns
// and writes the session after that.
func refreshPausedAtEnd(t *testing.T, p *pair, _ int) {
	for name, end := range map[string]func(subject, id string) error{
		"End":    func(subject, id string) error { return p.regs[1].End(t.Context(), subject, id) },
		"EndAll": func(subject, _ string) error { _, err := p.regs[1].EndAll(t.Context(), subject); return err },
		"EndOthers": func(subject, _ string) error {
			s, _, err := p.regs[1].Start(t.Context(), subject, sessions.Device{})
			if err == nil {
				_, err = p.regs[1].EndOthers(t.Context(), subject, s.ID)
			}
			return err
		},
	} {
		s, token := login(t, p.regs[0], name)
		p.stores[0].pause = func() {
			if err := end(name, s.ID); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for range 2 {
			if _, _, err := p.regs[0].Refresh(t.Context(), token); !errors.Is(err, sessions.ErrEnded) {
				t.Errorf("%s: a refresh after it: %v", name, err)
			}
		}
	}
}

// refreshAgainstEnd lets refreshes and an End run at the same time, and checks that after the End
// has returned no refresh succeeds.
func refreshAgainstEnd(t *testing.T, p *pair, rounds int) {
	for round := range rounds {
		subject := fmt.Sprint("user ", round%50)
		s, first := login(t, p.regs[round%2], subject)
		tokens := []string{first}
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 0; ; i++ {
				_, next, err := p.regs[i%2].Refresh(t.Context(), tokens[i])
				if err != nil {
					wantError(t, "Refresh", err, sessions.ErrEnded)
					return
				}
				tokens = append(tokens, next)
			}
		})
		time.Sleep(time.Duration(mathrand.IntN(1500)) * time.Microsecond)
		if err := p.regs[mathrand.IntN(2)].End(t.Context(), subject, s.ID); err != nil {
			t.Errorf("round %d: End: %v", round, err)
		}
		_, _, errFirst := p.regs[round%2].Refresh(t.Context(), first)
		wantError(t, "a refresh after End", errFirst, sessions.ErrEnded)
		wg.Wait()
		for _, token := range tokens {
			_, _, err := p.regs[(round+1)%2].Refresh(t.Context(), token)
			wantError(t, "a refresh after End", err, sessions.ErrEnded)
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

// refreshTwice lets two tabs refresh at the same time, while answers of the store are lost. It
// checks that both tabs get the same token and the session lives.
func refreshTwice(t *testing.T, p *pair, rounds int) {
	_, token := login(t, p.regs[0], "tabs")
	for round := range rounds {
		var got [2]string
		var wg sync.WaitGroup
		for i := range got {
			p.stores[i].mu.Lock()
			p.stores[i].lose = mathrand.IntN(2) == 0
			p.stores[i].mu.Unlock()
			wg.Go(func() {
				for try := range 5 {
					_, next, err := p.regs[i].Refresh(t.Context(), token)
					if got[i] = next; err == nil {
						return
					}
					if !errors.Is(err, errLost) || try == 4 {
						t.Errorf("round %d: Refresh: %v", round, err)
						return
					}
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		if got[0] != got[1] || got[0] == token {
			t.Fatalf("round %d: the tabs have different tokens", round)
		}
		token = got[0]
	}
}

// reuseEnds checks that a token older than the previous one ends the session, for the thief and
// for the user.
func reuseEnds(t *testing.T, p *pair, _ int) {
	_, first := login(t, p.regs[0], "stolen")
	token := first
	for i := range 2 {
		_, next, err := p.regs[i].Refresh(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		token = next
	}
	if _, _, err := p.regs[1].Refresh(t.Context(), first); !errors.Is(err, sessions.ErrReused) {
		t.Errorf("an old token: %v", err)
	}
	for i, old := range []string{first, token} {
		if _, _, err := p.regs[i].Refresh(t.Context(), old); !errors.Is(err, sessions.ErrEnded) {
			t.Errorf("after the session was ended: %v", err)
		}
	}
}
