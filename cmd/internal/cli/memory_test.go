package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// A process that saw an older ring and ends later does not set back the memory of another process.
func TestMemoryOnlyGrows(t *testing.T) {
	newHome(t)
	early := &App{Console: console.New("sealjwt", strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))}
	ring, err := early.openRing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path, err := early.ringPath()
	if err != nil {
		t.Fatal(err)
	}
	memory, err := early.memory(path, false)
	if err != nil {
		t.Fatal(err)
	}
	runOK(t, "", "keys", "policy", "set", "--leeway", "2m")
	before, _, err := memory.Load(t.Context())
	if err != nil || before.Generation <= ring.Checkpoint().Generation {
		t.Fatalf("the memory has %v (%v) after a change", before, err)
	}
	if err := memory.Save(t.Context(), ring.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	if after, _, err := memory.Load(t.Context()); err != nil || after != before {
		t.Errorf("it became %v (%v), from %v", after, err, before)
	}
}

// A process looks at a ring and saves what it saw. In between another process saw another ring at
// that place. The verb ends with an error, and not with a warning.
func TestMemoryRefusesAnExchange(t *testing.T) {
	path := newHome(t)
	var errs bytes.Buffer
	a := &App{Console: console.New("sealjwt", strings.NewReader(""), new(bytes.Buffer), &errs)}
	memory, err := a.memory(path, false)
	if err != nil {
		t.Fatal(err)
	}
	other := keyring.Checkpoint{Generation: 9, Nonce: "nonce", Ring: "another"}
	if err := memory.Save(t.Context(), other); !errors.Is(err, keyring.ErrRollback) || a.remembered() != seenDurable {
		t.Errorf("%v, want ErrRollback; the memory is %s", err, a.remembered())
	}
}
