package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// An error keeps the ring from rotating. The server reports it when it begins and every hour,
// though it tries every second. After a step, or a time without errors, the next error counts as
// new.
func TestRotationIsReported(t *testing.T) {
	errs := new(bytes.Buffer)
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	report := (&App{Console: console.New("sealjwt", nil, nil, errs)}).reportSteps(func() time.Time { return at })
	down, locked := errors.New("the disk is full"), errors.New("it is locked")
	said := func(what string, want ...string) {
		t.Helper()
		var text strings.Builder
		for _, line := range want {
			text.WriteString("sealjwt: " + line + "\n")
		}
		if got := errs.String(); got != text.String() {
			t.Errorf("%s: %q, want %q", what, got, text.String())
		}
		errs.Reset()
	}
	fails := func(err error, lasting time.Duration) {
		for end := at.Add(lasting); at.Before(end); at = at.Add(10 * time.Second) {
			report(keyring.Step{}, err)
		}
	}
	const full = "warning: the rotation waits: the disk is full"
	fails(down, time.Hour)
	said("an outage", full)
	fails(down, 2*time.Hour)
	said("two hours more", full, full)
	fails(locked, time.Minute)
	said("another", "warning: the rotation waits: it is locked")
	fails(down, time.Minute)
	said("the first again", full)
	at = at.Add(2 * recoveredAfter) // no step was due
	fails(down, time.Minute)
	said("a second outage", full)
	report(keyring.Step{Action: keyring.Destroy, Use: keys.UseSig, KeyID: "old"}, nil)
	fails(down, time.Minute)
	said("a step", "rotated: destroy the sig key old", full)
}
