package stores

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// A store loses acknowledged writes under running hubs: an operator restores a copy, or a standby
// that lags takes over. Every verifier still refuses the ended sessions, and so does a verifier
// that starts now. No session is refreshed until an operator accepts the rollback.
func TestStoreGoesBack(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) (e engine, dsn string, save func() (restore func())){
		"SQLite restored": func(t *testing.T) (engine, string, func() func()) {
			dsn := servers.SQLite(t)
			return engines[0], dsn, func() func() { return servers.SaveSQLite(t, servers.Open(t, "sqlite", dsn)) }
		},
		"PostgreSQL restored": func(t *testing.T) (engine, string, func() func()) {
			s := servers.PostgreSQL(t)
			dsn := s.PostgreSQLSchema(t)
			_, schema, _ := strings.Cut(dsn, "search_path=")
			return engines[1], dsn, func() func() { return s.Dump(t, schema) }
		},
		"PostgreSQL failover": func(t *testing.T) (engine, string, func() func()) {
			s := servers.PostgreSQL(t)
			standby := s.Standby(t)
			return engines[1], servers.PostgreSQLPair(s, standby), func() func() {
				standby.Disconnect(t)
				return func() { s.Kill(); standby.Promote(t) }
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, dsn, save := start(t)
			goesBack(t, e, dsn, save)
		})
	}
}

func goesBack(t *testing.T, e engine, dsn string, save func() (restore func())) {
	p, store := newParty(), e.open(t, dsn)
	r := p.registry(store)
	background(t, func(ctx context.Context) { r.Run(ctx, nil) })
	hubs := []*hub{p.hub(t, store), p.hub(t, e.open(t, dsn))}
	var all []*verifier
	for i := range 6 {
		all = append(all, p.verifier(t, hubs[i%2].URL, nil))
	}
	devices := p.logins(t, r, 40)
	bystander, early, late := devices[0], devices[1:10], devices[10:]
	end := func(some []device) {
		for _, d := range some {
			if err := r.End(t.Context(), d.subject, d.id); err != nil {
				t.Fatal(err)
			}
		}
	}
	end(early)
	allReady(t, all)
	time.Sleep(time.Second) // a standby has these
	restore := save()
	end(late)
	tokens := make([]*open.Token, 0, len(devices))
	for _, d := range devices[1:] {
		tokens = append(tokens, opened(t, p, d))
	}
	refuses := func(v *verifier) bool {
		for _, token := range tokens {
			if !errors.Is(v.Check(t.Context(), token), sessions.ErrEnded) {
				return false
			}
		}
		return true
	}
	for _, v := range all {
		eventually(t, "a verifier lacks a log-out", 10*time.Second, func() bool { return refuses(v) })
	}

	var accepted atomic.Int32
	watch := background(t, func(ctx context.Context) {
		for ; ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
			for _, v := range all {
				if !refuses(v) {
					accepted.Add(1)
				}
			}
		}
	})
	restore()
	from := time.Now()
	newHub := p.hub(t, e.open(t, dsn))
	newHub.ready(t)
	fresh := p.verifier(t, newHub.URL, nil)
	var taken time.Time // when it last accepted the token of an ended session
	eventually(t, "a verifier that starts now lacks a log-out", 30*time.Second, func() bool {
		for _, token := range tokens {
			if fresh.Check(t.Context(), token) == nil {
				taken = time.Now()
			}
		}
		return refuses(fresh)
	})
	t.Logf("a new hub and a new verifier have all %d after %v; they took an ended session until %v; %s", len(tokens),
		time.Since(from).Round(time.Millisecond), max(0, taken.Sub(from)).Round(time.Millisecond), judged(taken.Sub(from), time.Second))

	other := p.registry(e.open(t, dsn)) // in a process that has seen nothing
	for _, one := range []*sessions.Registry{r, other} {
		for _, d := range []device{late[0], bystander} {
			if _, _, err := one.Refresh(t.Context(), d.refresh); !errors.Is(err, sessions.ErrRolledBack) {
				t.Errorf("a refresh after the store went back: %v", err)
			}
		}
	}
	if err := other.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond) // each process reads the document once a second
	if _, _, err := r.Refresh(t.Context(), bystander.refresh); err != nil {
		t.Errorf("a refresh after an operator has accepted: %v", err)
	}
	watch()
	// The numbers of the store are lower now. The verifiers still learn of every session that ends
	// from now on.
	again := p.logins(t, r, 8)
	end(again[1:])
	for _, d := range again[1:] {
		tokens = append(tokens, opened(t, p, d))
	}
	from = time.Now()
	for _, v := range append(all, fresh) {
		eventually(t, "a verifier lacks a log-out after the rollback", 10*time.Second, func() bool { return refuses(v) })
		if err := v.Check(t.Context(), opened(t, p, again[0])); err != nil {
			t.Errorf("a session that goes on: %v", err)
		}
	}
	t.Logf("log-outs after that are in each list after %v", time.Since(from).Round(time.Millisecond))
	if n := accepted.Load(); n > 0 {
		t.Errorf("a verifier took an ended session back %d times", n)
	}
}
