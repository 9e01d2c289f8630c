package sessions

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
)

// expect opens a token and compares the error.
func expect(t *testing.T, o *open.Opener, token, what string, want error) {
	t.Helper()
	if _, err := o.Open(t.Context(), token); !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// A hub is cut off from its store. Its date stays at its last read. After MaxStale every token is
// refused with 503, and the status says "behind" long before.
func TestFeedStoreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote(func(c *RemoteConfig) { c.MaxStale = time.Minute })
		o := p.opener(r.Check)
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(10 * time.Second)
		token := p.token(t, "ada")
		expect(t, o, token, "live", nil)
		p.store.setDown(true)
		down := time.Now()
		time.Sleep(16 * time.Second)
		if s := r.Status(); !s.Behind || !s.Synced || !s.Streaming {
			t.Errorf("after 16 s: %+v", s)
		}
		expect(t, o, token, "behind", nil)
		time.Sleep(time.Minute - 17*time.Second)
		expect(t, o, token, "a second before MaxStale", nil)
		time.Sleep(7 * time.Second)
		expect(t, o, token, "after MaxStale", bearer.ErrUnavailable)
		if err := r.Ready(t.Context()); !errors.Is(err, ErrStale) {
			t.Errorf("Ready: %v", err)
		}
		if date := r.Status().Date; date.After(down) {
			t.Errorf("the date went on to %v, and the store is down since %v", date, down)
		}
		p.store.setDown(false)
		time.Sleep(6 * time.Second)
		expect(t, o, token, "up again", nil)
	})
}

// Without MaxStale the lifetime of the tokens counts, and at most 15 minutes.
func TestMaxStale(t *testing.T) {
	for _, c := range []struct{ lifetime, configured, want time.Duration }{
		{5 * time.Minute, 0, 5 * time.Minute},
		{15 * time.Minute, 0, 15 * time.Minute},
		{time.Hour, 0, 15 * time.Minute},
		{5 * time.Minute, 20 * time.Minute, 20 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newParty(t)
			p.feed.lifetime = c.lifetime
			r := p.remote(func(cfg *RemoteConfig) { cfg.MaxStale = c.configured })
			p.runRemote(t, r)
			stop := p.runFeed(t)
			time.Sleep(10 * time.Second)
			stop()
			p.via.cut()
			synctest.Wait()
			date := r.Status().Date
			time.Sleep(time.Until(date.Add(c.want)))
			if err := r.Ready(t.Context()); err != nil || r.Status().MaxStale != c.want {
				t.Errorf("at MaxStale: %v, %v", err, r.Status().MaxStale)
			}
			time.Sleep(time.Millisecond)
			if err := r.Ready(t.Context()); !errors.Is(err, bearer.ErrUnavailable) {
				t.Errorf("a millisecond later: %v, %+v", err, r.Status())
			}
		})
	}
}

// Streams break again and again. A second later no entry is missing.
func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote()
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(5 * time.Second)
		for i, sid := range sids(0, 200) {
			p.end(t, sid)
			if i%3 == 0 {
				p.via.cut()
			}
			time.Sleep(time.Second)
			if !r.list.has(entryOf(kindSession, testIssuer, sid)) {
				t.Errorf("%s is missing a second later", sid)
			}
		}
		if s := r.Status(); s.Missed != 0 || s.Entries != 200 {
			t.Errorf("%+v", s)
		}
	})
}

// Streams break while the store is down. They come back to a hub that read the store earlier than
// the first one, so no frame has a newer date. Each stream is back a second later all the same.
func TestCutToOlderHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, older := newParty(t), newParty(t)
		older.ring.set = p.ring.set
		older.runFeed(t)
		p.runFeed(t)
		r := p.remote()
		p.runRemote(t, r)
		time.Sleep(5 * time.Second)
		older.store.setDown(true)
		time.Sleep(5 * time.Second)
		p.store.setDown(true)
		p.via.serve(older.feed)
		for i := range 100 {
			p.via.cut()
			time.Sleep(time.Second)
			if !r.Status().Streaming {
				t.Fatalf("no stream a second after cut %d", i)
			}
		}
	})
}

// A Remote leaves a silent hub after three heartbeats.
func TestDeadHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote()
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(5 * time.Second)
		healthy := p.via.handler
		p.via.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", streamType)
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}))
		p.via.cut()
		time.Sleep(10 * time.Second)
		p.via.serve(healthy)
		p.end(t, "ada")
		time.Sleep(15 * time.Second)
		if !r.list.has(entryOf(kindSession, testIssuer, "ada")) {
			t.Error("the Remote holds on to a dead connection")
		}
	})
}

// A hub is gone, and a proxy keeps the connection alive with comments. The Remote leaves it after a
// minute.
func TestTalkingProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote()
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(5 * time.Second)
		healthy := p.via.handler
		p.via.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", streamType)
			for r.Context().Err() == nil {
				io.WriteString(w, ": alive\n\n")
				http.NewResponseController(w).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
				}
			}
		}))
		p.via.cut()
		time.Sleep(10 * time.Second)
		p.via.serve(healthy)
		p.end(t, "ada")
		time.Sleep(time.Minute)
		if s := r.Status(); !r.list.has(entryOf(kindSession, testIssuer, "ada")) || s.Behind {
			t.Errorf("the Remote holds on to the proxy: %+v", s)
		}
	})
}

// If a proxy on the way keeps events back, the Remote polls.
func TestBuffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		healthy := p.via.handler
		p.via.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if wantsStream(r) {
				w.Header().Set("Content-Type", streamType)
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
				return
			}
			healthy.ServeHTTP(w, r)
		}))
		r := p.remote()
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(45 * time.Second)
		p.end(t, "ada")
		time.Sleep(2 * time.Second)
		if s := r.Status(); !r.list.has(entryOf(kindSession, testIssuer, "ada")) || s.Behind || s.Streaming {
			t.Errorf("%+v", s)
		}
	})
}

// The key of the feed is withdrawn. The entries that it signed stay in the list, and the date that
// it signed does not count any more. The Remote fetches the whole list with the new key.
func TestSigner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote()
		p.runFeed(t)
		p.runRemote(t, r)
		p.end(t, "ada")
		time.Sleep(10 * time.Second)
		healthy := p.via.handler
		p.via.serve(http.NotFoundHandler())
		p.ring.replace()
		p.via.cut()
		time.Sleep(2 * time.Second)
		if err := r.Ready(t.Context()); !errors.Is(err, ErrStale) || !r.list.has(entryOf(kindSession, testIssuer, "ada")) {
			t.Errorf("the old key is gone: %v", err)
		}
		p.via.serve(healthy)
		time.Sleep(10 * time.Second)
		if err := r.Ready(t.Context()); err != nil {
			t.Errorf("with the new key: %v", err)
		}
	})
}

// skewed is a clock with an offset that a test sets.
type skewed struct{ offset atomic.Int64 }

func (s *skewed) clock() func() (time.Time, time.Duration) {
	start := time.Now()
	return func() (time.Time, time.Duration) {
		return time.Now().Add(time.Duration(s.offset.Load())), time.Since(start)
	}
}

// The wall clock of a verifier differs, jumps ahead by a day, and jumps back.
func TestClock(t *testing.T) {
	for _, offset := range []time.Duration{-skew + time.Second, 0, skew - time.Second} {
		synctest.Test(t, func(t *testing.T) {
			p := newParty(t)
			s := new(skewed)
			s.offset.Store(int64(offset))
			r := need(newRemote(RemoteConfig{URL: "http://localhost/revoked", Issuer: testIssuer, Keys: p.ring, Transport: p.via}, s.clock()))
			p.runFeed(t)
			p.runRemote(t, r)
			p.end(t, "ada")
			ada := entryOf(kindSession, testIssuer, "ada")
			time.Sleep(10 * time.Second)
			if err := r.Ready(t.Context()); err != nil || !r.list.has(ada) {
				t.Fatalf("a clock that is off by %v: %v", offset, err)
			}
			// By any clock within the skew the entry counts for 18 minutes.
			time.Sleep(17 * time.Minute)
			if !r.list.has(ada) {
				t.Errorf("a clock that is off by %v forgets too early", offset)
			}
			p.end(t, "bob")
			bob := entryOf(kindSession, testIssuer, "bob")
			time.Sleep(time.Second)

			s.offset.Store(int64(offset + 24*time.Hour))
			time.Sleep(2 * time.Minute)
			if err := r.Ready(t.Context()); !errors.Is(err, ErrStale) {
				t.Errorf("a day ahead: %v", err)
			}
			// The list may have forgotten the entry by now. After the clock is back, no token is
			// accepted before the whole list has come.
			p.via.setDead(true)
			p.via.cut()
			s.offset.Store(int64(offset))
			if err := r.Ready(t.Context()); !errors.Is(err, ErrStale) {
				t.Errorf("right after the jump back: %v", err)
			}
			time.Sleep(time.Minute)
			if err := r.Ready(t.Context()); !errors.Is(err, ErrStale) {
				t.Errorf("a minute after the jump back, without a feed: %v", err)
			}
			p.via.setDead(false)
			time.Sleep(10 * time.Second)
			if err := r.Ready(t.Context()); err != nil || !r.list.has(bob) {
				t.Errorf("with the whole list: %v", err)
			}
		})
	}
}

// A wall clock that is set back does not make an old list young.
func TestClockBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		s := new(skewed)
		r := need(newRemote(RemoteConfig{URL: "http://localhost/revoked", Issuer: testIssuer, Keys: p.ring, Transport: p.via, MaxStale: time.Minute}, s.clock()))
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(10 * time.Second)
		p.via.setDead(true)
		p.via.cut()
		for range 8 { // each step is smaller than a jump that is noticed
			time.Sleep(10 * time.Second)
			s.offset.Add(-int64(5 * time.Second))
		}
		if err := r.Ready(t.Context()); !errors.Is(err, ErrStale) {
			t.Errorf("80 s after the cut: %v", err)
		}
	})
}

// Frames of another signer, of another issuer and of another party's feed change nothing.
func TestForgedFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, evil := newParty(t), newParty(t)
		evil.runFeed(t)
		evil.end(t, "mallory")
		p.via.serve(evil.feed)
		r := p.remote()
		var told []error
		run(t, func(ctx context.Context) error {
			return r.Run(ctx, func(n News) { told = append(told, n.Err) })
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if err := r.Ready(t.Context()); !errors.Is(err, ErrStale) || r.list.size() != 0 {
			t.Errorf("%v, %d entries", err, r.list.size())
		}
		if len(told) == 0 || !errors.Is(told[len(told)-1], ErrFrame) {
			t.Errorf("told %v", told)
		}
	})
}

// The Remote survives every answer of a server. Its report does not quote the answer.
func TestBadAnswers(t *testing.T) {
	const secret = "secret-in-the-answer"
	for name, h := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, r *http.Request) { http.Error(w, secret, 500) },
		"HTML": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, secret)
		},
		"no frames": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", framesType)
			io.WriteString(w, secret+"\n"+secret)
		},
		"nothing": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Type", framesType) },
		"a line without end": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", framesType)
			for line := []byte(strings.Repeat(secret, 1000)); ; {
				if _, err := w.Write(line); err != nil {
					return
				}
			}
		},
		"compressed": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", framesType)
			w.Header().Set("Content-Encoding", "gzip")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newParty(t)
				p.via.serve(h)
				r := p.remote()
				var told []error
				run(t, func(ctx context.Context) error {
					return r.Run(ctx, func(n News) { told = append(told, n.Err) })
				})
				time.Sleep(30 * time.Second)
				synctest.Wait()
				if len(told) > 80 || name != "nothing" && len(told) == 0 {
					t.Errorf("%d errors in 30 s", len(told))
				}
				for _, err := range told {
					if err == nil || strings.Contains(err.Error(), secret) {
						t.Fatalf("told %v", err)
					}
				}
				if err := r.Ready(t.Context()); !errors.Is(err, ErrStale) {
					t.Errorf("Ready: %v", err)
				}
			})
		})
	}
}

// If a busy feed asks for a pause, the Remote pauses for as long as it asks.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		var asked atomic.Int64
		p.via.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			w.Header().Set("Retry-After", "20")
			fail(w, http.StatusServiceUnavailable)
		}))
		p.runRemote(t, p.remote())
		time.Sleep(19 * time.Second)
		synctest.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times within Retry-After", n)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := asked.Load(); n != 2 {
			t.Errorf("asked %d times after Retry-After", n)
		}
	})
}
