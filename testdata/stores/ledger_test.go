package stores

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// ledger records the acknowledged writes of a store.
type ledger struct {
	mu      sync.Mutex
	started map[sessions.ID]bool // false once a writer has tried to End it
	ended   map[sessions.ID]bool
}

func newLedger() *ledger {
	return &ledger{started: make(map[sessions.ID]bool), ended: make(map[sessions.ID]bool)}
}

// note reads a line of a writer: a verb and a session.
func (l *ledger) note(verb string, id sessions.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch verb {
	case "started":
		l.started[id] = true
	case "ending":
		l.started[id] = false
	case "ended":
		l.ended[id] = true
	}
}

// entryOf returns an entry from which the test finds the session again.
func entryOf(id sessions.ID) sessions.Entry { return sessions.Entry(id) }

// write starts sessions and ends two of three, until ctx ends. It tells say each acknowledged
// write, and each End before it tries it. Errors of a server that is down are expected.
func write(ctx context.Context, s sessions.Store, say func(verb string, id sessions.ID)) {
	for n := 0; ctx.Err() == nil; n++ {
		now := time.Now()
		row := sessions.Row{
			Key: "AAECAw", Sealed: []byte("sealed"), Started: now, Seen: now, Expires: now.Add(time.Hour), Turned: now, Generation: 1,
		}
		rand.Read(row.ID[:])
		rand.Read(row.User[:])
		row.Entry = entryOf(row.ID)
		call, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := s.Start(call, row, 100, now.Add(time.Hour))
		if err == nil {
			say("started", row.ID)
			if n%3 > 0 {
				say("ending", row.ID)
				if ended, err := s.End(call, sessions.Which{User: row.User, IDs: []sessions.ID{row.ID}}, now.Add(time.Hour)); err == nil && ended == 1 {
					say("ended", row.ID)
				}
			}
		}
		cancel()
		if err != nil {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// verdict counts the acknowledged writes and the lost ones.
type verdict struct{ sessions, lostSessions, ends, lostEnds, back int }

// compare compares the store with the ledger.
func (l *ledger) compare(t *testing.T, s sessions.Store) (v verdict) {
	t.Helper()
	kept := make(map[sessions.Entry]bool)
	var last uint64
	for cursor := (sessions.Cursor{}); ; {
		tail, err := s.Tail(t.Context(), cursor, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range tail.Revocations {
			if last++; r.Revision != last || kept[r.Entry] {
				t.Fatalf("revision %d comes after %d, or an entry is there twice", r.Revision, last-1)
			}
			kept[r.Entry] = true
			cursor = sessions.Cursor{Revision: r.Revision, Entry: r.Entry}
		}
		if len(tail.Revocations) == 0 {
			break
		}
	}
	for id, lives := range l.started {
		_, err := s.Get(t.Context(), id)
		switch {
		case err != nil && !errors.Is(err, sessions.ErrNoSession):
			t.Fatal(err)
		case lives:
			if v.sessions++; err != nil {
				v.lostSessions++
			}
		case err == nil && kept[entryOf(id)]:
			t.Errorf("session %s lives and has ended", id)
		}
	}
	for id := range l.ended {
		v.ends++
		if !kept[entryOf(id)] {
			v.lostEnds++
		}
		if _, err := s.Get(t.Context(), id); err == nil {
			v.back++
		}
	}
	return v
}

// reader follows the tail while the server dies. It fails if the store goes back.
type reader struct {
	seen map[sessions.Entry]bool
	back int
}

func (r *reader) follow(ctx context.Context, s sessions.Store) {
	r.seen = make(map[sessions.Entry]bool)
	for cursor := (sessions.Cursor{}); ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		tail, err := s.Tail(ctx, cursor, 1000)
		if err != nil {
			continue
		}
		if tail.Whole {
			r.back++
			cursor = sessions.Cursor{}
		}
		for _, v := range tail.Revocations {
			r.seen[v.Entry] = true
			cursor = sessions.Cursor{Revision: v.Revision, Entry: v.Entry}
		}
	}
}

// parseID reads the output of a child process.
func parseID(text string) (id sessions.ID, ok bool) {
	var b []byte
	if n, err := fmt.Sscanf(text, "%x", &b); n != 1 || err != nil || len(b) != len(id) {
		return id, false
	}
	return sessions.ID(b), true
}

// lines notes the output of a child. The last line may be cut.
func (l *ledger) lines(text string) {
	all := strings.Split(text, "\n")
	for _, line := range slices.DeleteFunc(all[:len(all)-1], func(s string) bool { return s == "" }) {
		verb, hex, _ := strings.Cut(line, " ")
		if id, ok := parseID(hex); ok {
			l.note(verb, id)
		}
	}
}
