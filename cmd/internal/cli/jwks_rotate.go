package cli

import (
	"context"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// keepRotating rotates the ring when a step is due, until ctx is done. wait returns when the
// last rotation has ended.
func (a *App) keepRotating(ctx context.Context, ring *keyring.Ring) (wait func()) {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	report := a.reportSteps(time.Now)
	running.Go(func() {
		ring.Run(ctx, report) // its error is that of ctx
	})
	return func() {
		stop()
		running.Wait()
	}
}

const (
	// repeatAfter is how long after an error was told it is told again, if it still lasts.
	repeatAfter = time.Hour
	// recoveredAfter is how long there must be no error until the ring counts as working again.
	// The ring is tried about every second, and a try can wait some seconds for a lock.
	recoveredAfter = time.Minute
)

// reportSteps returns a function that tells each step, and the error that holds the steps up.
// The ring tries again every second, and does not report a try that went well without a step.
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
				err = a.explainRollback(ring, err)
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
