package stores

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// watched is a verifier behind a proxy of its own, with the reports of that verifier.
type watched struct {
	*verifier
	proxy *proxy

	mu     sync.Mutex
	seen   map[sessions.Entry]time.Time
	broken time.Time // when its stream was cut; zero once it follows again
	hub    bool      // the hub died, and not only the stream
	after  struct{ cut, hub times }
}

func (w *watched) told(n sessions.News) {
	if n.Err != nil {
		return
	}
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range n.Added {
		w.seen[e.Entry] = now
	}
	if w.broken.IsZero() || !w.proxy.lastAccepted().After(w.broken) {
		return
	}
	if gap := now.Sub(w.broken); w.hub {
		w.after.hub = append(w.after.hub, gap)
	} else {
		w.after.cut = append(w.after.cut, gap)
	}
	w.broken, w.hub = time.Time{}, false
}

// cut breaks a stream that is up, to one hub or to any.
func (w *watched) cut(hub string, died bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.broken.IsZero() || !w.Status().Streaming {
		return
	}
	if now := time.Now(); w.proxy.cut(hub) {
		w.broken, w.hub = now, died
	}
}

// For a minute the server is killed again and again, streams are cut at random and a hub dies,
// while users log out. After that every verifier has every acknowledged log-out.
func TestChaos(t *testing.T) {
	for _, e := range engines[1:] {
		t.Run(e.name, func(t *testing.T) {
			if e.driver == "mysql" && rounds(1, 0) == 0 {
				t.Skip("PostgreSQL does it in a short run: set SEALJWT_LONG=1")
			}
			beside(t)
			chaos(t, e, rounds(8000, 150), rounds(10, 1), time.Duration(rounds(60, 3))*time.Second)
		})
	}
}

func chaos(t *testing.T, e engine, logouts, kills int, lasts time.Duration) {
	var server *servers.Server
	var dsn string
	if e.driver == "pgx" {
		server = servers.PostgreSQL(t)
		dsn = server.PostgreSQLSchema(t)
	} else {
		server = servers.MariaDB(t)
		dsn = server.MariaDBDatabase(t)
	}
	p, store := newParty(), e.open(t, dsn)
	r := p.registry(store)
	devices := p.logins(t, r, logouts+100)
	devices, bystanders := devices[100:], devices[:100]
	hubs := []*hub{p.hub(t, e.open(t, dsn)), p.hub(t, e.open(t, dsn))}
	var all []*watched
	var verifiers []*verifier
	for range 10 {
		w := &watched{proxy: newProxy(t, host(hubs[0]), host(hubs[1])), seen: make(map[sessions.Entry]time.Time)}
		w.verifier = p.verifier(t, w.proxy.URL, w.told)
		all, verifiers = append(all, w), append(verifiers, w.verifier)
	}
	allReady(t, verifiers)

	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	machine := ownDelay(t)
	var disturb sync.WaitGroup
	disturb.Go(func() {
		for range kills {
			time.Sleep(lasts/time.Duration(kills+1) - 200*time.Millisecond + time.Duration(rand.IntN(200))*time.Millisecond)
			server.Kill()
			server.Start(t)
		}
	})
	disturb.Go(func() { cutAtRandom(ctx, all) })
	disturb.Go(func() { killHubs(ctx, t, p, all, hubs, e, dsn, lasts/10) })
	acknowledged, failed := endAll(t.Context(), r, devices, lasts)
	disturb.Wait()

	t.Logf("%d log-outs acknowledged, %d tries failed; the machine's own delay: %v", len(acknowledged), failed, machine())
	missing := missingIn(t, p, all, devices, acknowledged)
	var late, cut, hub times
	for _, w := range all {
		w.mu.Lock()
		cut, hub = append(cut, w.after.cut...), append(hub, w.after.hub...)
		for id, when := range acknowledged {
			late = append(late, max(0, w.seen[entry(id)].Sub(when)))
		}
		w.mu.Unlock()
	}
	t.Logf("%d of %d are missing in a verifier", missing, len(acknowledged)*len(all))
	t.Logf("acknowledged until in the list: %v", late)
	t.Logf("back after a cut: %v; %s", cut, judged(cut.at(1), time.Second))
	t.Logf("back after the death of a hub: %v; %s", hub, judged(hub.at(1), 5*time.Second))
	if missing != 0 || len(acknowledged) < logouts || len(cut) == 0 || len(hub) == 0 {
		t.Errorf("%d are missing of %d log-outs that should be %d, with %d cuts and %d streams of dead hubs",
			missing, len(acknowledged), logouts, len(cut), len(hub))
	}
	for _, w := range all {
		if err := w.Check(t.Context(), opened(t, p, bystanders[0])); err != nil {
			t.Errorf("a session that goes on: %v", err)
		}
	}
	if _, _, err := r.Refresh(t.Context(), bystanders[0].refresh); err != nil {
		t.Errorf("a session that goes on: %v", err)
	}
}

func host(h *hub) string { return strings.TrimPrefix(h.URL, "http://") }

// cutAtRandom breaks three of ten streams each half second.
func cutAtRandom(ctx context.Context, all []*watched) {
	for ctx.Err() == nil {
		time.Sleep(time.Duration(250+rand.IntN(500)) * time.Millisecond)
		for _, w := range all {
			if rand.IntN(10) < 3 {
				w.cut("", false)
			}
		}
	}
}

// killHubs kills a hub and later starts another one in its place.
func killHubs(ctx context.Context, t *testing.T, p *party, all []*watched, hubs []*hub, e engine, dsn string, every time.Duration) {
	for n := 0; ctx.Err() == nil; n++ {
		time.Sleep(every)
		dead := host(hubs[n%2])
		for _, w := range all {
			w.cut(dead, true)
		}
		hubs[n%2].stop()
		time.Sleep(every / 3)
		db := servers.Open(t, e.driver, dsn)
		store, err := sqlstore.New(context.WithoutCancel(ctx), db, e.dialect)
		for end := time.Now().Add(time.Minute); err != nil; store, err = sqlstore.New(context.WithoutCancel(ctx), db, e.dialect) {
			if time.Now().After(end) { // the hub opens only while the server is up
				t.Error(err)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		hubs[n%2] = p.hub(t, store)
		hubs[n%2].ready(t)
		for _, w := range all {
			w.proxy.replace(dead, host(hubs[n%2]))
		}
	}
}

// endAll ends sessions, spread over most of the time. It returns the sessions whose end was
// acknowledged, with the times. If a log-out fails it tries again for a minute, as a user does.
func endAll(ctx context.Context, r *sessions.Registry, devices []device, lasts time.Duration) (acknowledged map[string]time.Time, failed int) {
	acknowledged = make(map[string]time.Time)
	ctx, cancel := context.WithTimeout(ctx, lasts+time.Minute)
	defer cancel()
	const writers = 8
	each := lasts * 9 / 10 / time.Duration(len(devices)/writers+1)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			start := time.Now()
			for i := w; i < len(devices) && ctx.Err() == nil; i += writers {
				time.Sleep(time.Until(start.Add(time.Duration(i/writers) * each)))
				for ctx.Err() == nil {
					call, cancel := context.WithTimeout(ctx, 2*time.Second)
					err := r.End(call, devices[i].subject, devices[i].id)
					cancel()
					now := time.Now()
					mu.Lock()
					done := err == nil || errors.Is(err, sessions.ErrNoSession) // ErrNoSession: an earlier try ended it
					if done {
						acknowledged[devices[i].id] = now
					} else {
						failed++
					}
					mu.Unlock()
					if done {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	return acknowledged, failed
}

// missingIn counts the ended sessions whose tokens a verifier still accepts. The last log-outs get
// some time.
func missingIn(t *testing.T, p *party, all []*watched, devices []device, acknowledged map[string]time.Time) (missing int) {
	t.Helper()
	var tokens []*open.Token
	for _, d := range devices {
		if _, ended := acknowledged[d.id]; ended {
			tokens = append(tokens, opened(t, p, d))
		}
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		missing = 0
		for _, w := range all {
			for _, token := range tokens {
				if err := w.Check(t.Context(), token); !errors.Is(err, sessions.ErrEnded) {
					missing++
				}
			}
		}
		if missing == 0 || time.Now().After(end) {
			return missing
		}
	}
}

// opened returns a token after an Opener without a list has opened it.
func opened(t *testing.T, p *party, d device) *open.Token {
	t.Helper()
	o := need(open.New(open.Config{Audience: "api", Trust: []open.Issuer{{ID: testIssuer, Keys: p.signing}}, Decryption: p.recipient}))
	token, err := o.Open(t.Context(), d.token)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
