package keyring

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errMemory = errors.New("the memory fails")

// wantMemory fails unless the memory holds the newest checkpoint of r after this many
// saves.
func wantMemory(t *testing.T, m *memMemory, r *Ring, saves int) {
	t.Helper()
	if m.newest != r.Checkpoint() || m.saves != saves {
		t.Errorf("the memory has %v after %d saves, want %v after %d", m.newest, m.saves, r.Checkpoint(), saves)
	}
}

func TestMemoryFollowsTheRing(t *testing.T) {
	store, memory := NewMemStore(), new(memMemory)
	cfg := Config{Store: store, KEK: rawKey(t), Memory: memory}
	r := must(Create(t.Context(), cfg))(t)
	wantMemory(t, memory, r, 1)
	rotWrite(t, r, 2)
	wantMemory(t, memory, r, 3)
	wantMemory(t, memory, must(Open(t.Context(), cfg))(t), 3) // nothing new to save

	other := must(Open(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
	rotWrite(t, other, 1)
	wantMemory(t, memory, must(Open(t.Context(), cfg))(t), 4)
	if memory.newest != other.Checkpoint() {
		t.Errorf("the memory has %v, want %v of the other process", memory.newest, other.Checkpoint())
	}
}

// An attacker puts an older ring back while no process runs.
func TestMemoryRollbackOverRestart(t *testing.T) {
	store, memory := NewMemStore(), new(memMemory)
	cfg := Config{Store: store, KEK: rawKey(t), Memory: memory}
	r := must(Create(t.Context(), cfg))(t)
	old := blobOf(t, store)
	rotWrite(t, r, 1)
	put(t, store, old)

	for name, open := range map[string]func(context.Context, Config) (*Ring, error){"Open": Open, "OpenOrCreate": OpenOrCreate} {
		if _, err := open(t.Context(), cfg); !errors.Is(err, ErrRollback) {
			t.Errorf("%s: %v, want ErrRollback", name, err)
		}
		wantMemory(t, memory, r, 2) // the refused ring is not remembered
	}
	if _, err := Open(t.Context(), Config{Store: store, KEK: rawKey(t)}); err != nil {
		t.Errorf("without a memory: %v", err)
	}
}

// A memory that cannot be used would hide a rollback, so no ring opens with it.
func TestMemoryFails(t *testing.T) {
	store, memory := NewMemStore(), new(memMemory)
	cfg := Config{Store: store, KEK: rawKey(t), Memory: memory}
	must(Create(t.Context(), cfg))(t)
	for name, broken := range map[string]*memMemory{"Load": {err: errMemory}, "Save": {saveErr: errMemory}} {
		cfg.Memory = broken
		_, err := Open(t.Context(), cfg)
		wantError(t, err, errMemory)
		_, err = OpenOrCreate(t.Context(), cfg)
		wantError(t, err, errMemory)
		if broken.saves != 0 {
			t.Errorf("%s fails, and a checkpoint is saved", name)
		}
	}
}

// A ring whose first checkpoint could not be saved exists, and opens at the next start.
func TestMemoryFailsAtCreate(t *testing.T) {
	memory := &memMemory{saveErr: errMemory}
	cfg := Config{Store: NewMemStore(), KEK: rawKey(t), Memory: memory}
	_, err := Create(t.Context(), cfg)
	wantError(t, err, errMemory)
	memory.saveErr = nil
	wantMemory(t, memory, must(OpenOrCreate(t.Context(), cfg))(t), 1)
}

// A new ring in an empty store begins at generation 1, whatever the memory has seen.
func TestMemoryBeginsAnew(t *testing.T) {
	memory := &memMemory{newest: Checkpoint{9, "of a ring that is gone", ""}}
	cfg := Config{Store: NewMemStore(), KEK: rawKey(t), Memory: memory}
	wantMemory(t, memory, must(Create(t.Context(), cfg))(t), 1)
	wantMemory(t, memory, must(Open(t.Context(), cfg))(t), 1)
	if memory.newest.Generation != 1 {
		t.Errorf("generation %d, want 1", memory.newest.Generation)
	}
}

// A change is done even if its checkpoint cannot be saved: to report it as failed would
// make the caller repeat a revocation. Run saves the checkpoint later, and reports each
// failure.
func TestMemoryFailsAfterChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := new(memMemory)
		cfg := Config{Store: NewMemStore(), KEK: rawKey(t), Memory: memory}
		r := must(Create(t.Context(), cfg))(t)
		first := r.Checkpoint()
		memory.failSaves(errMemory)
		rotWrite(t, r, 1)
		if r.Checkpoint() == first || memory.newest != first {
			t.Errorf("the ring is at %v and the memory at %v, want one change and none", r.Checkpoint(), memory.newest)
		}

		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var log rotReports
		go r.Run(ctx, log.report)
		time.Sleep(10 * runInterval)
		synctest.Wait()
		if len(log.errors) < 5 || len(log.steps) != 0 {
			t.Errorf("Run reported %v and %v, want an error at each look", log.steps, log.errors)
		}
		for _, err := range log.errors {
			wantError(t, err, errMemory)
		}

		memory.failSaves(nil)
		failed := len(log.errors)
		time.Sleep(2 * runInterval)
		synctest.Wait()
		wantMemory(t, memory, r, 2)
		if len(log.errors) != failed {
			t.Errorf("Run reported %v, want nothing", log.errors[failed:])
		}
	})
}
