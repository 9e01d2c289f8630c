package report

import (
	"bytes"
	"io"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Keys writes the timeline of the keys of a ring as a file. The policy of the ring says how
// long the states to come last. leftOut is how many keys that ended long ago are not among infos.
// The file holds kids, dates and the reasons of revocations, and no key.
func Keys(w io.Writer, infos []keyring.KeyInfo, leftOut int64, policy keyring.Policy, now time.Time) error {
	return file(w, frame{Title: "Keys of a ring", Brand: "sealjwt keys list", Heading: "Keys of a ring"}, now,
		func(b *bytes.Buffer) error {
			return templates.ExecuteTemplate(b, "keys.html", newKeysView(infos, leftOut, policy, now))
		})
}

// keysView is what keys.html shows.
type keysView struct {
	Uses    []useView
	Old     []keyView // ended keys without dates
	LeftOut string    // how many more
	Windows []windowView
	States  []keyring.State
}

type useView struct {
	ID, Title string
	Axis      axis
	Keys      []keyView
}

type keyView struct {
	Kid, Suite string
	Use        keys.Use
	State      keyring.State
	Private    string
	Since      moment
	Steps      []step
	Bars       []bar
	Says       string // the bars, for a screen reader
	Reason     string
	WrongDate  string
}

// step is a change of state, done or to come.
type step struct {
	What string
	At   moment
}

type windowView struct {
	What, Why string
	Length    string
}

var stateOrder = []keyring.State{keyring.Staged, keyring.Active, keyring.Retired, keyring.Destroyed, keyring.Revoked}

func newKeysView(infos []keyring.KeyInfo, leftOut int64, policy keyring.Policy, now time.Time) keysView {
	v := keysView{Windows: windowsOf(policy), States: stateOrder}
	if leftOut > 0 {
		v.LeftOut = console.Count(leftOut, "key")
	}
	for _, u := range []struct {
		use       keys.Use
		id, title string
	}{{keys.UseSig, "sig", "Signing keys"}, {keys.UseEnc, "enc", "Encryption keys"}} {
		var lives []life
		for _, k := range infos {
			if k.Use != u.use {
				continue
			}
			if k.Created.IsZero() && k.Ended.IsZero() {
				v.Old = append(v.Old, newKeyView(k, now))
				continue
			}
			lives = append(lives, lifeOf(k, policy, now))
		}
		if len(lives) == 0 {
			continue
		}
		slices.SortStableFunc(lives, func(a, b life) int { return rank(a.key.State) - rank(b.key.State) })
		x := axisOf(lives, now)
		view := useView{ID: u.id, Title: u.title, Axis: x}
		for _, l := range lives {
			k := newKeyView(l.key, now)
			k.Bars, k.Says = x.bars(l), l.says()
			view.Keys = append(view.Keys, k)
		}
		v.Uses = append(v.Uses, view)
	}
	return v
}

// rank returns the place of a state in the order of a table: keys in use first, ended keys last.
func rank(s keyring.State) int {
	return slices.Index([]keyring.State{keyring.Active, keyring.Staged, keyring.Retired, keyring.Revoked, keyring.Destroyed}, s)
}

func newKeyView(k keyring.KeyInfo, now time.Time) keyView {
	v := keyView{Kid: "-", Suite: "-", Use: k.Use, State: k.State, Private: "private half erased", Reason: console.Printable(k.Reason)}
	if k.ID != "" {
		v.Kid = console.Printable(console.Word(k.ID))
	}
	if k.Suite != 0 {
		v.Suite = k.Suite.String()
	}
	if k.HasPrivate {
		v.Private = "private half held"
	}
	if !k.WrongDate.IsZero() {
		v.WrongDate = k.WrongDate.UTC().Format(time.RFC3339)
	}
	if at := since(k); !at.IsZero() {
		v.Steps = append(v.Steps, step{string(k.State) + " since", momentOf(at, now)})
	}
	if k.Next != "" {
		// The date is rounded up to the second: the ring takes the step then or later.
		v.Steps = append(v.Steps, step{"next: " + string(k.Next) + ", not before", momentOf(k.NextAt.Add(time.Second-1).Truncate(time.Second), now)})
	}
	return v
}

// since returns when the key came into its present state.
func since(k keyring.KeyInfo) time.Time {
	switch k.State {
	case keyring.Active:
		return k.Activated
	case keyring.Retired:
		return k.Retired
	case keyring.Destroyed, keyring.Revoked:
		return k.Ended
	}
	return k.Created
}

func windowsOf(p keyring.Policy) []windowView {
	w := p.Windows()
	return []windowView{
		{"Signing key, staged to active", "the public half must reach every verifier", whole(w.SignAhead)},
		{"Signing key, retired to destroyed", "the last token must be dead", whole(w.SignKept)},
		{"Encryption key, staged to active", "the private half must reach every opener", whole(w.EncAhead)},
		{"Encryption key, retired to destroyed", "the last stale sealer, and its last token", whole(w.EncKept)},
		{"Signing key, active", "its cryptoperiod", whole(p.Sig.Period)},
		{"Encryption key, active", "its cryptoperiod", whole(p.Enc.Period)},
		{"Longest lifetime of a token", "", whole(p.TokenLifetime)},
	}
}
