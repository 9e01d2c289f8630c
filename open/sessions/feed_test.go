package sessions

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

func TestNewFeed(t *testing.T) {
	t.Parallel()
	good := FeedConfig{Registry: registryFor(newTailStore(), testLifetime), Signing: newSigning(), Public: true}
	need(NewFeed(good))
	for field, bend := range map[string]func(c *FeedConfig){
		"Registry":  func(c *FeedConfig) { c.Registry = nil },
		"Registry ": func(c *FeedConfig) { c.Registry = new(Registry) },
		"Signing":   func(c *FeedConfig) { c.Signing = nil },
		"Signing ":  func(c *FeedConfig) { c.Signing = (*signing)(nil) },
		"Authorize": func(c *FeedConfig) { c.Public = false },
		"Public":    func(c *FeedConfig) { c.Authorize = func(*http.Request) error { return nil } },
	} {
		cfg := good
		bend(&cfg)
		f, err := NewFeed(cfg)
		wrong, ok := errors.AsType[*ConfigError](err)
		if f != nil || !ok || wrong.Field != strings.TrimSpace(field) || !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestNewRemote(t *testing.T) {
	t.Parallel()
	good := RemoteConfig{URL: "https://id.example.com/revoked", Issuer: testIssuer, Keys: newSigning()}
	need(NewRemote(good))
	slow := good
	slow.Poll, slow.MaxStale = 5*time.Second, 10*time.Second
	need(NewRemote(slow))
	for name, c := range map[string]struct {
		bend func(c *RemoteConfig)
		want error
	}{
		"no URL":            {func(c *RemoteConfig) { c.URL = "" }, jwks.ErrURL},
		"http":              {func(c *RemoteConfig) { c.URL = "http://id.example.com/revoked" }, jwks.ErrURL},
		"a password":        {func(c *RemoteConfig) { c.URL = "https://u:p@id.example.com/revoked" }, jwks.ErrURL},
		"no issuer":         {func(c *RemoteConfig) { c.Issuer = "" }, ErrConfig},
		"no keys":           {func(c *RemoteConfig) { c.Keys = nil }, ErrConfig},
		"nil keys":          {func(c *RemoteConfig) { c.Keys = (*signing)(nil) }, ErrConfig},
		"MaxStale of 9 s":   {func(c *RemoteConfig) { c.MaxStale = 9 * time.Second }, ErrConfig},
		"MaxStale of 25 h":  {func(c *RemoteConfig) { c.MaxStale = 25 * time.Hour }, ErrConfig},
		"MaxStale < 0":      {func(c *RemoteConfig) { c.MaxStale = -1 }, ErrConfig},
		"Poll of 10 ms":     {func(c *RemoteConfig) { c.Poll = 10 * time.Millisecond }, ErrConfig},
		"Poll of an hour":   {func(c *RemoteConfig) { c.Poll = time.Hour }, ErrConfig},
		"Poll > MaxStale/2": {func(c *RemoteConfig) { c.Poll, c.MaxStale = 6*time.Second, 10*time.Second }, ErrConfig},
		"a nil transport":   {func(c *RemoteConfig) { c.Transport = (*http.Transport)(nil) }, jwks.ErrConfig},
	} {
		cfg := good
		c.bend(&cfg)
		if r, err := NewRemote(cfg); r != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestServe has the requests that do not stay open.
func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		if w := p.get(t, "/"); w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("before Run: %d, %v", w.Code, w.Header())
		}
		stop := p.runFeed(t)
		p.end(t, sids(0, 3)...)
		time.Sleep(2 * time.Second)
		parse := func(w *httptest.ResponseRecorder) *frame {
			t.Helper()
			lines := strings.Split(w.Body.String(), "\n")
			if w.Code != 200 || w.Header().Get("Content-Type") != framesType || len(lines) != 2 || fmt.Sprint(w.Body.Len()) != w.Header().Get("Content-Length") {
				t.Fatalf("%d, %v, %d lines", w.Code, w.Header(), len(lines))
			}
			return need(parseFrame(t.Context(), []byte(lines[0]), testIssuer, p.ring, time.Now()))
		}
		w := p.get(t, "/")
		whole := parse(w)
		if len(whole.ids) != 3 || whole.to.Revision != 3 || whole.from != (Cursor{}) || whole.lifetime != testLifetime || time.Since(whole.date) > 2*time.Second {
			t.Errorf("the whole list: %+v", whole)
		}
		etag := w.Header().Get("ETag")
		if w := p.get(t, "/", "If-None-Match", `"x", W/`+etag); w.Code != 304 || w.Body.Len() != 0 {
			t.Errorf("If-None-Match: %d", w.Code)
		}
		p.end(t, "sid-3")
		time.Sleep(100 * time.Millisecond)
		if next := parse(p.get(t, "/?after="+cursorText(whole.to))); len(next.ids) != 1 || next.from != whole.to || next.to.Revision != 4 || next.total.count != 4 {
			t.Errorf("after a cursor: %+v", next)
		}
		time.Sleep(2 * time.Second)
		if w := p.get(t, "/", "If-None-Match", etag); w.Code != 200 {
			t.Errorf("If-None-Match, 2 s later: %d", w.Code)
		}
		other := whole.to
		other.Entry[0]++
		if all := parse(p.get(t, "/?after="+cursorText(other))); len(all.ids) != 4 || all.from != (Cursor{}) {
			t.Errorf("after the cursor of another store: %+v", all)
		}
		// While no session ends, the list stays and its date advances.
		time.Sleep(time.Hour)
		if old := parse(p.get(t, "/")); len(old.ids) != 0 || old.total.count != 0 || time.Since(old.date) > 2*time.Second {
			t.Errorf("an hour later: %+v", old)
		}
		for path, want := range map[string]int{"/?after=x": 400, "/?after=0.x": 400, "/?after=-1." + cursorText(whole.to)[2:]: 400} {
			if w := p.get(t, path); w.Code != want {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		for method, want := range map[string]int{"POST": 405, "DELETE": 405, "OPTIONS": 405, "HEAD": 200} {
			w := httptest.NewRecorder()
			p.feed.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
			if w.Code != want || method == "HEAD" && (w.Body.Len() != 0 || w.Header().Get("ETag") == "") {
				t.Errorf("%s: %d", method, w.Code)
			}
		}
		stop()
		if w := p.get(t, "/"); w.Code != 503 {
			t.Errorf("after Run: %d", w.Code)
		}
	})
}

// A request without the right to read the feed gets nothing. No shared cache keeps the answers to
// others.
func TestAuthorize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		f := need(NewFeed(FeedConfig{
			Registry: registryFor(p.store, testLifetime), Signing: p.ring,
			Authorize: func(r *http.Request) error {
				if r.Header.Get("Authorization") != "Bearer good" {
					return errors.New("secret reason")
				}
				return nil
			},
		}))
		p.feed = f
		p.runFeed(t)
		time.Sleep(time.Second)
		for _, accept := range []string{"", streamType} {
			if w := p.get(t, "/", "Accept", accept); w.Code != 403 || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("without a token: %d, %s", w.Code, w.Body)
			}
		}
		if w := p.get(t, "/", "Authorization", "Bearer good"); w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "private") {
			t.Errorf("with the token: %d, %v", w.Code, w.Header())
		}
	})
}

// A stream begins with the entries that its reader lacks. It goes on with every change, at most 20
// times a second, and gives a sign of life every 5 s.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		p.runFeed(t)
		time.Sleep(time.Second)
		req := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost/", nil)
		req.Header.Set("Accept", "text/html, text/event-stream;q=0.9")
		res := need(p.via.RoundTrip(req))
		if res.Header.Get("Content-Type") != streamType || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", res.Header)
		}
		type arrival struct {
			*frame
			at time.Time
		}
		var (
			mu  sync.Mutex
			got []arrival
		)
		soFar := func() []arrival {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(got)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			in := bufio.NewScanner(res.Body)
			for in.Scan() {
				if text, ok := bytes.CutPrefix(in.Bytes(), []byte("data: ")); ok {
					fr := need(parseFrame(t.Context(), text, testIssuer, p.ring, time.Now()))
					mu.Lock()
					got = append(got, arrival{fr, time.Now()})
					mu.Unlock()
				}
			}
		}()
		time.Sleep(21 * time.Second)
		quiet := len(soFar())
		if quiet < 5 || quiet > 6 {
			t.Errorf("%d frames in 21 quiet seconds", quiet)
		}
		// 100 sessions end each second.
		for _, sid := range sids(0, 300) {
			p.end(t, sid)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if n := len(soFar()) - quiet; n < 30 || n > 65 {
			t.Errorf("%d frames in 3 busy seconds", n)
		}
		f := newFollower()
		for i, a := range soFar() {
			if _, err := f.apply(a.frame); err != nil {
				t.Errorf("frame %d: %v", i, err)
			}
		}
		if f.size != 300 {
			t.Errorf("%d entries", f.size)
		}
		start := time.Now()
		<-done
		if age := time.Since(start); age < 11*time.Minute || age > 19*time.Minute {
			t.Errorf("the stream ends after %v", age)
		}
	})
}

// A hub drops a reader that is too slow, and serves the others meanwhile.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote()
		p.runFeed(t)
		p.runRemote(t, r)
		time.Sleep(time.Second)
		w := &stuck{pipe: newPipe(t.Context()), free: make(chan struct{})}
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		req.Header.Set("Accept", streamType)
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.feed.ServeHTTP(w, req)
		}()
		for _, sid := range sids(0, 200) {
			p.end(t, sid)
			time.Sleep(60 * time.Millisecond)
		}
		if n := r.list.size(); n < 198 {
			t.Errorf("the other reader has %d entries", n)
		}
		close(w.free)
		<-done
		if n := bytes.Count(w.buf.Bytes(), []byte("data: ")); n > 3 {
			t.Errorf("%d frames were kept for a reader that did not read", n)
		}
	})
}

// stuck is a connection that nothing reads until it is freed.
type stuck struct {
	*pipe
	free chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.free
	s.WriteHeader(http.StatusOK)
	return s.buf.Write(b)
}

// A hub sends at most 16 large lists at once.
func TestManySnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		p.runFeed(t)
		var many []Ended
		for _, sid := range sids(0, 10_000) {
			many = append(many, endedAt(sid, time.Now().Add(18*time.Minute)))
		}
		if err := p.store.Append(t.Context(), many); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		free := make(chan struct{})
		codes := make(chan int, 40)
		for range 40 {
			go func() {
				w := &stuck{pipe: newPipe(t.Context()), free: free}
				req := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
				p.feed.ServeHTTP(w, req)
				codes <- w.status
			}()
		}
		synctest.Wait()
		close(free)
		count := make(map[int]int)
		for range 40 {
			count[<-codes]++
		}
		if count[200] != 16 || count[503] != 24 {
			t.Errorf("the answers are %v", count)
		}
		if w := p.get(t, "/"); w.Code != 200 || w.Body.Len() < largeAnswer {
			t.Errorf("afterwards: %d, %d bytes", w.Code, w.Body.Len())
		}
	})
}

// A store loses its revocations. The hub still publishes those that it knows and writes them back,
// so that a hub which starts now knows them too.
func TestWriteBack(t *testing.T) {
	for name, lose := range map[string]func(s *tailStore){
		"all":            func(s *tailStore) { s.restore(nil, 0) },
		"some":           func(s *tailStore) { rows, _ := s.snapshot(); s.restore(rows[:4], 4) },
		"and counted on": func(s *tailStore) { s.restore(nil, 0); s.Append(context.Background(), others(20)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newParty(t)
				var told []error
				run(t, func(ctx context.Context) error {
					return p.feed.Run(ctx, func(err error) { told = append(told, err) })
				})
				r := p.remote()
				p.runRemote(t, r)
				p.end(t, sids(0, 10)...)
				time.Sleep(10 * time.Second)
				lose(p.store)
				time.Sleep(time.Second)
				synctest.Wait()
				if len(told) != 1 || !errors.Is(told[0], ErrWroteBack) {
					t.Errorf("told %v", told)
				}
				p.end(t, "after")
				time.Sleep(200 * time.Millisecond)
				if !r.list.has(entryOf(kindSession, testIssuer, "after")) {
					t.Error("the hub skips what ends after the loss")
				}
				second := &party{store: p.store, ring: p.ring}
				second.feed = need(NewFeed(p.feed.cfg))
				second.via = &inMemory{handler: second.feed}
				second.runFeed(t)
				late := second.remote()
				second.runRemote(t, late)
				time.Sleep(10 * time.Second)
				for _, sid := range append(sids(0, 10), "after") {
					for who, r := range map[string]*Remote{"the first": r, "a new": late} {
						if !r.list.has(entryOf(kindSession, testIssuer, sid)) {
							t.Errorf("%s verifier does not know %s", who, sid)
						}
					}
				}
				if err := errors.Join(r.Ready(t.Context()), late.Ready(t.Context())); err != nil {
					t.Error(err)
				}
				if s := r.Status(); s.Behind || s.Err != nil {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func others(n int) (all []Ended) {
	for i := range n {
		all = append(all, endedAt(fmt.Sprint("other-", i), time.Now().Add(18*time.Minute)))
	}
	return all
}

// The hub writes back again and again until it succeeds.
func TestWriteBackFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		p.runFeed(t)
		p.end(t, sids(0, 10)...)
		time.Sleep(time.Second)
		p.store.mu.Lock()
		p.store.rows, p.store.next, p.store.fail = nil, 0, ErrUnknownOutcome
		p.store.mu.Unlock()
		time.Sleep(time.Second)
		p.store.mu.Lock()
		p.store.fail = nil
		p.store.mu.Unlock()
		time.Sleep(time.Second)
		if rows, _ := p.store.snapshot(); len(rows) != 10 {
			t.Errorf("%d revocations are back", len(rows))
		}
	})
}

// A verifier goes from one hub to another and back. Neither hub knows of the other.
func TestTwoHubs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		second := need(NewFeed(p.feed.cfg))
		second.now = func() time.Time { return time.Now().Add(-20 * time.Second) } // its clock is slow
		p.runFeed(t)
		run(t, func(ctx context.Context) error { return second.Run(ctx, nil) })
		r := p.remote()
		p.runRemote(t, r)
		hubs := []http.Handler{p.feed, second}
		for i, sid := range sids(0, 100) {
			p.via.serve(hubs[i%2])
			p.via.cut()
			p.end(t, sid)
			time.Sleep(5 * time.Second)
		}
		for _, sid := range sids(0, 100) {
			if !r.list.has(entryOf(kindSession, testIssuer, sid)) {
				t.Errorf("%s is missing", sid)
			}
		}
		if s := r.Status(); !s.Synced || s.Age > 30*time.Second || s.Missed > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Without a signing key there is no new frame, and the hub reports why.
func TestSigningFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		p.ring.mu.Lock()
		p.ring.set = need(keys.NewSet(keys.SetConfig{Decryption: []*keys.Key{keytest.NewKey(keys.ECDHES)}}))
		p.ring.mu.Unlock()
		var told []error
		run(t, func(ctx context.Context) error {
			return p.feed.Run(ctx, func(err error) { told = append(told, err) })
		})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if len(told) < 2 || len(told) > 4 || !errors.Is(told[0], keys.ErrNoKey) {
			t.Errorf("told %v", told)
		}
		if w := p.get(t, "/"); w.Code != 503 {
			t.Errorf("%d", w.Code)
		}
		p.ring.replace()
		time.Sleep(time.Second)
		if w := p.get(t, "/"); w.Code != 200 {
			t.Errorf("with a key: %d", w.Code)
		}
	})
}

// A second Run returns an error.
func TestRunTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote()
		p.runFeed(t)
		stop := p.runRemote(t, r)
		time.Sleep(time.Second)
		if err := p.feed.Run(t.Context(), nil); !errors.Is(err, ErrConfig) {
			t.Errorf("Feed: %v", err)
		}
		if err := r.Run(t.Context(), nil); !errors.Is(err, ErrConfig) {
			t.Errorf("Remote: %v", err)
		}
		// After the first Run has ended, another one goes on with the list.
		p.end(t, "ada")
		time.Sleep(time.Second)
		stop()
		p.end(t, "bob")
		p.runRemote(t, r)
		time.Sleep(2 * time.Second)
		if s := r.Status(); s.Entries != 2 || !s.Synced || s.Err != nil {
			t.Errorf("%+v", s)
		}
	})
}

// Fresh protects routes that need a younger list.
func TestFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		r := p.remote()
		h := r.Fresh(30 * time.Second)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "paid") }))
		get := func(want int) {
			t.Helper()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/pay", nil))
			if w.Code != want || want == 503 && (w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "paid")) {
				t.Errorf("%d, want %d: %s", w.Code, want, w.Body)
			}
		}
		get(503)
		p.runRemote(t, r)
		p.runFeed(t)
		time.Sleep(10 * time.Second)
		get(200)
		for _, d := range []time.Duration{0, -time.Hour} {
			w := httptest.NewRecorder()
			r.Fresh(d)(h).ServeHTTP(w, httptest.NewRequest("POST", "/pay", nil))
			if w.Code != 503 {
				t.Errorf("Fresh(%v): %d", d, w.Code)
			}
		}
		p.store.setDown(true)
		time.Sleep(31 * time.Second)
		get(503)
		if err := r.Ready(t.Context()); err != nil {
			t.Errorf("the other routes: %v", err)
		}
	})
}

// Check of several Remotes selects one by the issuer of the token.
func TestCheckOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, q := newParty(t), newParty(t)
		a, b := p.remote(), q.remote(func(c *RemoteConfig) { c.Issuer = "https://other.example.com" })
		p.runFeed(t)
		p.runRemote(t, a)
		p.end(t, "ended")
		time.Sleep(5 * time.Second)
		live, ended := p.token(t, "live"), p.token(t, "ended")
		expect(t, p.opener(Check(a, b)), live, "live", nil)
		expect(t, p.opener(Check(b, nil, a)), ended, "ended", ErrEnded)
		expect(t, p.opener(Check(b)), live, "no Remote", ErrForeign)
		expect(t, p.opener(Check()), live, "none at all", ErrForeign)
		expect(t, p.opener(b.Check), live, "the Remote of another issuer, which is stale", ErrStale)
		same := q.remote()
		expect(t, p.opener(Check(a, same)), live, "two of one issuer, and one is stale", ErrStale)
	})
}
