package peers

import (
	"os"
	"testing"
)

// guards are the exact allocations of sealing and opening, minus the allocations of the floor. The
// test notices an added allocation, and asks to record a saved one.
var guards = map[benchSuite][2]float64{
	benchSuites[0]: {3, 0},
	benchSuites[1]: {2, -2},
}

// TestGuard fails if sealing or opening has become too slow, compared with the floor in one run.
// The best of three tries counts: a shared machine makes code slower and never faster.
func TestGuard(t *testing.T) {
	if os.Getenv("SEALJWT_GUARD") == "" {
		t.Skip("set SEALJWT_GUARD=1 to hold the speed against the floor; it takes some seconds, and an idle machine")
	}
	for suite, allowed := range guards {
		all, token := contenders(t, newBenchKeys(t, suite), 512, false)
		checkGuardAllocations(t, suite, all, token, allowed)
		const most, tries = 1.20, 3
		var sealed, opened float64
		for try := range tries {
			s, o := raceBoth(t, all[:2], token)
			if try == 0 || s[1].median < sealed {
				sealed = s[1].median
			}
			if try == 0 || o[1].median < opened {
				opened = o[1].median
			}
			if sealed <= most && opened <= most {
				break
			}
		}
		t.Logf("%v, 512 B: seal %.2f, open %.2f of the floor", suite, sealed, opened)
		if sealed > most || opened > most {
			t.Errorf("%v: more than %.2f of the floor", suite, most)
		}
	}
}

func checkGuardAllocations(t *testing.T, suite benchSuite, all []contender, token string, allowed [2]float64) {
	t.Helper()
	count := func(c contender) [2]float64 {
		return [2]float64{
			allocations(t, func() error { _, err := c.seal(); return err }),
			allocations(t, func() error { _, err := c.open(token); return err }),
		}
	}
	floor, ours := count(all[0]), count(all[1])
	for i, what := range []string{"seal", "open"} {
		if above := ours[i] - floor[i]; above != allowed[i] {
			t.Errorf("%v: %s allocates %.0f times, %+.0f above the floor, and %+.0f is written here", suite, what, ours[i], above, allowed[i])
		}
	}
}
