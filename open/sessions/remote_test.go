package sessions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
)

// TestEnded follows a session from its end to the refusal of its token.
func TestEnded(t *testing.T) {
	for _, mode := range []struct {
		name string
		bend func(*RemoteConfig)
		wait time.Duration
	}{
		{"stream", func(*RemoteConfig) {}, 100 * time.Millisecond},
		{"poll", func(c *RemoteConfig) { c.Poll = time.Second }, 2200 * time.Millisecond},
	} {
		t.Run(mode.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newParty(t)
				r := p.remote(mode.bend)
				o := p.opener(r.Check)
				ada, bob := p.token(t, "ada"), p.token(t, "bob")
				check := func(token string, want error) {
					t.Helper()
					if _, err := o.Open(t.Context(), token); !errors.Is(err, want) {
						t.Errorf("%v, want %v", err, want)
					}
				}
				check(ada, bearer.ErrUnavailable) // Run has not begun
				p.runRemote(t, r)
				time.Sleep(time.Second)
				check(ada, bearer.ErrUnavailable) // the Run of the feed has not begun
				p.runFeed(t)
				time.Sleep(10 * time.Second)
				check(ada, nil)
				check(bob, nil)
				for range 3 {
					p.end(t, "ada")
					time.Sleep(mode.wait)
					check(ada, ErrEnded)
					check(bob, nil)
					time.Sleep(time.Minute)
				}
				if s := r.Status(); !s.Synced || s.Behind || s.Entries != 1 || s.Missed != 0 || s.Err != nil || s.Streaming != (mode.name == "stream") {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestCheck has a row for each answer of Check.
func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote()
		lax := p.remote(func(c *RemoteConfig) { c.AllowNoSession = true })
		p.runFeed(t)
		p.runRemote(t, r)
		p.runRemote(t, lax)
		p.end(t, "ended")
		time.Sleep(5 * time.Second)
		var tok *open.Token
		grab := p.opener(nil)
		tok = need(grab.Open(t.Context(), p.token(t, "")))
		p.store.Append(t.Context(), []Ended{{entryOf(kindToken, testIssuer, tok.ID()), time.Now().Add(time.Hour)}})
		time.Sleep(time.Second)
		for name, c := range map[string]struct {
			token     *open.Token
			want, lax error
		}{
			"a session":             {need(grab.Open(t.Context(), p.token(t, "live"))), nil, nil},
			"an ended session":      {need(grab.Open(t.Context(), p.token(t, "ended"))), ErrEnded, ErrEnded},
			"no session":            {need(grab.Open(t.Context(), p.token(t, ""))), ErrUnnamed, nil},
			"no session, and ended": {tok, ErrUnnamed, ErrEnded},
			"a zero token":          {new(open.Token), ErrForeign, ErrForeign},
			"no token":              {nil, ErrForeign, ErrForeign},
		} {
			if err := r.Check(t.Context(), c.token); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
			if err := lax.Check(t.Context(), c.token); !errors.Is(err, c.lax) {
				t.Errorf("%s, lax: %v, want %v", name, err, c.lax)
			}
		}
	})
}

// The entries of a whole list may have ended long before, whatever frame of the list they come in.
// An entry that comes after the whole list has just ended.
func TestNewsOfAWholeList(t *testing.T) {
	const n = 2*maxFrameEntries + 100
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		for i := range uint64(n) {
			p.store.rows = append(p.store.rows, Revocation{endedAt(fmt.Sprint(i), time.Now().Add(time.Hour)), i + 1})
		}
		p.store.next = n
		p.runFeed(t)
		time.Sleep(time.Second)
		r := p.remote()
		frames, added := make(map[bool]int), make(map[bool]int) // by News.Whole
		run(t, func(ctx context.Context) error {
			return r.Run(ctx, func(n News) {
				if frames[n.Whole]++; len(n.Added) > 0 {
					added[n.Whole] += len(n.Added)
				}
			})
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if frames[true] != 3 || added[true] != n || added[false] != 0 {
			t.Errorf("the whole list came as %d frames with %d entries, and %d entries came after it, want 3, %d and 0", frames[true], added[true], added[false], n)
		}
		p.end(t, "ada")
		time.Sleep(time.Second)
		synctest.Wait()
		if frames[true] != 3 || added[false] != 1 {
			t.Errorf("%d frames of a whole list, and %d entries came after it, want 3 and 1", frames[true], added[false])
		}
	})
}

// Without MaxStale the lifetime of the tokens limits the age of the list. The Remote polls so often
// that the list does not get too old, also if an answer is lost now and then.
func TestPollWithoutMaxStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		p.feed.lifetime = 20 * time.Second
		asked := 0
		p.via.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked%3 == 0 {
				fail(w, http.StatusServiceUnavailable)
				return
			}
			p.feed.ServeHTTP(w, r)
		}))
		r := p.remote(func(c *RemoteConfig) { c.Poll = maxPoll })
		p.runFeed(t)
		time.Sleep(time.Second)
		p.runRemote(t, r)
		for range 5 * 60 {
			time.Sleep(time.Second)
			if err := r.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if asked > 60 {
			t.Errorf("asked %d times in 5 min", asked)
		}
	})
}

// A proxy compresses the stream, though the Remote does not accept that. The Remote says so, and
// polls instead.
func TestCompressedStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		p.via.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !wantsStream(r) {
				p.feed.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", streamType)
			w.Header().Set("Content-Encoding", "gzip")
			for tick := time.Tick(time.Second); ; {
				io.WriteString(w, "\x1f\x8b\n")
				http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
					return
				case <-tick:
				}
			}
		}))
		r := p.remote(func(c *RemoteConfig) { c.MaxStale = minMaxStale })
		p.runFeed(t)
		time.Sleep(time.Second)
		var told []string
		run(t, func(ctx context.Context) error {
			return r.Run(ctx, func(n News) {
				if n.Err != nil {
					told = append(told, n.Err.Error())
				}
			})
		})
		for range 60 {
			time.Sleep(time.Second)
			if err := r.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if len(told) == 0 || len(told) > 5 || !strings.Contains(told[0], "compressed") || r.Status().Streaming {
			t.Errorf("told %q, %+v", told, r.Status())
		}
	})
}
