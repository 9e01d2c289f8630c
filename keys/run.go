package keys

import (
	"context"
	"math/rand/v2"
	"time"
)

// runInterval is how often Run looks at the store, on average. Loading a ring that
// has not changed costs microseconds.
const runInterval = time.Second

// Run keeps the ring fresh and rotates it, until ctx is done; then it returns the
// context's error. It looks at the store about once a second, at times drawn by
// chance so that many processes do not look at once, hears of others' changes with
// that, and does every step that is due. A service that seals or opens needs it only
// for that; a Ring reloads by itself once a minute.
//
// Each step done, and each error, is given to report, which may be nil. Errors end
// nothing: the next look tries again.
func (r *Ring) Run(ctx context.Context, report func(Step, error)) error {
	if report == nil {
		report = func(Step, error) {}
	}
	for {
		r.rotateAll(ctx, report)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(runInterval/2 + rand.N(runInterval)):
		}
	}
}

func (r *Ring) rotateAll(ctx context.Context, report func(Step, error)) {
	for ctx.Err() == nil {
		step, err := r.Rotate(ctx)
		if err != nil {
			report(Step{}, err)
			return
		}
		if step.Action == Nothing {
			return
		}
		report(step, nil)
	}
}
