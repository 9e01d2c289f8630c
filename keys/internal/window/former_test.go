package window

import (
	"slices"
	"testing"
	"time"
)

// A former policy binds for its own window before the first look, and for another one after that
// look.
func TestFormersLook(t *testing.T) {
	kept := Figures{}.Windows().EncKept
	wide := Figures{TokenLifetime: Duration(2 * time.Hour)}
	l := Formers{}.Add(Figures{}, began).Add(wide, began)
	for _, step := range []struct {
		at   time.Duration
		want []time.Time // the records of the policies that bind
	}{
		{kept - 1, []time.Time{{}, {}}},
		{kept, []time.Time{at(kept), {}}},
		{kept - 2*time.Minute, []time.Time{{}, {}}}, // the clock of this process is behind, so it clears the record
		{kept + time.Hour, []time.Time{at(kept + time.Hour), at(kept + time.Hour)}},
		{kept + 30*time.Minute, []time.Time{{}, {}}}, // the process clears the record of a window that is over, and forgets no policy
		{kept + time.Hour, []time.Time{at(kept + time.Hour), at(kept + time.Hour)}},
		{2*kept + time.Hour - 1, []time.Time{at(kept + time.Hour), at(kept + time.Hour)}},
		{2*kept + time.Hour, []time.Time{at(kept + time.Hour)}},
		{2*kept + 2*time.Hour, nil},
	} {
		before := slices.Clone(l)
		next := l.Look(at(step.at))
		if !slices.Equal(before, l) {
			t.Errorf("after %v: Look changed its receiver", step.at)
		}
		var got []time.Time
		for _, f := range next {
			got = append(got, f.Due)
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("after %v: records %v, want %v", step.at, got, step.want)
		}
		l = next
	}
}

// If the list is full, the two oldest entries become one, and no window becomes narrower.
func TestFormersAreBounded(t *testing.T) {
	var l Formers
	for n := range 3 * MaxFormers {
		f := Figures{TokenLifetime: Duration(1000 - n), Leeway: Duration(n + 1)}
		before := slices.Clone(l)
		next := l.Add(f, at(time.Duration(n)))
		if !slices.Equal(before, l) {
			t.Fatalf("%d: Add changed its receiver", n)
		}
		if l = next; len(l) != min(n+1, MaxFormers) {
			t.Fatalf("%d policies after %d", len(l), n+1)
		}
		if got, want := l.Widest(Figures{CacheAge: 7}), (Figures{TokenLifetime: 1000, Leeway: Duration(n + 1), CacheAge: 7}); got != want {
			t.Fatalf("%d: widest %+v, want %+v", n, got, want)
		}
		if newest := l[len(l)-1]; newest.Figures != f || !newest.Until.Equal(at(time.Duration(n))) {
			t.Fatalf("%d: the newest is %+v", n, newest)
		}
	}
}

// A policy returns and is replaced again. It counts once, from its second replacement.
func TestFormersAreUnlike(t *testing.T) {
	wide := Figures{TokenLifetime: 7}
	l := Formers{}.Add(Figures{}, began).Add(wide, began).Add(Figures{}, at(day))
	if want := (Formers{{Figures: wide, Until: began}, {Until: at(day)}}); !slices.Equal(l, want) {
		t.Errorf("%+v, want %+v", l, want)
	}
}
