package window

import (
	"slices"
	"time"
)

// MaxFormers is how many former policies a ring remembers apart from each other.
const MaxFormers = 16

// Former are the figures of a policy that was replaced. New keys must keep to them too, until
// the last cache and the last snapshot from the time of that policy are gone.
type Former struct {
	Figures
	Until time.Time `json:"until"`
	Due   time.Time `json:"due,omitzero"` // when the first look found that this time is over
}

// wait returns for how long a former policy binds: a process that loaded the ring while it was
// in force, or a party that cached the JWK Set, may go by it for the times that it gave.
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

// Look looks at each former policy, and removes those that no longer bind. As at every wait,
// one look records that a policy no longer binds, and a later look removes it.
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
