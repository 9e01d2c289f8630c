package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

func TestStepText(t *testing.T) {
	for want, s := range map[string]keyring.Step{
		"stage a new enc key":        {Action: keyring.Stage, Use: keys.UseEnc},
		"stage the new enc key k":    {Action: keyring.Stage, Use: keys.UseEnc, KeyID: "k"},
		`activate the sig key "k k"`: {Action: keyring.Activate, Use: keys.UseSig, KeyID: "k k"},
		"destroy the sig key k":      {Action: keyring.Destroy, Use: keys.UseSig, KeyID: "k"},
		"clear the mark on the enc key k, set by a clock that is ahead": {Action: keyring.ClearDue, Use: keys.UseEnc, KeyID: "k"},
	} {
		if got := stepText(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	// Every step that the library knows has a sentence of its own.
	for _, action := range []keyring.Action{keyring.Stage, keyring.Activate, keyring.MarkDue, keyring.ClearDue, keyring.Destroy} {
		if got := stepText(keyring.Step{Action: action, Use: keys.UseSig}); got == string(action) {
			t.Errorf("%s has no text", action)
		}
	}
}

// A future time is never shown too early.
func TestNotBeforeText(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 1, time.FixedZone("", 3600))
	if got := notBeforeText(at); got != "2026-01-31T11:00:01Z" {
		t.Error(got)
	}
	if got := notBeforeText(at.Truncate(time.Second)); got != "2026-01-31T11:00:00Z" {
		t.Error(got)
	}
}

func TestImpact(t *testing.T) {
	info := func(use keys.Use, state keyring.State, private bool) keyring.KeyInfo {
		return keyring.KeyInfo{ID: "k", Use: use, State: state, HasPrivate: private}
	}
	for _, c := range []struct {
		before, after keyring.KeyInfo
		want          string // empty: the change affects no other party
	}{
		{info(keys.UseSig, keyring.Active, true), info(keys.UseSig, keyring.Revoked, false), "and may refuse new ones"},
		{info(keys.UseSig, keyring.Retired, false), info(keys.UseSig, keyring.Revoked, false), "still take them"},
		{info(keys.UseSig, keyring.Staged, true), info(keys.UseSig, keyring.Revoked, false), "still take them"}, // the key was published
		{info(keys.UseSig, keyring.Destroyed, false), info(keys.UseSig, keyring.Revoked, false), ""},
		{info(keys.UseEnc, keyring.Active, true), info(keys.UseEnc, keyring.Revoked, true), "still open, until"},
		{info(keys.UseEnc, keyring.Retired, true), info(keys.UseEnc, keyring.Revoked, true), "still open, until"},
		{info(keys.UseEnc, keyring.Active, true), info(keys.UseEnc, keyring.Revoked, false), "cannot be opened any more"},
		{info(keys.UseEnc, keyring.Revoked, true), info(keys.UseEnc, keyring.Revoked, false), "cannot be opened any more"},
		{info(keys.UseEnc, keyring.Staged, true), info(keys.UseEnc, keyring.Revoked, false), ""},
		{info(keys.UseEnc, keyring.Destroyed, false), info(keys.UseEnc, keyring.Revoked, false), ""},
		{keyring.KeyInfo{ID: "other"}, info(keys.UseSig, keyring.Active, true), ""},
	} {
		lines := impact([]keyring.KeyInfo{c.before}, []keyring.KeyInfo{c.after}, keyring.Policy{})
		if (len(lines) == 0) != (c.want == "") || len(lines) > 0 && !strings.Contains(lines[0], c.want) {
			t.Errorf("%s %s: %q, want %q", c.before.State, c.before.Use, lines, c.want)
		}
	}
}

// Every figure of a policy has a flag, and the flag changes that figure only.
func TestPolicyFigures(t *testing.T) {
	newHome(t)
	policy, err := keytest.NewRing().Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range policyFigures {
		want := *f.field(&policy) + time.Second
		text := (*lifetime)(&want).String()
		if slices.Contains([]string{"clock-skew"}, f.flag) { // alone it contradicts the leeway
			runOK(t, "", "keys", "policy", "set", "--"+f.flag, text, "--leeway", "2m")
		} else {
			runOK(t, "", "keys", "policy", "set", "--"+f.flag, text)
		}
		out, _ := runOK(t, "", "keys", "policy", "show", "-o", "json")
		var shown struct{ Policy map[string]any }
		if err := json.Unmarshal([]byte(out), &shown); err != nil {
			t.Fatal(err)
		}
		if got := shown.Policy[strings.ReplaceAll(f.flag, "-", "_")]; got != want.Seconds() {
			t.Errorf("--%s %s: it is %v", f.flag, text, got)
		}
	}
}
