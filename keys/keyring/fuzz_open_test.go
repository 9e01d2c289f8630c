package keyring

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
)

// Open refuses a document as damaged, or it is a ring that we wrote: an attacker without the KEK
// cannot make another one.
func FuzzOpenRing(f *testing.F) {
	kek := must(NewKEK(readTestdata(f, "rings/v1.kek")))(f)
	ours := [][]byte{readTestdata(f, "rings/v1.ring"), readTestdata(f, "rings/v1-passphrase.ring")}
	for _, doc := range ours {
		f.Add(doc)
		f.Add(doc[:len(doc)/2])
	}
	f.Add([]byte(`{"v":1,"slots":[{"kek":"` + kek.ID() + `","jwe":"...."}],"ring":"...."}`))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg := Config{Store: frozen(data), KEK: kek}
		_, err := Open(t.Context(), cfg)
		allowed := len(data)
		if err == nil {
			allowed += 24 << 10 // the keys of the ring
		}
		checkMemory(t, allowed, func() { Open(t.Context(), cfg) })
		known := bytes.Equal(data, ours[0]) || bytes.Equal(data, ours[1])
		if (err == nil) != known || err != nil && !errors.Is(err, ErrUnreadable) {
			t.Fatalf("%v, and it is ours: %v", err, known)
		}
	})
}

// checkMemory checks that f, which reads size bytes, allocates in proportion to size. The
// measurement is slow, so only a few short texts are measured. Their length selects them, so that a
// failure can be repeated.
func checkMemory(t *testing.T, size int, f func()) {
	t.Helper()
	if size < 4<<10 && size%16 != 0 {
		return
	}
	limit := uint64(16*size + 64<<10)
	for try := 0; ; try++ { // other goroutines allocate too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used <= limit {
			return
		} else if try == 5 {
			t.Fatalf("%d bytes take %d bytes of memory, and %d are allowed", size, used, limit)
		}
	}
}
