package console

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// Stoppable returns a context that ends with the first Ctrl-C or SIGTERM. The second one ends the
// process. A signal that this process was started to ignore stays ignored.
func Stoppable(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM}, signal.Ignored)
	if len(signals) == 0 { // NotifyContext without signals would catch all signals
		return context.WithCancel(ctx)
	}
	ctx, restore := signal.NotifyContext(ctx, signals...)
	context.AfterFunc(ctx, restore)
	return ctx, restore
}

// OnHangup calls a function at each SIGHUP until stop is called. A process that was started to
// ignore the signal, as nohup does, goes on ignoring it.
func OnHangup(do func()) (stop func()) {
	if signal.Ignored(syscall.SIGHUP) {
		return func() {}
	}
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-signals:
				do()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}
