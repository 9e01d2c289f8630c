package window

import (
	"slices"
	"time"
)

// MaxFormers is how many former policies a ring remembers apart from each other.
const MaxFormers = 16

// Former are the figures of a policy that was replaced. They count for new keys until the last
// cache and the last snapshot from its time are gone.
type Former struct {
	Figures
	Until time.Time `json:"until"`
	Due   time.Time `json:"due,omitzero"` // the record of the first look that found that they count no more
}

// wait returns for how long a former policy binds: a process that loaded the ring, or a party
// that cached the JWK Set, may go by it for as long as it said.
func (f Former) wait() Wait {
	w := f.Windows().EncKept
	return Wait{f.Until, w, w, w, time.Duration(f.ClockSkew)}
}

// Formers are the former policies of a ring. No function changes the memory of its receiver,
// which other documents share.
type Formers []Former

// Add remembers the figures of a policy that is replaced now. Of too many, the two oldest
// become one that is as wide as both.
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

// Look looks at the former policies, and forgets those that no longer bind, by two looks as at
// every wait.
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

// Widest returns figures that are as wide as f and as every policy that binds.
func (l Formers) Widest(f Figures) Figures {
	for _, o := range l {
		f = f.Widest(o.Figures)
	}
	return f
}
