package keys

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Mark tells one written generation of a ring from every other, also from one with
// the same number on a forked copy. Whoever keeps the last mark it saw, outside the
// store, can tell with [OpenSince] that the store was set back. The zero Mark is
// that of somebody who has seen nothing.
type Mark struct {
	Generation uint64 `json:"generation"`
	Nonce      string `json:"nonce"`
}

// String writes a mark for [ParseMark]. It is no secret.
func (m Mark) String() string { return strconv.FormatUint(m.Generation, 10) + ":" + m.Nonce }

// ParseMark reads what [Mark.String] wrote. It returns [ErrMalformed].
func ParseMark(s string) (Mark, error) {
	generation, nonce, ok := strings.Cut(s, ":")
	n, err := strconv.ParseUint(generation, 10, 64)
	if !ok || err != nil || nonce == "" {
		return Mark{}, fmt.Errorf("%w: not a generation and a nonce", ErrMalformed)
	}
	return Mark{n, nonce}, nil
}

// OpenSince is [Open] for those who remember what they saw last, over restarts: it
// returns [ErrRollback] when the store holds an older ring, or one that was forked
// before. A ring remembers its last 64 generations; beyond that a higher number has
// to do.
func OpenSince(ctx context.Context, store Store, kek KEK, seen Mark) (*Ring, error) {
	return openSince(ctx, store, kek, seen, time.Now)
}

// Seen returns the mark of the newest generation that this Ring saw.
func (r *Ring) Seen() Mark { return r.snapshot.Load().document.mark() }
