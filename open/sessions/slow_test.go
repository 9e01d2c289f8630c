package sessions

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a store whose answers take long, like those from another continent.
type slow struct{ Store }

const slowness = 100 * time.Millisecond

func (s slow) LoadKeys(ctx context.Context) ([]byte, string, error) {
	time.Sleep(slowness)
	return s.Store.LoadKeys(ctx)
}

func (s slow) Tail(ctx context.Context, after Cursor, limit int) (Tail, error) {
	time.Sleep(slowness)
	return s.Store.Tail(ctx, after, limit)
}

// A refresh looks whether the store went back. Each look takes longer than its result counts, and
// still 100 refreshes at once do not wait for each other.
func TestSlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := must(New(testConfig(t, slow{NewMemStore()})))(t)
		var tokens []string
		for range 100 {
			_, token := login(t, r, "ada")
			tokens = append(tokens, token)
		}
		time.Sleep(time.Second)
		begun := time.Now()
		var all sync.WaitGroup
		for i, token := range tokens {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				refreshed(t, r, token)
			})
		}
		all.Wait()
		if took := time.Since(begun); took > 100*time.Millisecond+4*slowness+100*time.Millisecond {
			t.Errorf("100 refreshes at once take %v", took)
		}
	})
}
