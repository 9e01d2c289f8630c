package storetest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

const (
	freshSwaps      = 500
	freshSwapsShort = 100 // with -short
	freshHandles    = 7   // one that writes, and six that read
)

// freshReads checks that a Load that starts after a Swap returned sees what that Swap wrote, at
// once and through every other handle: a process must not trust a key once another process has
// revoked it. A cluster in which any node answers reads, or a handle with a cache, is late only now
// and then, so there are many swaps. The handles write in turn.
func freshReads(t *testing.T, handle func() keyring.Store) {
	handles := make([]keyring.Store, freshHandles)
	for i := range handles {
		handles[i] = handle()
	}
	type written struct {
		doc     []byte
		version string
		by      int
	}
	var (
		readers, reads sync.WaitGroup
		next           = make([]chan written, freshHandles)
		late           = make([]int, freshHandles)
		problems       = make([]error, freshHandles)
	)
	for i, s := range handles {
		next[i] = make(chan written)
		readers.Go(func() {
			for w := range next[i] {
				if i != w.by {
					doc, version, err := s.Load(t.Context())
					switch {
					case err != nil:
						problems[i] = fmt.Errorf("handle %d: Load: %w", i, err)
					case version != w.version || !bytes.Equal(doc, w.doc):
						late[i]++
					}
				}
				reads.Done()
			}
		})
	}
	version, swaps, all := "", 0, freshSwaps
	if testing.Short() {
		all = freshSwapsShort
	}
	for n := range all {
		w := written{doc: fmt.Appendf(nil, "ring %d", n), by: n % freshHandles}
		var err error
		if w.version, err = handles[w.by].Swap(t.Context(), version, w.doc); err != nil {
			t.Errorf("Swap %d: %v", n, err)
			break
		}
		version, swaps = w.version, n+1
		reads.Add(freshHandles)
		for _, c := range next {
			c <- w
		}
		reads.Wait()
	}
	for _, c := range next {
		close(c)
	}
	readers.Wait()
	for i, n := range late {
		if problems[i] != nil {
			t.Error(problems[i])
		}
		if n > 0 {
			t.Errorf("handle %d: %d of %d loads that began after a Swap of another handle did not see it", i, n, swaps)
		}
	}
}
