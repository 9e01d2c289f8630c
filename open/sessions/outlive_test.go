package sessions

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// sealerOf returns a sealer whose tokens have this lifetime.
func (p *party) sealerOf(lifetime time.Duration) *seal.Sealer {
	return need(seal.New(seal.Config{
		Issuer: testIssuer, Signing: p.ring, Recipient: seal.Recipient{Audience: "api", Keys: p.keys}, Limits: seal.Limits{Lifetime: lifetime},
	}))
}

func claimsOf(s Session) seal.Claims {
	return seal.Claims{Subject: s.Subject, Session: seal.Session{ID: s.ID, NotAfter: s.NotAfter}}
}

// A registry for 15 minutes with a sealer for an hour gives no token.
func TestLongSealer(t *testing.T) {
	p, r := newParty(t), must(New(testConfig(t, NewMemStore())))(t)
	s, refresh := login(t, r, "ada")
	again, _ := refreshed(t, r, refresh)
	for _, s := range []Session{s, again} {
		if token, err := p.sealerOf(time.Hour).Seal(t.Context(), claimsOf(s)); token != "" || !errors.Is(err, seal.ErrLifetime) {
			t.Errorf("%q, %v", token, err)
		}
	}
}

// Time passes between Refresh and Seal, and the session ends. The token is refused until it has
// expired, also by an opener with the largest leeway. After a longer stall there is no token.
func TestStall(t *testing.T) {
	for _, c := range []struct {
		end, stall time.Duration // both count from the refresh
		good       bool
	}{
		{0, 0, true},
		{time.Minute, time.Minute, true},
		{0, time.Minute + time.Second, false},
		{time.Minute, 10 * time.Minute, false},
		{0, 25 * time.Hour, false},
	} {
		t.Run(fmt.Sprintf("%v, %v", c.end, c.stall), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newParty(t)
				r := must(New(testConfig(t, NewMemStore())))(t)
				p.feed = must(NewFeed(FeedConfig{Registry: r, Signing: p.ring, Public: true}))(t)
				p.via.serve(p.feed)
				remote := p.remote()
				o := p.opener(remote.Check, func(c *open.Config) { c.Limits.Leeway = 10 * time.Minute })
				p.runFeed(t)
				p.runRemote(t, remote)
				_, refresh := login(t, r, "ada")
				time.Sleep(10 * time.Second)
				s, _ := refreshed(t, r, refresh)
				time.Sleep(c.end)
				if err := r.End(t.Context(), "ada", s.ID); err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.stall - c.end)
				token, err := p.sealerOf(14*time.Minute).Seal(t.Context(), claimsOf(s))
				if c.good != (err == nil) || !c.good && !errors.Is(err, seal.ErrLifetime) {
					t.Fatalf("Seal: %v", err)
				}
				if !c.good {
					return
				}
				time.Sleep(time.Second)
				for begun := time.Now(); time.Since(begun) < 25*time.Minute; time.Sleep(5 * time.Second) {
					if _, err := o.Open(t.Context(), token); err == nil {
						t.Fatalf("the token is accepted %v after it was made", time.Since(begun))
					}
				}
				if n := remote.Status().Entries; n != 0 {
					t.Errorf("the list still has %d entries", n)
				}
			})
		})
	}
}

// An opener has a larger leeway than the registry reckons with. It accepts no token whose session
// the list may have forgotten.
func TestLeewayOfOpener(t *testing.T) {
	for _, leeway := range []time.Duration{time.Minute, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			p := newParty(t)
			cfg := testConfig(t, NewMemStore())
			cfg.Leeway = leeway
			p.feed = must(NewFeed(FeedConfig{Registry: must(New(cfg))(t), Signing: p.ring, Public: true}))(t)
			p.via.serve(p.feed)
			remote := p.remote()
			o := p.opener(remote.Check, func(c *open.Config) { c.Limits.Leeway = 10 * time.Minute })
			p.runFeed(t)
			p.runRemote(t, remote)
			time.Sleep(10 * time.Second)
			token := p.token(t, "ada")
			expires := must(o.Open(t.Context(), token))(t).ExpiresAt()
			time.Sleep(time.Until(expires.Add(leeway - time.Nanosecond)))
			expect(t, o, token, "just within the leeway of the registry", nil)
			time.Sleep(time.Nanosecond)
			expect(t, o, token, "beyond it", ErrUnbounded)
		})
	}
}

// dropping is a connection that loses the lines that a filter names.
type dropping struct {
	http.ResponseWriter
	lose func() bool
}

func (d *dropping) Write(b []byte) (int, error) {
	if d.lose() {
		return len(b), nil
	}
	return d.ResponseWriter.Write(b)
}

func (d *dropping) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// A frame of a stream is lost on the way. The next frame shows it, and a second later no entry is
// missing. Status counts the loss.
func TestDroppedFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote()
		lost := make(chan bool, 1)
		p.via.serve(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			p.feed.ServeHTTP(&dropping{w, func() bool { return len(lost) > 0 }}, q)
		}))
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(10 * time.Second)
		lost <- true
		p.end(t, "lost")
		time.Sleep(100 * time.Millisecond)
		<-lost
		if r.list.has(entryOf(kindSession, testIssuer, "lost")) {
			t.Fatal("the frame was not lost")
		}
		p.end(t, "next")
		time.Sleep(time.Second)
		if s := r.Status(); !r.list.has(entryOf(kindSession, testIssuer, "lost")) || s.Missed != 1 || !s.Synced {
			t.Errorf("a second after the next frame: %+v", s)
		}
		// The last frame before a silence is lost. The next sign of life shows it. (A feed that
		// loses frames again within lossGap is asked less often.)
		time.Sleep(lossGap)
		lost <- true
		p.end(t, "last")
		time.Sleep(100 * time.Millisecond)
		<-lost
		time.Sleep(heartbeat + time.Second)
		if s := r.Status(); !r.list.has(entryOf(kindSession, testIssuer, "last")) || s.Missed != 2 {
			t.Errorf("a second after the next sign of life: %+v", s)
		}
	})
}

// No token of the issuer is accepted as a frame, in either form.
func TestTokenAsFrame(t *testing.T) {
	p := newParty(t)
	selective := need(seal.NewSelective(seal.SelectiveConfig{
		Issuer: testIssuer, Signing: p.ring, Recipients: []seal.SelectiveRecipient{{Audience: "api", Keys: p.keys, ReadsAll: true}},
	}))
	for name, token := range map[string]string{
		"nested":    need(p.sealer.Seal(t.Context(), claims())),
		"selective": need(selective.Seal(t.Context(), claims())),
	} {
		if f, err := parseFrame(t.Context(), []byte(token), testIssuer, p.ring, time.Now()); f != nil || !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
