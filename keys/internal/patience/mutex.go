package patience

import "context"

// Mutex is a mutex whose Lock honours a context. It is for a lock whose holder waits for a call
// that may hang. NewMutex makes one.
type Mutex chan struct{}

// NewMutex returns a Mutex that is not locked.
func NewMutex() Mutex { return make(Mutex, 1) }

// Lock waits for m. It returns the error of ctx when ctx ends first; then m is not locked.
func (m Mutex) Lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TryLock locks m if it is free, and reports whether it did.
func (m Mutex) TryLock() bool {
	select {
	case m <- struct{}{}:
		return true
	default:
		return false
	}
}

// Unlock frees m, which the caller has locked.
func (m Mutex) Unlock() { <-m }
