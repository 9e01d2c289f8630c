package stores

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/seal"
)

const (
	testIssuer   = "https://id.example.com"
	testLifetime = 15 * time.Minute
)

func need[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// party is an issuer with its keys and the keys of the one recipient of its tokens.
type party struct {
	key       []byte // of the KEK
	kek       keyring.KEK
	signing   *keys.Set
	recipient *keys.Set
	sealer    *seal.Sealer
}

func newParty() *party {
	key := make([]byte, 32)
	rand.Read(key)
	p := &party{
		key: key, kek: need(keyring.NewKEK(key)), signing: keytest.NewSet(keytest.NewKey(keys.ES256)),
		recipient: keytest.NewSet(keytest.NewKey(keys.ECDHES)),
	}
	p.sealer = need(seal.New(seal.Config{
		Issuer: testIssuer, Signing: p.signing, Recipient: seal.Recipient{Audience: "api", Keys: p.recipient},
		Limits: seal.Limits{Lifetime: 10 * time.Minute}, // a busy machine may need time between Start and Seal
	}))
	return p
}

// registry returns a Registry over a store.
func (p *party) registry(s sessions.Store) *sessions.Registry {
	return need(sessions.New(sessions.Config{Issuer: testIssuer, Store: s, KEK: p.kek, TokenLifetime: testLifetime}))
}

// feed returns a Feed over a store.
func (p *party) feed(s sessions.Store) *sessions.Feed {
	return need(sessions.NewFeed(sessions.FeedConfig{Registry: p.registry(s), Signing: p.signing, Public: true}))
}

// hub publishes a store over HTTP on loopback.
type hub struct {
	URL  string
	stop func() // ends it like the death of its process: connections break, and nothing answers
}

func (p *party) hub(t testing.TB, s sessions.Store) *hub {
	t.Helper()
	feed := p.feed(s)
	end := background(t, func(ctx context.Context) { feed.Run(ctx, nil) })
	server := httptest.NewServer(feed)
	h := &hub{URL: server.URL, stop: sync.OnceFunc(func() {
		server.Listener.Close()
		server.CloseClientConnections()
		end()
		server.Close()
	})}
	t.Cleanup(h.stop)
	return h
}

// ready waits until the hub has read its store. A load balancer also waits for that before it sends
// verifiers there.
func (h *hub) ready(t testing.TB) {
	eventually(t, "the hub has not read its store", time.Minute, func() bool {
		res, err := http.Get(h.URL)
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// background runs work until stop is called or the test ends.
func background(t testing.TB, work func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); work(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// verifier follows a feed and opens tokens.
type verifier struct {
	*sessions.Remote
	opener *open.Opener
}

// verifier starts a verifier with connections of its own, as a process has. report may be nil.
func (p *party) verifier(t testing.TB, url string, report func(sessions.News)) *verifier {
	t.Helper()
	r := need(sessions.NewRemote(sessions.RemoteConfig{URL: url, Issuer: testIssuer, Keys: p.signing, Transport: &http.Transport{DisableKeepAlives: true}}))
	background(t, func(ctx context.Context) { r.Run(ctx, report) })
	return &verifier{r, need(open.New(open.Config{
		Audience: "api", Trust: []open.Issuer{{ID: testIssuer, Keys: p.signing}}, Decryption: p.recipient, Check: r.Check,
		Limits: open.Limits{Cache: 1000}, // the tests ask again and again, and must not keep the machine busy
	}))}
}

// device is a login: a session and a token of that session.
type device struct {
	subject, id, refresh, token string
}

// login starts a session and seals a token of it.
func (p *party) login(ctx context.Context, r *sessions.Registry, subject string) (d device, err error) {
	s, refresh, err := r.Start(ctx, subject, sessions.Device{Name: "a device", Agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
	if err != nil {
		return d, err
	}
	token, err := p.sealer.Seal(ctx, seal.Claims{Subject: subject, Session: seal.Session{ID: s.ID, NotAfter: s.NotAfter}})
	return device{subject, s.ID, refresh, token}, err
}

// logins starts n sessions, one for each user, by eight writers.
func (p *party) logins(t testing.TB, r *sessions.Registry, n int) []device {
	t.Helper()
	all, problems := make([]device, n), make([]error, 8)
	var wg sync.WaitGroup
	for w := range problems {
		wg.Go(func() {
			for i := w; i < n && problems[w] == nil; i += len(problems) {
				all[i], problems[w] = p.login(t.Context(), r, fmt.Sprint("user ", i))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(problems...); err != nil {
		t.Fatal(err)
	}
	return all
}

// entry returns the feed's entry of an ended session: SHA-256 over the kind, the issuer and the id,
// each after its length, cut to 16 bytes.
func entry(sid string) sessions.Entry {
	var b []byte
	for _, part := range []string{"sid", testIssuer, sid} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	sum := sha256.Sum256(b)
	return sessions.Entry(sum[:16])
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, within time.Duration, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v: %s", within, what)
		}
	}
}

// allReady waits until each verifier follows the feed.
func allReady(t testing.TB, all []*verifier) {
	t.Helper()
	eventually(t, "a verifier does not follow the feed", time.Minute, func() bool {
		return !slices.ContainsFunc(all, func(v *verifier) bool { return !v.Status().Streaming || v.Ready(t.Context()) != nil })
	})
}

// times are measured durations.
type times []time.Duration

func (d times) at(share float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func (d times) String() string {
	ms := func(share float64) float64 { return float64(d.at(share)) / 1e6 }
	return fmt.Sprintf("p50 %.1f, p99 %.1f, max %.1f ms (of %d)", ms(0.5), ms(0.99), ms(1), len(d))
}

// ownDelay measures the delay of the machine itself: how much longer a sleep of a millisecond
// takes. It measures until the returned function is called. Other programs cause this delay, and it
// is part of every other figure.
func ownDelay(t testing.TB) (stop func() times) {
	var late times
	end := background(t, func(ctx context.Context) {
		for ctx.Err() == nil {
			from := time.Now()
			time.Sleep(time.Millisecond)
			late = append(late, time.Since(from)-time.Millisecond)
		}
	})
	return func() times { end(); return late }
}

// judged returns whether a figure keeps its bound, as a word.
func judged(got, bound time.Duration) string {
	if got <= bound {
		return fmt.Sprintf("within %v", bound.Round(100*time.Microsecond))
	}
	return fmt.Sprintf("%v IS OVER %v", got.Round(100*time.Microsecond), bound.Round(100*time.Microsecond))
}
