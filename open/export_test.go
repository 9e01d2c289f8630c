package open

import "time"

// SetNow replaces the clock of Open.
func (o *Opener) SetNow(now func() time.Time) { o.now = now }
