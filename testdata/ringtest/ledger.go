package ringtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Server is a server that a test kills and starts again.
type Server interface {
	Kill()
	Start(t testing.TB)
}

// Verdict counts the writes by their outcome.
type Verdict struct {
	Acknowledged       int
	Lost, Twice        int // acknowledged writes that are lost, and that were made twice
	Back               int // how often a process had loaded a document that was gone later
	Unknown            int // outcomes that the store could not tell
	Written, Unwritten int // of these, as a later look found
	Refused            int // errors that say that nothing was written
	Gap                time.Duration
}

func (v Verdict) String() string {
	return fmt.Sprintf("%d writes acknowledged, %d lost, %d twice; %d loads went back; %d unknown outcomes, of which %d were written and %d not; %d errors; longest gap %v",
		v.Acknowledged, v.Lost, v.Twice, v.Back, v.Unknown, v.Written, v.Unwritten, v.Refused, v.Gap.Round(time.Millisecond))
}

// Check fails a test if an acknowledged write is lost or done twice, if a process has seen a document
// that was gone later, if the store did not find out an outcome that a later look found, or if fewer
// than least writes were acknowledged, because then the test proves nothing.
func (v Verdict) Check(t testing.TB, least int) {
	t.Helper()
	if v.Lost+v.Twice+v.Back != 0 || v.Unknown != v.Written+v.Unwritten || v.Acknowledged < least {
		t.Errorf("a write is lost, or done twice, or seen before it was durable, or its outcome was not found out, or there are fewer than %d: %v", least, v)
	}
}

// Killed lets three writers count in one document while the server dies several times. Then it
// compares the document with the acknowledged counts. open opens a handle for each writer.
func Killed(t testing.TB, open func() keyring.Store, s Server, kills int) Verdict {
	t.Helper()
	const writers = 3
	first := open()
	if _, err := first.Swap(t.Context(), "", must(json.Marshal(make([]int, writers)))); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := &ledger{last: time.Now()}
	var wg sync.WaitGroup
	all := make([]*writer, writers)
	for i := range all {
		all[i] = &writer{ledger: l, store: open(), slot: i}
		wg.Go(func() { all[i].count(ctx) })
	}
	wg.Go(func() { (&reader{ledger: l, store: open()}).follow(ctx) })
	for range kills {
		time.Sleep(400*time.Millisecond + rand.N(300*time.Millisecond))
		s.Kill()
		s.Start(t)
	}
	before := l.acknowledged()
	for end := time.Now().Add(time.Minute); l.acknowledged() < before+10; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no write is acknowledged a minute after the last kill")
		}
	}
	stop()
	wg.Wait()
	for _, w := range all {
		if err := w.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return l.verdict
}

// ledger records the acknowledged writes of all writers.
type ledger struct {
	mu      sync.Mutex
	last    time.Time // time of the last acknowledgement
	verdict Verdict
}

func (l *ledger) note(f func(v *Verdict)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.verdict)
}

func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.verdict.Acknowledged
}

// writer counts in its slot of the document.
type writer struct {
	*ledger
	store   keyring.Store
	slot    int
	seen    seen
	counted int  // the last acknowledged number
	unknown bool // the next number may have been written
}

// count counts until ctx ends. Each write has five seconds.
func (w *writer) count(ctx context.Context) {
	for ctx.Err() == nil {
		call, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		if w.add(call) != nil {
			time.Sleep(5 * time.Millisecond)
		}
		stop()
	}
}

func (w *writer) add(ctx context.Context) error {
	counts, version, err := w.look(ctx)
	if err != nil {
		return err
	}
	counts[w.slot]++
	_, err = w.store.Swap(ctx, version, must(json.Marshal(counts)))
	w.note(func(v *Verdict) {
		switch {
		case err == nil:
			w.counted++
			v.Acknowledged++
			v.Gap = max(v.Gap, time.Since(w.last))
			w.last = time.Now()
		case errors.Is(err, keyring.ErrUnknownOutcome):
			w.unknown = true
			v.Unknown++
		case !errors.Is(err, keyring.ErrConflict):
			v.Refused++
		}
	})
	return err
}

// look loads the document and compares the slot with the acknowledged number. It settles an unknown
// outcome.
func (w *writer) look(ctx context.Context) (counts []int, version string, err error) {
	doc, version, err := w.store.Load(ctx)
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(doc, &counts); err != nil {
		return nil, "", err
	}
	w.note(func(v *Verdict) {
		now := counts[w.slot]
		switch {
		case w.unknown && now == w.counted+1:
			v.Written++
		case w.unknown && now == w.counted:
			v.Unwritten++
		case now < w.counted:
			v.Lost += w.counted - now
		case now > w.counted:
			v.Twice += now - w.counted
		}
		w.counted, w.unknown = now, false
		w.seen.check(v, counts)
	})
	return counts, version, nil
}

// seen is the last document that a process has loaded.
type seen []int

func (s *seen) check(v *Verdict, counts []int) {
	for i, n := range *s {
		if counts[i] < n {
			v.Back++
		}
	}
	*s = slices.Clone(counts)
}

// reader loads as often as it can, so that it would see a document that the server shows before it
// is durable.
type reader struct {
	*ledger
	store keyring.Store
	seen  seen
}

func (r *reader) follow(ctx context.Context) {
	for ctx.Err() == nil {
		doc, _, err := r.store.Load(ctx)
		var counts []int
		if err != nil || json.Unmarshal(doc, &counts) != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		r.note(func(v *Verdict) { r.seen.check(v, counts) })
	}
}

// settle settles the last unknown outcome.
func (w *writer) settle(ctx context.Context) error {
	_, _, err := w.look(ctx)
	return err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
