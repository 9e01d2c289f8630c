package keys

import "time"

// Published is what a ring publishes, as of its snapshot.
type Published struct {
	Set    *PublicSet
	MaxAge time.Duration // the policy's: for how long others need not ask again
	Due    bool          // the snapshot is so old that Public would reload it
}

// Published returns what the ring publishes without asking its store: for those who
// serve strangers, whom a store that hangs must not keep waiting. They have to see to
// it themselves that the ring is reloaded, with Run or, when Due says so, with Public.
//
// It returns [ErrStale] when the snapshot is too old to publish; then MaxAge and Due
// are set all the same.
func (r *Ring) Published() (Published, error) {
	s := r.snapshot.Load()
	age := s.age(r.now())
	p := Published{MaxAge: s.policy.MaxAge, Due: age >= s.reloadAfter()}
	set := s.set
	if age > s.policy.SnapshotAge {
		set = set.tooOld(age, r.lastError())
	}
	if set.stale != nil {
		return p, set.stale
	}
	p.Set = set.public
	return p, nil
}
