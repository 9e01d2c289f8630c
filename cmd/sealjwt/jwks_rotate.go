package main

import (
	"context"
	"sync"

	"github.com/sealjwt/sealjwt/keys"
)

// keepRotating rotates the ring when a step is due, until ctx is done. What it returns
// waits for that.
func (a *app) keepRotating(ctx context.Context, ring *keys.Ring) (wait func()) {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	report := a.reportSteps()
	running.Go(func() {
		ring.Run(ctx, report) // its error is that of ctx
	})
	return func() {
		stop()
		running.Wait()
	}
}

// reportSteps says each step, and each error once: the ring tries again every second.
func (a *app) reportSteps() func(keys.Step, error) {
	var last string
	return func(step keys.Step, err error) {
		switch {
		case err != nil:
			if _, text := describe(err); text != last {
				a.say("warning: the rotation waits: %s", text)
				last = text
			}
		case step.Action != keys.Nothing:
			last = ""
			a.remember()
			a.say("rotated: %s", stepText(step))
		}
	}
}
