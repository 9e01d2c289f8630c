package stores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// timed is a store that measures how long log-outs take.
type timed struct {
	sessions.Store
	mu   sync.Mutex
	ends times
}

func (s *timed) End(ctx context.Context, which sessions.Which, until time.Time) (int, error) {
	from := time.Now()
	n, err := s.Store.End(ctx, which, until)
	took := time.Since(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, took)
	return n, err
}

// fillers are statements that add sessions of other users, in the usual size, and then update the
// planner's statistics.
var fillers = map[string][2]string{
	"sqlite": {
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO sealjwt_session (sid, usr, entry, version, key_id, sealed, started, seen, expires, generation, turned)
		SELECT randomblob(16), randomblob(32), randomblob(16), 1, 'AAECAw', randomblob(160), 1790000000, 1790000000, 1900000000, 1, 1790000000000 FROM n`,
		"ANALYZE",
	},
	"pgx": {
		`INSERT INTO sealjwt_session (sid, usr, entry, version, key_id, sealed, started, seen, expires, generation, turned)
		SELECT substr(sha256(('s' || i)::bytea), 1, 16), sha256(('u' || i)::bytea), substr(sha256(('e' || i)::bytea), 1, 16), 1, 'AAECAw',
		sha256(('a' || i)::bytea) || sha256(('b' || i)::bytea) || sha256(('c' || i)::bytea) || sha256(('d' || i)::bytea) || sha256(('f' || i)::bytea),
		1790000000, 1790000000, 1900000000, 1, 1790000000000 FROM generate_series(1, $1::int) AS i`,
		"ANALYZE sealjwt_session",
	},
}

// fill adds n sessions. SQLite needs a large cache for this alone.
func fill(t *testing.T, e engine, db *sql.DB, n int) {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	do := func(statement string, args ...any) {
		if _, err := c.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	if e.driver == "sqlite" {
		do("PRAGMA cache_size = -500000")
		defer do("PRAGMA cache_size = -2000")
	}
	do(fillers[e.driver][0], n)
	do(fillers[e.driver][1])
}

// A user logs out among a million sessions. Each of ten verifiers refuses that user's token and no
// other one. The figures count from the moment at which End returned.
func TestLogout(t *testing.T) {
	for _, e := range engines[:2] {
		t.Run(e.name, func(t *testing.T) {
			beside(t)
			dsn := e.start(t)(t)
			inner, db := e.openDB(t, dsn)
			from := time.Now()
			n := rounds(1_000_000, 2_000)
			fill(t, e, db, n)
			t.Logf("%d sessions loaded in %v", n, time.Since(from).Round(100*time.Millisecond))
			p, store := newParty(), &timed{Store: inner}
			r := p.registry(store)
			background(t, func(ctx context.Context) { r.Run(ctx, nil) })
			hubs := []*hub{p.hub(t, inner)}
			if e.driver == "pgx" { // SQLite is for one machine
				hubs = append(hubs, p.hub(t, e.open(t, dsn)))
			}
			var all []*verifier
			for i := range 10 {
				all = append(all, p.verifier(t, hubs[i%len(hubs)].URL, nil))
			}
			devices := p.logins(t, r, rounds(200, 10)+1)
			devices, bystander := devices[1:], devices[0]
			allReady(t, all)
			var late times
			machine := ownDelay(t)
			for _, d := range devices {
				late = append(late, logout(t, r, all, d)...)
				time.Sleep(time.Duration(50+rand.IntN(50)) * time.Millisecond) // a busy hub publishes every 50 ms
			}
			for _, v := range all {
				if _, err := v.opener.Open(t.Context(), bystander.token); err != nil {
					t.Errorf("a session that goes on: %v", err)
				}
			}
			write := store.ends.at(0.99)
			t.Logf("End acknowledged until Open refuses: %v", late)
			t.Logf("the store's write of a log-out: %v", store.ends)
			t.Logf("the machine's own delay: %v", machine())
			t.Logf("p99: %s; max: %s; p99 against poll and four writes: %s",
				judged(late.at(0.99), 100*time.Millisecond), judged(late.at(1), time.Second), judged(late.at(0.99), 25*time.Millisecond+4*write))
		})
	}
}

// logout ends a session, and returns for each verifier how long it still accepted the token.
func logout(t *testing.T, r *sessions.Registry, all []*verifier, d device) times {
	t.Helper()
	for _, v := range all {
		if _, err := v.opener.Open(t.Context(), d.token); err != nil {
			t.Fatalf("before the log-out: %v", err)
		}
	}
	if err := r.End(t.Context(), d.subject, d.id); err != nil {
		t.Fatal(err)
	}
	acknowledged := time.Now()
	late := make(times, len(all))
	problems := make([]error, len(all))
	var wg sync.WaitGroup
	for i, v := range all {
		wg.Go(func() {
			for {
				_, err := v.opener.Open(t.Context(), d.token)
				late[i] = time.Since(acknowledged)
				switch {
				case errors.Is(err, sessions.ErrEnded):
					return
				case err != nil:
					problems[i] = err
					return
				case late[i] > time.Minute:
					problems[i] = fmt.Errorf("verifier %d still accepts the token", i)
					return
				}
				time.Sleep(500 * time.Microsecond)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(problems...); err != nil {
		t.Fatal(err)
	}
	return late
}
