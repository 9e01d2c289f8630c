package keyring

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errMemory = errors.New("the memory fails")

// wantMemory fails unless the memory holds the newest checkpoint of r after this many
// saves.
func wantMemory(t *testing.T, m *testMemory, r *Ring, saves int) {
	t.Helper()
	if m.newest != r.Checkpoint() || m.saves != saves {
		t.Errorf("the memory has %v after %d saves, want %v after %d", m.newest, m.saves, r.Checkpoint(), saves)
	}
}

func TestMemoryFollowsTheRing(t *testing.T) {
	store, memory := NewMemStore(), new(testMemory)
	cfg := Config{Store: store, KEK: rawKey(t), Memory: memory}
	r := must(Create(t.Context(), cfg))(t)
	wantMemory(t, memory, r, 1)
	writeGenerations(t, r, 2)
	wantMemory(t, memory, r, 3)
	wantMemory(t, memory, must(Open(t.Context(), cfg))(t), 3) // there is nothing new to save

	other := must(Open(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
	writeGenerations(t, other, 1)
	wantMemory(t, memory, must(Open(t.Context(), cfg))(t), 4)
	if memory.newest != other.Checkpoint() {
		t.Errorf("the memory has %v, want %v of the other process", memory.newest, other.Checkpoint())
	}
}

// An attacker restores an older ring while no process runs.
func TestMemoryRollbackOverRestart(t *testing.T) {
	store, memory := NewMemStore(), new(testMemory)
	cfg := Config{Store: store, KEK: rawKey(t), Memory: memory}
	r := must(Create(t.Context(), cfg))(t)
	old := blobOf(t, store)
	writeGenerations(t, r, 1)
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

// A memory that does not work would hide a rollback, so no ring opens with it.
func TestMemoryFails(t *testing.T) {
	store, memory := NewMemStore(), new(testMemory)
	cfg := Config{Store: store, KEK: rawKey(t), Memory: memory}
	must(Create(t.Context(), cfg))(t)
	for name, broken := range map[string]*testMemory{"Load": {err: errMemory}, "Save": {saveErr: errMemory}} {
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
	memory := &testMemory{saveErr: errMemory}
	cfg := Config{Store: NewMemStore(), KEK: rawKey(t), Memory: memory}
	_, err := Create(t.Context(), cfg)
	wantError(t, err, errMemory)
	memory.saveErr = nil
	wantMemory(t, memory, must(OpenOrCreate(t.Context(), cfg))(t), 1)
}

// The memory knows a ring by its identity, and a place by the last ring there. Both rings of this
// test open with one KEK.
func TestMemoryKnowsTheRing(t *testing.T) {
	cfg := Config{Store: NewMemStore(), KEK: rawKey(t)}
	r := must(Create(t.Context(), cfg))(t)
	writeGenerations(t, r, 2)
	now := r.Checkpoint()
	other := must(Create(t.Context(), Config{Store: NewMemStore(), KEK: rawKey(t)}))(t).Checkpoint()
	older, newer, fork := now, now, now
	older.Generation, older.Nonce = 1, r.snapshot.Load().document.History[0].Nonce
	newer.Generation++
	fork.Nonce = "fork"
	past := fork
	past.Generation--
	for name, c := range map[string]struct {
		here    Checkpoint
		rings   []Checkpoint
		refused string // part of the text
	}{
		"nothing seen":                 {},
		"this generation":              {here: now, rings: []Checkpoint{now}},
		"an older generation":          {here: older, rings: []Checkpoint{older}},
		"another ring elsewhere":       {rings: []Checkpoint{other}},
		"an older one elsewhere":       {rings: []Checkpoint{other, older}},
		"of version 1":                 {here: Checkpoint{Generation: older.Generation, Nonce: older.Nonce}},
		"another ring here":            {other, []Checkpoint{other}, "the ring was exchanged"},
		"another here, this elsewhere": {other, []Checkpoint{other, now}, "the ring was exchanged"},
		"a newer one here":             {newer, []Checkpoint{newer}, "rolled back: it is at generation 3, and generation 4 was seen"},
		"a newer one elsewhere":        {Checkpoint{}, []Checkpoint{other, newer}, "rolled back: it is at generation 3, and generation 4 was seen"},
		"older here, newer elsewhere":  {older, []Checkpoint{newer}, "rolled back"},
		"a fork":                       {fork, []Checkpoint{fork}, "the ring is forked: it is at generation 3, and so was"},
		"a fork elsewhere":             {Checkpoint{}, []Checkpoint{fork}, "the ring is forked"},
		"a fork from further back":     {past, nil, "the ring is forked: it is at generation 3, and was not made from generation 2"},
	} {
		t.Run(name, func(t *testing.T) {
			memory := &testMemory{newest: c.here, rings: c.rings}
			cfg := cfg
			cfg.Memory = memory
			_, err := Open(t.Context(), cfg)
			if c.refused == "" {
				if err != nil || memory.newest != now {
					t.Errorf("%v, and the memory has %v; want %v", err, memory.newest, now)
				}
				return
			}
			wantError(t, err, ErrRollback)
			if memory.saves != 0 || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%d saves and %v, want none and %q", memory.saves, err, c.refused)
			}
		})
	}
}

// A ring of version 1 has no identity. In the place of a ring of version 2 it is a rollback.
func TestMemoryOfVersion2RefusesVersion1(t *testing.T) {
	golden := readTestdata(t, "rings/v1.ring")
	store := NewMemStore()
	must(store.Swap(t.Context(), "", golden))(t)
	memory := new(testMemory)
	cfg := Config{Store: store, KEK: must(NewKEK(readTestdata(t, "rings/v1.kek")))(t), Memory: memory}
	r := must(Open(t.Context(), cfg))(t)
	if memory.newest.Ring != "" {
		t.Fatalf("the memory has %v of a ring of version 1", memory.newest)
	}
	first := memory.newest
	writeGenerations(t, r, 1)
	if memory.newest.Ring == "" || memory.newest.Generation != first.Generation+1 {
		t.Fatalf("the memory has %v after a change", memory.newest)
	}
	put(t, store, golden)
	_, err := Open(t.Context(), cfg)
	wantError(t, err, ErrRollback)

	memory.newest.Generation = 1 // even if its number is higher
	_, err = Open(t.Context(), cfg)
	wantError(t, err, ErrRollback)
	if !strings.Contains(err.Error(), "in an old format") {
		t.Error(err)
	}
}

// A change is done even if its checkpoint cannot be saved. If it failed, the caller would repeat a
// revocation. Run saves the checkpoint later, and reports each failure.
func TestMemoryFailsAfterChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := new(testMemory)
		cfg := Config{Store: NewMemStore(), KEK: rawKey(t), Memory: memory}
		r := must(Create(t.Context(), cfg))(t)
		first := r.Checkpoint()
		memory.failSaves(errMemory)
		writeGenerations(t, r, 1)
		if r.Checkpoint() == first || memory.newest != first {
			t.Errorf("the ring is at %v and the memory at %v, want one change and none", r.Checkpoint(), memory.newest)
		}

		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var log reportLog
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
