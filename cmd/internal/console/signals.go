package console

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// Stoppable ends the context with the first Ctrl-C or termination; the second one ends
// the process. A signal that this process was started to ignore stays ignored.
func Stoppable(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM}, signal.Ignored)
	if len(signals) == 0 { // which would mean all of them
		return context.WithCancel(ctx)
	}
	ctx, restore := signal.NotifyContext(ctx, signals...)
	context.AfterFunc(ctx, restore)
	return ctx, restore
}
