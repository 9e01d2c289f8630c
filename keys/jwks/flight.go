package jwks

import "sync"

// flight lets one piece of work run at a time and others wait for it. The work is a
// goroutine, so that nobody who starts it and goes away takes it from the others: a
// client that hangs up would end it, again and again, and nothing would ever be
// fetched. It is started by a call and bounded in time, never in the background.
type flight struct {
	mu   sync.Mutex
	done chan struct{} // closed when the work is over; nil while there is none
}

// join starts work, unless some is under way or may forbids it, and says whether it
// did. done is closed when the work is over; nil if there is none. may is called under
// the lock.
func (f *flight) join(may func() bool, work func()) (done <-chan struct{}, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done != nil || !may() {
		return f.done, false
	}
	over := make(chan struct{})
	f.done = over
	go func() {
		defer close(over)
		defer f.end()
		work()
	}()
	return over, true
}

func (f *flight) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = nil
}
