package jwks

import (
	"errors"
	"fmt"
)

var (
	errFetchPanic  = errors.New("the fetch panicked; mend RemoteConfig.Transport, if there is one")
	errReportPanic = errors.New("RemoteConfig.Report panicked; mend it")
)

// recovered makes an error of a panic. There is nobody above our goroutine who could
// recover it, as net/http does for a request, and so anybody's token could end the process.
// The value may be a secret, and is not repeated.
func recovered(as error, work func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = as
		}
	}()
	return work()
}

// tell holds what there is after a fetch, and has Report know.
func (r *Remote) tell(h *held, f FetchResult) {
	r.hold(h, f.Err)
	err := recovered(errReportPanic, func() error { r.report(f); return nil })
	switch {
	case err == nil:
	case f.Err == nil:
		r.hold(h, r.because(err)) // the set is good, and what it revokes is revoked
	default:
		r.hold(h, fmt.Errorf("%w; and %w", f.Err, err))
	}
}

func (r *Remote) hold(h *held, err error) {
	s := &state{held: h, err: err}
	if err != nil {
		s.failed = r.now()
	}
	r.state.Store(s)
}
