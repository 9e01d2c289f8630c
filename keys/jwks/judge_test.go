package jwks

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// judgeNow is the time of each judgement.
var judgeNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// came returns an answer with an Age and a Cache-Control. It was requested ago before judgeNow.
func came(ago time.Duration, set *keys.PublicSet, age time.Duration, cacheControl string) *cachedSet {
	asked := judgeNow.Add(-ago)
	h := http.Header{}
	if cacheControl != "" {
		h.Set("Cache-Control", cacheControl)
	}
	return &cachedSet{set: set, asked: asked, generated: asked.Add(-age), caching: cachingOf(h)}
}

// byRefresh marks an answer as one that Refresh asked for.
func byRefresh(answer *cachedSet) *cachedSet {
	answer.refresh = true
	return answer
}

// outcome is the part of a verdict that a row of the table names.
type outcome struct {
	set         *keys.PublicSet // the set to hold
	reason      Reason          // why the answer does not count
	age         time.Duration   // the age of the set to hold
	made        time.Duration   // how long ago the server made it
	dueIn       time.Duration
	usable, due bool
	past        bool
	pause       time.Duration
}

func outcomeOf(v verdict) outcome {
	o := outcome{age: v.age, usable: v.usable, due: v.due, past: v.past, pause: v.pause}
	if c, ok := errors.AsType[*cause](v.err); ok {
		o.reason = c.reason
	}
	if v.held != nil {
		o.set, o.made, o.dueIn = v.held.set, judgeNow.Sub(v.held.generated), v.held.fetched.Add(v.dueAge).Sub(judgeNow)
	}
	return o
}

func TestJudge(t *testing.T) {
	const (
		cooldown, pause = 30 * time.Second, 5 * time.Second
		second, minute  = time.Second, time.Minute
		by300           = "max-age=300"
		graced          = "max-age=300, stale-while-revalidate=1800, stale-if-error=600"
	)
	k := newKey(t, keys.ES256)
	a, same, b := publicSet(t, k), publicSet(t, k), publicSet(t, newKey(t, keys.ES256))
	c := must(RemoteConfig{}.withDefaults())(t)
	// holds returns the set that a first answer leaves.
	holds := func(answer *cachedSet) *cachedSet { return c.judge(nil, answer, answer.asked).held }
	for name, tt := range map[string]struct {
		held, answer *cachedSet
		want         outcome
	}{
		// There is no answer yet.
		"nothing is held":   {nil, nil, outcome{due: true, pause: pause}},
		"fetched now":       {holds(came(0, a, 0, by300)), nil, outcome{set: a, dueIn: 225 * second, usable: true, pause: cooldown}},
		"from a cache":      {holds(came(0, a, 100*second, by300)), nil, outcome{set: a, made: 100 * second, dueIn: 150 * second, usable: true, pause: cooldown}},
		"without a max-age": {holds(came(0, a, 0, "")), nil, outcome{set: a, dueIn: 225 * second, usable: true, pause: cooldown}},
		"not to be kept":    {holds(came(0, a, 0, "no-store")), nil, outcome{set: a, dueIn: cooldown, usable: true, pause: cooldown}},
		"to be kept a day":  {holds(came(0, a, 0, "max-age=86400")), nil, outcome{set: a, dueIn: 30 * minute, usable: true, pause: cooldown}},
		"just before due": {holds(came(225*second-1, a, 0, by300)), nil,
			outcome{set: a, age: 225*second - 1, made: 225*second - 1, dueIn: 1, usable: true, pause: cooldown}},
		"due": {holds(came(225*second, a, 0, by300)), nil,
			outcome{set: a, age: 225 * second, made: 225 * second, usable: true, due: true, pause: cooldown}},
		"as old as MaxStale": {holds(came(60*minute, a, 0, by300)), nil,
			outcome{set: a, age: 60 * minute, made: 60 * minute, dueIn: 225*second - 60*minute, usable: true, due: true, pause: cooldown}},
		"too old": {holds(came(60*minute+1, a, 0, by300)), nil,
			outcome{set: a, age: 60*minute + 1, made: 60*minute + 1, dueIn: 225*second - 60*minute - 1, due: true, past: true, pause: pause}},
		"came stale": {holds(byRefresh(came(0, a, 15*minute, by300))), nil,
			outcome{set: a, age: 10 * minute, made: 15 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"came stale, and due": {holds(byRefresh(came(cooldown, a, 15*minute, by300))), nil,
			outcome{set: a, age: 10*minute + cooldown, made: 15*minute + cooldown, usable: true, due: true, past: true, pause: cooldown}},
		"came stale, nearly for MaxStale": {holds(byRefresh(came(0, a, 64*minute+50*second, by300))), nil,
			outcome{set: a, age: 60*minute - 10*second, made: 64*minute + 50*second, dueIn: 10 * second, usable: true, past: true, pause: cooldown}},

		// The first answer.
		"first, fresh": {nil, came(0, a, 300*second, by300), outcome{set: a, made: 300 * second, dueIn: cooldown, usable: true, pause: cooldown}},
		"first, stale": {nil, came(0, a, 301*second, by300),
			outcome{set: a, made: 301 * second, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"first, stale for a day": {nil, came(0, a, 24*60*minute+300*second, by300),
			outcome{set: a, made: 24*60*minute + 300*second, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"first, stale for longer": {nil, came(0, a, 24*60*minute+301*second, by300), outcome{reason: ReasonStale, due: true, past: true, pause: pause}},
		"first, to Refresh, stale": {nil, byRefresh(came(0, a, 301*second, by300)),
			outcome{set: a, age: second, made: 301 * second, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"first, to Refresh, stale for MaxStale": {nil, byRefresh(came(0, a, 65*minute, by300)),
			outcome{set: a, age: 60 * minute, made: 65 * minute, usable: true, due: true, past: true, pause: cooldown}},
		"first, to Refresh, stale for longer": {nil, byRefresh(came(0, a, 65*minute+second, by300)),
			outcome{reason: ReasonStale, due: true, past: true, pause: pause}},

		// The answer has other keys than the held set, which was made 4 minutes ago.
		"other keys, younger": {holds(came(4*minute, a, 0, by300)), came(0, b, 239*second, by300),
			outcome{set: b, made: 239 * second, dueIn: 45*second + 750*time.Millisecond, usable: true, pause: cooldown}},
		"other keys, as old": {holds(came(4*minute, a, 0, by300)), came(0, b, 4*minute, by300),
			outcome{set: b, made: 4 * minute, dueIn: 45 * second, usable: true, pause: cooldown}},
		"other keys, older": {holds(came(4*minute, a, 0, by300)), came(0, b, 241*second, by300),
			outcome{set: a, reason: ReasonOlder, age: 4 * minute, made: 4 * minute, dueIn: -15 * second, usable: true, due: true, past: true, pause: cooldown}},
		"other keys, older and stale": {holds(came(4*minute, a, 0, by300)), came(0, b, 10*minute, by300),
			outcome{set: a, reason: ReasonOlder, age: 4 * minute, made: 4 * minute, dueIn: -15 * second, usable: true, due: true, past: true, pause: cooldown}},
		"other keys, stale for longer": {holds(came(4*minute, a, 0, by300)), came(0, b, 66*minute, by300),
			outcome{set: a, reason: ReasonStale, age: 4 * minute, made: 4 * minute, dueIn: -15 * second, usable: true, due: true, past: true, pause: cooldown}},
		"other keys, older, until MaxStale": {holds(came(60*minute, a, 0, by300)), came(0, b, 61*minute, "max-age=86400"),
			outcome{set: a, reason: ReasonOlder, age: 60 * minute, made: 60 * minute, dueIn: 225*second - 60*minute, usable: true, due: true, past: true, pause: cooldown}},
		"other keys, older, after MaxStale": {holds(came(60*minute+1, a, 0, by300)), came(0, b, 61*minute, "max-age=86400"),
			outcome{set: b, made: 61 * minute, dueIn: 30 * minute, usable: true, past: true, pause: cooldown}},

		// The answer has the same keys.
		"same keys, younger": {holds(came(4*minute, a, 0, by300)), came(0, same, minute, by300),
			outcome{set: same, made: minute, dueIn: 3 * minute, usable: true, pause: cooldown}},
		"same keys, older": {holds(came(4*minute, a, 0, by300)), came(0, same, 280*second, by300),
			outcome{set: a, made: 4 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"same keys, older and stale": {holds(came(4*minute, a, 0, by300)), came(0, same, 20*minute, by300),
			outcome{set: a, age: 4 * minute, made: 4 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"same keys, stale for a bit": {holds(came(4*minute, a, 0, by300)), came(0, same, 310*second, by300),
			outcome{set: a, age: 10 * second, made: 4 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"same keys, stale for longer": {holds(came(4*minute, a, 0, by300)), came(0, same, 66*minute, by300),
			outcome{set: a, reason: ReasonStale, age: 4 * minute, made: 4 * minute, dueIn: -15 * second, usable: true, due: true, past: true, pause: cooldown}},
		"same keys, as a 304 confirms them": {holds(came(20*minute, a, 0, by300)), came(0, a, 0, by300),
			outcome{set: a, dueIn: 225 * second, usable: true, pause: cooldown}},
		"same keys, after MaxStale": {holds(came(2*60*minute, a, 0, by300)), came(0, a, 0, by300),
			outcome{set: a, dueIn: 225 * second, usable: true, pause: cooldown}},

		// The issuer permits caches to keep the set. The held set is too old to count.
		"within the grace": {holds(came(2*60*minute, a, 0, by300)), came(0, same, 15*minute, graced),
			outcome{set: same, made: 15 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"at its end": {holds(came(2*60*minute, a, 0, by300)), came(0, same, 35*minute, graced),
			outcome{set: same, made: 35 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"beyond it": {holds(came(2*60*minute, a, 0, by300)), came(0, same, 36*minute, graced),
			outcome{set: same, age: minute, made: 36 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"beyond it for longer than MaxStale": {holds(came(2*60*minute, a, 0, by300)), came(0, same, 95*minute+second, graced),
			outcome{set: a, reason: ReasonStale, age: 120 * minute, made: 120 * minute, dueIn: 225*second - 120*minute, due: true, past: true, pause: pause}},
		"a grace above MaxStale": {holds(came(2*60*minute, a, 0, by300)), came(0, same, 65*minute, "max-age=300, stale-if-error=86400"),
			outcome{set: same, made: 65 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"a grace above MaxStale, and beyond MaxStale": {holds(came(2*60*minute, a, 0, by300)), came(0, same, 66*minute, "max-age=300, stale-if-error=86400"),
			outcome{set: same, age: minute, made: 66 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"no grace for Refresh": {holds(came(2*60*minute, a, 0, by300)), byRefresh(came(0, same, 15*minute, graced)),
			outcome{set: same, age: 10 * minute, made: 15 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"no grace": {holds(came(2*60*minute, a, 0, by300)), came(0, same, 15*minute, by300),
			outcome{set: same, age: 10 * minute, made: 15 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},

		// The first set arrived 10 minutes ago and was stale by 10 hours. The caches go on in this
		// way.
		"first and stale, 10 minutes later": {holds(came(10*minute, a, 10*60*minute, by300)), nil,
			outcome{set: a, age: 10 * minute, made: 610 * minute, dueIn: cooldown - 10*minute, usable: true, due: true, past: true, pause: cooldown}},
		"first and stale, an hour later": {holds(came(60*minute+1, a, 10*60*minute, by300)), nil,
			outcome{set: a, age: 60*minute + 1, made: 660*minute + 1, dueIn: cooldown - 60*minute - 1, due: true, past: true, pause: pause}},
		"first and stale, and as old": {holds(came(10*minute, a, 10*60*minute, by300)), came(0, a, 610*minute, by300),
			outcome{set: a, age: 10 * minute, made: 610 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"first and stale, and older": {holds(came(10*minute, a, 10*60*minute, by300)), came(0, same, 611*minute, by300),
			outcome{set: a, reason: ReasonStale, age: 10 * minute, made: 610 * minute, dueIn: cooldown - 10*minute, usable: true, due: true, past: true, pause: cooldown}},
		"first and stale, and other keys, younger": {holds(came(10*minute, a, 10*60*minute, by300)), came(0, b, 200*minute, by300),
			outcome{set: b, age: 10 * minute, made: 200 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"first and stale, and other keys, nearly fresh": {holds(came(10*minute, a, 10*60*minute, by300)), came(0, b, 6*minute, by300),
			outcome{set: b, age: minute, made: 6 * minute, dueIn: cooldown, usable: true, past: true, pause: cooldown}},
		"first and stale, and other keys, older": {holds(came(10*minute, a, 10*60*minute, by300)), came(0, b, 611*minute, by300),
			outcome{set: a, reason: ReasonStale, age: 10 * minute, made: 610 * minute, dueIn: cooldown - 10*minute, usable: true, due: true, past: true, pause: cooldown}},
		"first and stale, and younger, to Refresh": {holds(came(10*minute, a, 10*60*minute, by300)), byRefresh(came(0, b, 200*minute, by300)),
			outcome{set: a, reason: ReasonStale, age: 10 * minute, made: 610 * minute, dueIn: cooldown - 10*minute, usable: true, due: true, past: true, pause: cooldown}},
		"first and stale, and younger, an hour later": {holds(came(60*minute+1, a, 10*60*minute, by300)), came(0, b, 200*minute, by300),
			outcome{set: a, reason: ReasonStale, age: 60*minute + 1, made: 660*minute + 1, dueIn: cooldown - 60*minute - 1, due: true, past: true, pause: pause}},
	} {
		if got := outcomeOf(c.judge(tt.held, tt.answer, judgeNow)); got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, tt.want)
		}
	}
}

// judge changes neither the answer nor the held set, which other callers use meanwhile.
func TestJudgeChangesNothing(t *testing.T) {
	k := newKey(t, keys.ES256)
	a, same := publicSet(t, k), publicSet(t, k)
	c := must(RemoteConfig{}.withDefaults())(t)
	held := c.judge(nil, came(4*time.Minute, a, 0, "max-age=300"), judgeNow).held
	for _, age := range []time.Duration{0, 5 * time.Minute, 20 * time.Minute, 5 * time.Hour} {
		answer := came(0, same, age, "max-age=300")
		before, asked := *held, *answer
		c.judge(held, answer, judgeNow)
		if before.fetched != held.fetched || before.generated != held.generated || before.set != held.set || before.stale != held.stale {
			t.Errorf("age %v: held is %+v, and was %+v", age, *held, before)
		}
		if asked.fetched != answer.fetched || asked.generated != answer.generated || asked.set != answer.set {
			t.Errorf("age %v: the answer is %+v, and was %+v", age, *answer, asked)
		}
	}
}
