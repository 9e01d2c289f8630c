package storetest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

func TestGoodStore(t *testing.T) {
	Run(t, func(*testing.T) keyring.Store { return newStore("") })
	RunShared(t, func(*testing.T) (a, b keyring.Store) {
		s := newStore("")
		return &handle{place: s.place}, s
	})
}

// faults are the mistakes that stores make, and the checks that must find them.
var faults = map[string]string{
	"empty store has an empty ring":   "LoadOfNothing",
	"create overwrites":               "CreateOnce",
	"create of the same bytes":        "CreateOnce",
	"version stays the same":          "Replace",
	"swap returns another version":    "Replace",
	"version is ignored":              "StaleVersion",
	"writes, then reports a conflict": "StaleVersion",
	"swap creates":                    "VersionOnEmptyStore",
	"trims white space":               "OpaqueBytes",
	"keeps the longer tail":           "Sizes",
	"keeps the slice of the caller":   "CallerKeepsItsSlices",
	"returns its own slice":           "CallerKeepsItsSlices",
	"ignores the context":             "CancelledContext",
	"writes, then looks at ctx":       "CancelledContext",
	"checks outside the lock":         "OneWinner",
	"conflicts for ever":              "NoLostUpdate",
}

// A suite that cannot fail proves nothing. Each fault runs in a process of its
// own, because the test has to fail there.
func TestFaultsAreFound(t *testing.T) {
	for fault, check := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestVictim$", "-test.v")
			cmd.Env = append(os.Environ(), "STORETEST_FAULT="+fault)
			out, err := cmd.CombinedOutput()
			if want := "--- FAIL: TestVictim/" + check; err == nil || !strings.Contains(string(out), want) {
				t.Errorf("%v, want %q in\n%s", err, want, out)
			}
		})
	}
}

func TestVictim(t *testing.T) {
	fault := os.Getenv("STORETEST_FAULT")
	if fault == "" {
		t.Skip("run by TestFaultsAreFound")
	}
	Run(t, func(*testing.T) keyring.Store { return newStore(fault) })
}

// handle is a store with at most one fault.
type handle struct {
	*place
	fault string
}

type place struct {
	mu  sync.Mutex
	doc []byte
	n   int
}

func newStore(fault string) *handle { return &handle{new(place), fault} }

func (h *handle) Load(ctx context.Context) ([]byte, string, error) {
	if err := ctx.Err(); err != nil && h.fault != "ignores the context" {
		return nil, "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.n == 0 && h.fault == "empty store has an empty ring":
		return nil, "", nil
	case h.n == 0:
		return nil, "", keyring.ErrNoRing
	case h.fault == "returns its own slice":
		return h.doc, h.version(), nil
	}
	return bytes.Clone(h.doc), h.version(), nil
}

func (h *handle) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		if h.fault == "writes, then looks at ctx" {
			h.put(doc)
		}
		if h.fault != "ignores the context" {
			return "", err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conflict(prev, doc) {
		if h.fault == "writes, then reports a conflict" {
			h.put(doc)
		}
		return "", keyring.ErrConflict
	}
	if h.fault == "checks outside the lock" {
		h.mu.Unlock()
		time.Sleep(time.Millisecond)
		h.mu.Lock()
	}
	h.put(doc)
	if h.fault == "swap returns another version" {
		return h.version() + "+", nil
	}
	return h.version(), nil
}

func (h *handle) conflict(prev string, doc []byte) bool {
	switch h.fault {
	case "create overwrites":
		return prev != h.version() && prev != ""
	case "create of the same bytes":
		return prev != h.version() && !(prev == "" && bytes.Equal(doc, h.doc))
	case "version is ignored":
		return prev == "" && h.n > 0
	case "swap creates":
		return prev != h.version() && h.n > 0
	case "conflicts for ever":
		return prev != h.version() || h.n == 3
	}
	return prev != h.version()
}

func (h *handle) put(doc []byte) {
	if h.fault == "trims white space" {
		doc = bytes.TrimSpace(doc)
	}
	if h.fault == "keeps the longer tail" && len(doc) < len(h.doc) {
		doc = append(bytes.Clone(doc), h.doc[len(doc):]...)
	}
	if h.fault != "keeps the slice of the caller" {
		doc = bytes.Clone(doc)
	}
	h.doc = doc
	h.n++
}

func (h *handle) version() string {
	switch {
	case h.n == 0:
		return ""
	case h.fault == "version stays the same":
		return "v"
	}
	return strconv.Itoa(h.n)
}
