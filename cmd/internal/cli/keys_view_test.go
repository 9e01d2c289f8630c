package cli

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

var viewNow = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return viewNow.Add(time.Duration(n) * 24 * time.Hour) }

// viewed returns the keys of a ring of some age.
func viewed(enc keys.Suite) []keyring.KeyInfo {
	return []keyring.KeyInfo{
		{ID: "old-tombstone-01", Use: keys.UseSig, State: keyring.Destroyed},
		{ID: "fresh-tombstone1", Use: keys.UseSig, Suite: keys.ES256, State: keyring.Revoked, Created: day(-60), Activated: day(-50), Ended: day(-2)},
		{ID: "WeZv6N6DwXO_9HwH", Use: keys.UseEnc, Suite: enc, State: keyring.Retired, HasPrivate: true, Created: day(-130), Activated: day(-100), Retired: day(-1), Next: keyring.MarkDue, NextAt: viewNow.Add(26 * time.Hour)},
		{ID: "Zi8IRd91EIMoHxqv", Use: keys.UseEnc, Suite: enc, State: keyring.Active, HasPrivate: true, Created: day(-100), Activated: day(-1), Next: keyring.Retire, NextAt: day(89)},
		{ID: "pIeeAcr1EUa_5uut", Use: keys.UseSig, Suite: keys.ES256, State: keyring.Active, HasPrivate: true, Created: day(-30), Activated: day(-10), Next: keyring.Retire, NextAt: day(20)},
		{ID: "dCxPFUEkxXYfMd2E", Use: keys.UseSig, Suite: keys.ES256, State: keyring.Staged, HasPrivate: true, Created: day(-10), Next: keyring.Activate, NextAt: day(20)},
	}
}

// The table fits the terminal, also the narrowest that the help names. A narrow terminal shows
// fewer columns, but always those that a person must not misread: kid, use and state.
func TestKeyTableFits(t *testing.T) {
	for _, width := range []int{32, 40, 60, 80, 100, 140} {
		for _, enc := range []keys.Suite{keys.ECDHES, keys.ECDHESA256KWX25519} {
			table := string(keyTableWithin(viewed(enc), viewNow, width))
			if got := widest([]byte(table)); got > width {
				t.Errorf("%d columns of %d:\n%s", got, width, table)
			}
			for _, want := range []string{"KID", "USE", "STATE", "NEXT", "WeZv6N6DwXO_9HwH", "revoked", "activate"} {
				if width < 60 && (want == "NEXT" || want == "activate") {
					continue
				}
				if !strings.Contains(table, want) {
					t.Errorf("%d columns: no %s in\n%s", width, want, table)
				}
			}
		}
	}
	wide := string(keyTableWithin(viewed(keys.ECDHES), viewNow, 140))
	for _, want := range []string{"2026-11-29T12:00:00Z", "89d", "erased", "retire 2027-02-27 (89d)", "mark-due 2026-12-01 (1d)"} {
		if !strings.Contains(wide, want) {
			t.Errorf("no %s in\n%s", want, wide)
		}
	}
}

// The table, the timeline and the report leave out the same keys, and say how many.
func TestOldKeysAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newHome(t)
		runOK(t, "", "keys", "revoke", "--all", "--erase", "--reason", "a drill")
		time.Sleep(hiddenAfter + time.Hour)
		for _, form := range [][]string{nil, {"--timeline"}, {"-o", "html"}} {
			few, said := runOK(t, "", append([]string{"keys", "list"}, form...)...)
			all, none := runOK(t, "", append([]string{"keys", "list", "--all"}, form...)...)
			if report := len(form) == 2; report {
				said, none = few, all
				few, _, _ = strings.Cut(few, `id="legend"`)
				all, _, _ = strings.Cut(all, `id="legend"`)
			}
			if !strings.Contains(strings.ToLower(said), "left out: 4 keys that ended more than 30 days ago") || strings.Contains(strings.ToLower(none), "left out") {
				t.Errorf("%q says %q, and with --all %q", form, said, none)
			}
			if n := len(kids(all)) - len(kids(few)); n != 4 {
				t.Errorf("%q leaves out %d keys:\n%s", form, n, few)
			}
		}
	})
}

// kids returns the kids that stand in a text.
func kids(text string) map[string]bool {
	found := make(map[string]bool)
	for _, match := range regexp.MustCompile(`(?m)(?:^|class="kid">)([\w-]{16})[\s<]`).FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return found
}

// A step within a day has its time, and a step that is late says so.
func TestNextText(t *testing.T) {
	for at, want := range map[time.Time]string{
		day(29): "retire 2026-12-29 (29d)", viewNow.Add(3 * time.Hour): "retire 15:00Z (3h)", viewNow: "retire is due", day(-1): "retire is due",
	} {
		if got := nextText(keyring.KeyInfo{Next: keyring.Retire, NextAt: at}, viewNow); got != want {
			t.Errorf("%v: %s, want %s", at, got, want)
		}
	}
	if got := nextText(keyring.KeyInfo{}, viewNow); got != "-" {
		t.Error(got)
	}
}

func TestSortKeys(t *testing.T) {
	var order []string
	for _, k := range sortKeys(viewed(keys.ECDHES)) {
		order = append(order, fmt.Sprint(k.Use, " ", k.State))
	}
	if got := strings.Join(order, ", "); got != "sig active, sig staged, enc retired, enc active, sig destroyed, sig revoked" {
		t.Error(got)
	}
}

func TestCoarse(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0s", 0: "0s", 59 * time.Second: "59s", time.Minute: "1m", 25 * time.Hour: "1d", 90 * time.Minute: "1h", 400 * 24 * time.Hour: "400d"} {
		if got := coarse(d); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}

// Each line fits. The present has one column, and a key is drawn in the order of its states.
func TestTimeline(t *testing.T) {
	infos := sortKeys(viewed(keys.ECDHES))
	policy := keyring.Policy{TokenLifetime: time.Hour, Sig: keyring.UsePolicy{Period: 30 * 24 * time.Hour}, Enc: keyring.UsePolicy{Period: 90 * 24 * time.Hour}}
	for _, width := range []int{20, 21, 30, 43, 44, 60, 80, 120} {
		drawn := string(drawTimeline(infos, policy, viewNow, width))
		if got := widest([]byte(drawn)); got > width {
			t.Errorf("%d columns of %d:\n%s", got, width, drawn)
		}
		column := -1
		for line := range strings.Lines(drawn) {
			if !strings.Contains(line, "  sig  ") && !strings.Contains(line, "  enc  ") {
				break
			}
			at := len([]rune(line[:strings.IndexByte(line, '|')]))
			if column < 0 {
				column = at
			}
			if at != column {
				t.Errorf("now stands at %d and at %d:\n%s", column, at, drawn)
			}
		}
	}
	const want = `pIeeAcr1EUa_5uut  sig                                .......===|=====-
dCxPFUEkxXYfMd2E  sig                                       ...|.....=========-
WeZv6N6DwXO_9HwH  enc  .........==============================-|
Zi8IRd91EIMoHxqv  enc           ..............................=|==========================-
old-tombstone-01  sig                                          |
fresh-tombstone1  sig                       ...===============x|
                       2026-07-23                             now                2027-02-28
. staged = active - retired x ended | now: 2026-11-30T12:00:00Z
`
	if drawn := string(drawTimeline(infos, policy, viewNow, 91)); drawn != want {
		t.Errorf("drawn:\n%s", drawn)
	}
	if drawn := string(drawTimeline(nil, policy, viewNow, 80)); !strings.Contains(drawn, "now: 2026-11-30T12:00:00Z") {
		t.Errorf("without keys:\n%s", drawn)
	}
}

// A line explains a gap in the generations where it occurs.
func TestLogGaps(t *testing.T) {
	at := func(generation uint64) keyring.Event {
		return keyring.Event{Time: day(-1), Generation: generation, By: "a@b", What: "stage"}
	}
	for _, c := range []struct {
		events []keyring.Event
		want   string
	}{
		{[]keyring.Event{at(5), at(5), at(6)}, ""},
		{[]keyring.Event{at(5), at(8)}, " 6-7 "},
		{[]keyring.Event{at(5), at(7)}, " 6 "},
		{[]keyring.Event{at(5)}, ""}, // older entries are gone, as the help says
	} {
		table := string(logTable(c.events, viewNow))
		if got := strings.Count(table, notLogged); (got == 1) != (c.want != "") || !strings.Contains(table, c.want) || !strings.Contains(table, " 1d ") {
			t.Errorf("%v:\n%s", c.want, table)
		}
	}
}
