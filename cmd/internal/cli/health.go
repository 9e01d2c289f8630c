package cli

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// health is the state of a ring, as keys check and the metrics of jwks serve report it.
type health struct {
	Due      bool         `json:"due"`
	Overdue  int64        `json:"overdue_seconds"`
	Grace    int64        `json:"grace_seconds"` // an Overdue of this length or more is an alarm
	Next     keyring.Step `json:"next"`
	Full     float64      `json:"full"`               // how much of its room the ring takes, 0 to 1
	Memory   string       `json:"memory"`             // durable, process or none
	Place    string       `json:"place,omitempty"`    // by which the memory knows a ring that is not a file
	Writable *bool        `json:"writable,omitempty"` // nil for a store that cannot say
	Clocks   []wrongClock `json:"wrong_clocks,omitempty"`
	ExitCode int          `json:"exit_code"`

	keys       []keyring.KeyInfo
	warnings   []string
	unwritable error // why the store cannot be written; nil if it can, or if Writable is nil
}

// wrongClock is a key with a date that shows that a clock is wrong, of this host or of another.
type wrongClock struct {
	KeyID string    `json:"kid"`
	Date  time.Time `json:"date"`
}

// trier is a store that can say whether a change could be written.
type trier interface {
	Writable(ctx context.Context) error
}

// lookAt returns the health of the ring at a place. A step that has been due for grace or longer is
// an alarm. lookAt does not change the ring.
func (a *App) lookAt(ctx context.Context, ring *keyring.Ring, at ringAt, grace time.Duration) (h health, err error) {
	h.Grace = int64(grace / time.Second)
	if h.Next, h.Due, err = ring.NextStep(ctx); err != nil {
		return h, err
	}
	full, err := ring.Fullness(ctx)
	if err != nil {
		return h, err
	}
	if h.keys, err = ring.Keys(ctx); err != nil {
		return h, err
	}
	h.Full = math.Round(full*1000) / 1000
	if warning := fullWarning(full); warning != "" {
		h.warnings = append(h.warnings, warning)
	}
	if err := h.lookAtStore(ctx, at.store); err != nil {
		return h, err
	}
	for _, k := range h.keys {
		if !k.WrongDate.IsZero() {
			h.Clocks = append(h.Clocks, wrongClock{k.ID, k.WrongDate})
			h.warnings = append(h.warnings, fmt.Sprintf(
				"warning: a clock is wrong, of this host or of another, and holds the rotation up: the %s key %s has the date %s",
				k.Use, console.Word(k.ID), k.WrongDate.UTC().Format(time.RFC3339)))
		}
	}
	if h.Due {
		late := time.Since(h.Next.At)
		h.Overdue = int64(late / time.Second)
		if late >= grace {
			h.ExitCode = console.ExitDue
		}
	}
	h.Memory = a.remembered()
	if strings.Contains(at.identity, "://") {
		h.Place = at.identity
	}
	return h, nil
}

// lookAtStore checks whether the store can be written, so that a monitor learns before a rotation
// is due that the rotation would fail. It returns an error only if ctx is done.
func (h *health) lookAtStore(ctx context.Context, store keyring.Store) error {
	s, ok := store.(trier)
	if !ok {
		return nil
	}
	err := s.Writable(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	writable := err == nil
	h.Writable, h.unwritable = &writable, err
	return nil
}

// fullWarning returns the warning about a ring of which this part of the room is taken, and ""
// below one half. At one half there is still time to make a new ring.
func fullWarning(full float64) string {
	if full < 0.5 {
		return ""
	}
	return fmt.Sprintf("warning: the ring is %.0f %% full of the kids of ended keys; when it is full it rotates no more: make a new ring before", 100*full)
}

// Text returns the health for a person.
func (h health) Text() []byte {
	var text string
	switch {
	case h.Due:
		text = fmt.Sprintf("due since %s: %s\n", h.Next.At.UTC().Format(time.RFC3339), stepText(h.Next))
		if h.ExitCode == console.ExitDone {
			alarm := h.Next.At.Add(time.Duration(h.Grace) * time.Second)
			text += "no alarm before " + notBeforeText(alarm) + ", in the grace of " + console.Duration(time.Duration(h.Grace)*time.Second) + "\n"
		}
	case h.Next.Action == keyring.Nothing:
		text = "nothing is due, nor ever will be: the ring has no keys in use\n"
	default:
		text = fmt.Sprintf("nothing is due\nnext: %s at %s\n", stepText(h.Next), notBeforeText(h.Next.At))
	}
	if h.Writable != nil && !*h.Writable {
		text += "writable: no\n"
	}
	text += "memory: " + h.Memory
	if h.Place != "" {
		text += ", as " + console.Printable(h.Place)
	}
	return []byte(text + "\n")
}
