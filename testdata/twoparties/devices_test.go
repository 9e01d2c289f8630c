package twoparties

import (
	"errors"
	"sync"
)

// devices are logged in and continue their sessions. A user has at most 100 sessions.
type devices struct {
	mu     sync.Mutex
	idle   []string // refresh tokens
	logins int
}

var errAllBusy = errors.New("every device waits for an answer")

// next refreshes the token of an idle device, or logs in another device. If a device gets no
// answer, next drops it: the test cannot know whether its refresh token was used up.
func (d *devices) next(p *processes) (in login, err error) {
	d.mu.Lock()
	token, another := "", len(d.idle) == 0
	switch {
	case another && d.logins == 100:
		d.mu.Unlock()
		return in, errAllBusy
	case another:
		d.logins++
	default:
		token, d.idle = d.idle[0], d.idle[1:]
	}
	d.mu.Unlock()
	if another {
		in, err = p.login("ada", "lovelace")
	} else {
		in, err = p.refresh(token)
	}
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.idle = append(d.idle, in.Refresh)
	}
	return in, err
}
