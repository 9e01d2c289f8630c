package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

const day = 24 * time.Hour

func ago(d time.Duration) time.Time { return testNow.Add(-d) }

func ahead(d time.Duration) time.Time { return testNow.Add(d) }

// TestLife draws the states of keys, done and to come. The windows of the default policy are
// 25 h 2 min, 2 h 3 min, 61 min and 26 h 4 min, the periods 30 and 90 days.
func TestLife(t *testing.T) {
	const kept, encKept = 2*time.Hour + 3*time.Minute, 26*time.Hour + 4*time.Minute
	never := time.Time{}
	for name, test := range map[string]struct {
		key  keyring.KeyInfo
		want []phase
	}{
		"staged": {
			keyring.KeyInfo{Use: keys.UseSig, State: keyring.Staged, Created: ago(day), Next: keyring.Activate, NextAt: ahead(2 * day)},
			[]phase{{keyring.Staged, ago(day), ahead(2 * day)}, {keyring.Active, ahead(2 * day), ahead(32 * day)}, {keyring.Retired, ahead(32 * day), ahead(32*day + kept)}, {keyring.Destroyed, ahead(32*day + kept), never}},
		},
		"staged, overdue": {
			keyring.KeyInfo{Use: keys.UseEnc, State: keyring.Staged, Created: ago(9 * day), Next: keyring.Activate, NextAt: ago(day)},
			[]phase{{keyring.Staged, ago(9 * day), testNow}, {keyring.Active, testNow, ahead(90 * day)}, {keyring.Retired, ahead(90 * day), ahead(90*day + encKept)}, {keyring.Destroyed, ahead(90*day + encKept), never}},
		},
		"active, with a successor": {
			keyring.KeyInfo{Use: keys.UseSig, State: keyring.Active, Created: ago(9 * day), Activated: ago(8 * day), Next: keyring.Retire, NextAt: ahead(5 * day)},
			[]phase{{keyring.Staged, ago(9 * day), ago(8 * day)}, {keyring.Active, ago(8 * day), ahead(5 * day)}, {keyring.Retired, ahead(5 * day), ahead(5*day + kept)}, {keyring.Destroyed, ahead(5*day + kept), never}},
		},
		"active, without a successor": {
			keyring.KeyInfo{Use: keys.UseEnc, State: keyring.Active, Created: ago(8 * day), Activated: ago(8 * day)},
			[]phase{{keyring.Active, ago(8 * day), ahead(82 * day)}, {keyring.Retired, ahead(82 * day), ahead(82*day + encKept)}, {keyring.Destroyed, ahead(82*day + encKept), never}},
		},
		"active for too long": {
			keyring.KeyInfo{Use: keys.UseSig, State: keyring.Active, Created: ago(80 * day), Activated: ago(80 * day)},
			[]phase{{keyring.Active, ago(80 * day), testNow}, {keyring.Retired, testNow, ahead(kept)}, {keyring.Destroyed, ahead(kept), never}},
		},
		"retired": {
			keyring.KeyInfo{Use: keys.UseSig, State: keyring.Retired, Created: ago(40 * day), Activated: ago(39 * day), Retired: ago(time.Hour), Next: keyring.MarkDue, NextAt: ahead(time.Hour)},
			[]phase{{keyring.Staged, ago(40 * day), ago(39 * day)}, {keyring.Active, ago(39 * day), ago(time.Hour)}, {keyring.Retired, ago(time.Hour), ahead(time.Hour)}, {keyring.Destroyed, ahead(time.Hour), never}},
		},
		"destroyed": {
			keyring.KeyInfo{Use: keys.UseSig, State: keyring.Destroyed, Created: ago(40 * day), Activated: ago(39 * day), Retired: ago(9 * day), Ended: ago(8 * day)},
			[]phase{{keyring.Staged, ago(40 * day), ago(39 * day)}, {keyring.Active, ago(39 * day), ago(9 * day)}, {keyring.Retired, ago(9 * day), ago(8 * day)}, {keyring.Destroyed, ago(8 * day), never}},
		},
		"revoked while active": {
			keyring.KeyInfo{Use: keys.UseSig, State: keyring.Revoked, Created: ago(40 * day), Activated: ago(39 * day), Ended: ago(8 * day)},
			[]phase{{keyring.Staged, ago(40 * day), ago(39 * day)}, {keyring.Active, ago(39 * day), ago(8 * day)}, {keyring.Revoked, ago(8 * day), never}},
		},
		"revoked while staged": {
			keyring.KeyInfo{Use: keys.UseSig, State: keyring.Revoked, Created: ago(40 * day), Ended: ago(8 * day)},
			[]phase{{keyring.Staged, ago(40 * day), ago(8 * day)}, {keyring.Revoked, ago(8 * day), never}},
		},
		"revoked while retired": {
			keyring.KeyInfo{Use: keys.UseEnc, State: keyring.Revoked, Created: ago(40 * day), Activated: ago(40 * day), Retired: ago(9 * day), Ended: ago(8 * day)},
			[]phase{{keyring.Active, ago(40 * day), ago(9 * day)}, {keyring.Retired, ago(9 * day), ago(8 * day)}, {keyring.Revoked, ago(8 * day), never}},
		},
		"end alone": {
			keyring.KeyInfo{Use: keys.UseSig, State: keyring.Destroyed, Ended: ago(8 * day)}, []phase{{keyring.Destroyed, ago(8 * day), never}},
		},
	} {
		if got := lifeOf(test.key, policy(t), testNow).phases; !slices.Equal(got, test.want) {
			t.Errorf("%s:\n%v\nand not\n%v", name, got, test.want)
		}
	}
}

// TestBars cuts the phases at now, and at the ends of the axis.
func TestBars(t *testing.T) {
	x := axis{from: ago(10 * day), to: ahead(10 * day), now: testNow}
	got := x.bars(life{phases: []phase{
		{keyring.Staged, ago(90 * day), ago(20 * day)}, {keyring.Active, ago(20 * day), ahead(5 * day)},
		{keyring.Retired, ahead(5 * day), ahead(5*day + time.Minute)}, {keyring.Destroyed, ahead(6 * day), time.Time{}},
	}})
	want := []bar{
		{"0.00%", "50.00%", keyring.Active, false, 1, 16}, {"50.00%", "25.00%", keyring.Active, true, 1, 16},
		{"75.00%", "0.40%", keyring.Retired, true, 5, 8}, {"80.00%", "20.00%", keyring.Destroyed, true, 8, 2},
	}
	if !slices.Equal(got, want) {
		t.Errorf("the bars are\n%v\nand not\n%v", got, want)
	}
}

// TestAxis spans the keys that are in use, with dates that a reader can tell apart.
func TestAxis(t *testing.T) {
	for _, span := range []time.Duration{0, time.Minute, time.Hour, day, 7 * day, 90 * day, 3 * 365 * day, 50 * 365 * day} {
		x := axisOf([]life{
			{keyring.KeyInfo{State: keyring.Active}, []phase{{keyring.Active, ago(span), ahead(span)}, {keyring.Retired, ahead(span), time.Time{}}}},
			{keyring.KeyInfo{State: keyring.Destroyed}, []phase{{keyring.Destroyed, ago(9 * 365 * day), time.Time{}}}},
		}, testNow)
		if x.from.After(ago(span)) || !x.to.After(ahead(span)) || span > day && x.to.Sub(x.from) > 5*span/2 {
			t.Errorf("%v: the axis spans %v to %v", span, x.from, x.to)
		}
		var labels []string
		for _, tick := range x.Ticks {
			if slices.Contains(labels, tick.Label) {
				t.Errorf("%v: two dates are %s", span, tick.Label)
			}
			labels = append(labels, tick.Label)
		}
		if len(labels) > 8 || len(labels) < 2 && span > 0 {
			t.Errorf("%v: the dates are %q", span, labels)
		}
	}
}

func TestKeys(t *testing.T) {
	text := shown(keysFile(t, []keyring.KeyInfo{
		{ID: "ancient", Use: keys.UseSig, State: keyring.Revoked},
		{ID: "gone", Use: keys.UseSig, Suite: keys.ES256, State: keyring.Destroyed, Created: ago(40 * day), Activated: ago(39 * day), Retired: ago(9 * day), Ended: ago(8 * day)},
		{ID: "stolen", Use: keys.UseSig, Suite: keys.ES256, State: keyring.Revoked, Created: ago(40 * day), Activated: ago(39 * day), Ended: ago(30 * day), Reason: "laptop lost\u202e"},
		{ID: "now", Use: keys.UseSig, Suite: keys.ES256, State: keyring.Active, HasPrivate: true, Created: ago(40 * day), Activated: ago(9 * day), Next: keyring.Retire, NextAt: ahead(5*day + time.Millisecond)},
		{ID: "", Use: keys.UseEnc, Suite: keys.ECDHES, State: keyring.Active, HasPrivate: true, Created: ago(9 * day), Activated: ago(9 * day), WrongDate: ahead(900 * day)},
	}))
	text = strings.Join(strings.Fields(text), " ")
	for _, want := range []string{
		"Signing keys", "Encryption keys", "nowactiveES256, private half held", "active since 2026-11-21T12:00:00Z 9 d ago", "next: retire, not before 2026-12-05T12:00:01Z in 5 d",
		"destroyed since 2026-11-22T12:00:00Z 8 d ago", `reason: laptop lost\u202e`, "A clock is wrong, here or on another host. The key has the date: 2029-05-18T12:00:00Z",
		"Keys that ended long ago", "ancient", "staged to activethe public half must reach every verifier1 d 1 h 2 min", "2 h 3 min", "1 h 1 min", "1 d 2 h 4 min", "30 d", "90 d",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the file lacks %q:\n%s", want, text)
		}
	}
	// Keys in use come first, those that ended last.
	if now, stolen, gone := strings.Index(text, "nowactive"), strings.Index(text, "stolen"), strings.Index(text, "gone"); now > stolen || stolen > gone {
		t.Errorf("the keys stand at %d, %d, %d", now, stolen, gone)
	}
	html := keysFile(t, []keyring.KeyInfo{{ID: "a", Use: keys.UseSig, State: keyring.Destroyed, Created: ago(40 * day), Activated: ago(39 * day), Retired: ago(9 * day), Ended: ago(8 * day)}})
	if want := `aria-label="staged from 2026-10-21 to 2026-10-22; active from 2026-10-22 to 2026-11-21; retired from 2026-11-21 to 2026-11-22; destroyed from 2026-11-22"`; !strings.Contains(html, want) {
		t.Errorf("the file lacks %s", want)
	}
	if none := shown(keysFile(t, nil)); strings.Contains(none, "Signing keys") || !strings.Contains(none, "Windows of the policy") {
		t.Errorf("without keys the file is\n%s", none)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		time.Second:                     {"1 s", "1 s"},
		90 * time.Second:                {"1 min 30 s", "1 min 30 s"},
		time.Hour:                       {"1 h", "1 h"},
		time.Hour + 30*time.Second:      {"1 h", "1 h 30 s"},
		25*time.Hour + 2*time.Minute:    {"1 d 1 h", "1 d 1 h 2 min"},
		400 * day:                       {"1 y 35 d", "400 d"},
		2*time.Hour + 3*time.Minute + 4: {"2 h 3 min", "2 h 3 min"},
	} {
		if got := [2]string{span(d), whole(d)}; got != want {
			t.Errorf("%v is %q", d, got)
		}
	}
	if got := momentOf(testNow, testNow); got.Away != "" {
		t.Errorf("now is %q", got.Away)
	}
	if got := fmt.Sprint(momentOf(ahead(time.Minute), testNow), momentOf(ago(time.Minute), testNow)); got != "{2026-11-30T12:01:00Z in 1 min} {2026-11-30T11:59:00Z 1 min ago}" {
		t.Error(got)
	}
}
