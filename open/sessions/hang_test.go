package sessions

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// hanging is a store that answers only when the context ends.
type hanging struct {
	Store
	hangs bool
}

func (h *hanging) wait(ctx context.Context) error {
	if !h.hangs {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (h *hanging) LoadKeys(ctx context.Context) ([]byte, string, error) {
	if err := h.wait(ctx); err != nil {
		return nil, "", err
	}
	return h.Store.LoadKeys(ctx)
}

func (h *hanging) Start(ctx context.Context, row Row, limit int, until time.Time) (int, error) {
	if err := h.wait(ctx); err != nil {
		return 0, err
	}
	return h.Store.Start(ctx, row, limit, until)
}

func (h *hanging) Tail(ctx context.Context, after Cursor, limit int) (Tail, error) {
	if err := h.wait(ctx); err != nil {
		return Tail{}, err
	}
	return h.Store.Tail(ctx, after, limit)
}

// A call to a store that hangs fails after 10 s. A caller that waits behind another call returns
// when its own context ends.
func TestStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hanging{Store: NewMemStore()}
		r := must(New(testConfig(t, store)))(t)
		_, token := login(t, r, "ada")
		store.hangs = true
		time.Sleep(time.Minute)
		from := time.Now()
		for name, call := range map[string]func(context.Context) error{
			"Start":   func(ctx context.Context) error { _, _, err := r.Start(ctx, "ada", Device{}); return err },
			"Refresh": func(ctx context.Context) error { _, _, err := r.Refresh(ctx, token); return err },
			"List":    func(ctx context.Context) error { _, err := r.List(ctx, "ada"); return err },
			"EndAll":  func(ctx context.Context) error { _, err := r.EndAll(ctx, "ada"); return err },
			"Accept":  func(ctx context.Context) error { return r.Accept(ctx) },
		} {
			if err := call(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(from) > callLimit {
				t.Errorf("%s: %v after %v", name, err, time.Since(from))
			}
			done := make(chan error)
			go func() { done <- call(t.Context()) }()
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			from = time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(from) > time.Second {
				t.Errorf("%s behind another: %v after %v", name, err, time.Since(from))
			}
			cancel()
			<-done
			from = time.Now()
		}
	})
}
