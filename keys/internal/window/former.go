package window

import (
	"slices"
	"time"
)

// MaxFormers is the largest number of former policies that a ring remembers.
const MaxFormers = 16

// Former has the figures of a policy that was replaced. New keys must keep to them too, until
// the last cache and the last snapshot from the time of that policy are gone.
type Former struct {
	Figures
	Until time.Time `json:"until"`        // when the policy was replaced
	Due   time.Time `json:"due,omitzero"` // when a first look found that the policy no longer binds
}

// wait returns for how long a former policy binds: a process that loaded the ring while the policy
// was in force, or a party that cached the JWK Set then, may still go by the times of the policy.
func (f Former) wait() Wait {
	w := f.Windows().EncKept
	return Wait{f.Until, w, w, w, time.Duration(f.ClockSkew)}
}

// Formers are the former policies of a ring. No function changes the memory of its receiver,
// which other documents share.
type Formers []Former

// Add remembers the figures of a policy that is replaced now. If there are more than
// MaxFormers, the two oldest become one, with the larger of each of their figures.
func (l Formers) Add(f Figures, now time.Time) Formers {
	l = slices.DeleteFunc(slices.Clone(l), func(o Former) bool { return o.Figures == f })
	l = append(l, Former{Figures: f, Until: now})
	if len(l) <= MaxFormers {
		return l
	}
	slices.SortStableFunc(l, func(a, b Former) int { return a.Until.Compare(b.Until) })
	l[1].Figures = l[1].Widest(l[0].Figures)
	return slices.Delete(l, 0, 1)
}

// Look looks at each former policy (see Wait). The first look that finds that a policy no longer
// binds records its own time in Due, and a later look removes the policy.
func (l Formers) Look(now time.Time) Formers {
	l = slices.Clone(l)
	for i := range l {
		f := &l[i]
		switch look, at := f.wait().Look(f.Due, now); {
		case at.After(now):
		case look == Mark:
			f.Due = now
		case look == Clear:
			f.Due = time.Time{}
		}
	}
	return slices.DeleteFunc(l, func(f Former) bool {
		look, at := f.wait().Look(f.Due, now)
		return look == Act && !at.After(now)
	})
}

// Widest returns, for each figure, the largest value in f and in all former policies.
func (l Formers) Widest(f Figures) Figures {
	for _, o := range l {
		f = f.Widest(o.Figures)
	}
	return f
}
