package cli

import (
	"context"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// keepRotating rotates the ring in a goroutine when a step is due, until ctx is done or the caller
// calls stop. When stop returns, no rotation runs any more.
func (a *App) keepRotating(ctx context.Context, ring *keyring.Ring) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	report := a.reportSteps(time.Now)
	running.Go(func() {
		ring.Run(ctx, report) // it returns only when ctx is done, with the error of ctx
	})
	return func() {
		cancel()
		running.Wait()
	}
}

const (
	// repeatAfter is how long after a warning the same warning is printed again, if its error
	// lasts.
	repeatAfter = time.Hour
	// recoveredAfter is how long there must be no error until the next one counts as a new error.
	// Run tries the ring about every second, or every ten seconds while it watches the store, and a
	// try can wait some seconds for a lock.
	recoveredAfter = time.Minute
)

// reportSteps returns a function for Ring.Run that prints each step, and a warning for an error
// that holds the steps up. Run repeats an error about every second while it lasts, and does not
// report a try without a step and without an error.
func (a *App) reportSteps(now func() time.Time) func(keyring.Step, error) {
	var told string
	var toldAt, failedAt time.Time
	return func(step keyring.Step, err error) {
		switch {
		case err != nil:
			at := now()
			recovered := at.Sub(failedAt) > recoveredAfter
			failedAt = at
			if ring, bad := a.ringPath(); bad == nil {
				err = a.explainMoved(ring, a.storeFile, a.explainRollback(ring, err))
			}
			if _, text := a.Describe(err); text != told || recovered || at.Sub(toldAt) >= repeatAfter {
				a.Say("warning: the rotation waits: %s", text)
				told, toldAt = text, at
			}
		case step.Action != keyring.Nothing:
			told = ""
			a.Say("rotated: %s", stepText(step))
		}
	}
}
