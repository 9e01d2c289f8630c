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
	RunShared(t, func(*testing.T) func() keyring.Store { return shared("") })
}

// faults maps each mistake of a store to the check that must find it.
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
	"a replica lags":                  "FreshReads",
	"a replica lags now and then":     "FreshReads",
}

// The suite must find each fault. Each runs in a process of its own, because the test fails there.
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
			// Only this check finds a handle that reads late.
			if n := strings.Count(string(out), "--- FAIL: TestVictim/"); check == "FreshReads" && n != 1 {
				t.Errorf("%d checks fail, want FreshReads alone\n%s", n, out)
			}
		})
	}
}

func TestVictim(t *testing.T) {
	fault := os.Getenv("STORETEST_FAULT")
	if fault == "" {
		t.Skip("run by TestFaultsAreFound")
	}
	if faults[fault] == "FreshReads" {
		RunShared(t, func(*testing.T) func() keyring.Store { return shared(fault) })
		return
	}
	Run(t, func(*testing.T) keyring.Store { return newStore(fault) })
}

// handle is a store with at most one fault.
type handle struct {
	*place
	fault string

	number int    // number of the handle on its place, from 0
	loads  int    // guarded by place
	old    []byte // the document of the last Load
	oldN   int
}

type place struct {
	mu  sync.Mutex
	doc []byte
	n   int
}

func newStore(fault string) *handle { return &handle{place: new(place), fault: fault} }

// shared returns a function that opens handles on one place.
func shared(fault string) func() keyring.Store {
	at, n := new(place), -1
	return func() keyring.Store {
		n++
		return &handle{place: at, fault: fault, number: n}
	}
}

// late reports whether this Load repeats the answer of the last one. The leader has the first two
// handles.
func (h *handle) late() bool {
	h.loads++
	switch h.fault {
	case "a replica lags":
		return h.number == 6 && h.loads%2 == 0
	case "a replica lags now and then": // as NATS with three replicas does: 564 of 24,582
		return h.number >= 2 && h.loads%44 == 0
	}
	return false
}

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
	case h.late():
		return bytes.Clone(h.old), strconv.Itoa(h.oldN), nil
	}
	h.old, h.oldN = bytes.Clone(h.doc), h.n
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
