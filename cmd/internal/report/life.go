package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// life is the states of one key, one after the other.
type life struct {
	key    keyring.KeyInfo
	phases []phase
}

// phase is a time that a key spends in one state. A phase that begins after the time of the
// report is planned. The last phase never ends; its to is the zero time.
type phase struct {
	state    keyring.State
	from, to time.Time
}

// lifeOf returns the states that a key went through, and those that the rotation plans for it. A
// planned state begins at the earliest time that the policy allows.
func lifeOf(k keyring.KeyInfo, p keyring.Policy, now time.Time) life {
	w := p.Windows()
	period, kept := p.Sig.Period, w.SignKept
	if k.Use == keys.UseEnc {
		period, kept = p.Enc.Period, w.EncKept
	}
	activated, retired, ended := k.Activated, k.Retired, k.Ended
	final := keyring.Destroyed
	if k.State == keyring.Revoked {
		final = keyring.Revoked
	}
	switch k.State { // the steps that are still to come
	case keyring.Staged:
		activated = later(k.NextAt, now)
		retired = activated.Add(period)
		ended = retired.Add(kept)
	case keyring.Active:
		retired = k.NextAt
		if k.Next != keyring.Retire {
			retired = activated.Add(period)
		}
		retired = later(retired, now)
		ended = retired.Add(kept)
	case keyring.Retired:
		ended = later(k.NextAt, now)
	}
	l := life{key: k}
	begun := k.Created
	for _, next := range []struct {
		state keyring.State // the state that ends at the time at
		at    time.Time
	}{{keyring.Staged, activated}, {keyring.Active, retired}, {keyring.Retired, ended}} {
		if begun.IsZero() {
			begun = next.at
			continue
		}
		if next.at.IsZero() { // the key ended before this step
			if begun != ended && !ended.IsZero() {
				l.phases = append(l.phases, phase{next.state, begun, ended})
				begun = ended
			}
			continue
		}
		if next.at.After(begun) {
			l.phases = append(l.phases, phase{next.state, begun, next.at})
			begun = next.at
		}
	}
	if !ended.IsZero() {
		l.phases = append(l.phases, phase{final, ended, time.Time{}})
	}
	return l
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// says returns the phases in words.
func (l life) says() string {
	var list []string
	for _, p := range l.phases {
		text := fmt.Sprintf("%s from %s", p.state, p.from.UTC().Format(time.DateOnly))
		if !p.to.IsZero() {
			text += " to " + p.to.UTC().Format(time.DateOnly)
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}
