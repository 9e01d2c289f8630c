package stores

import (
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/testdata/ringtest"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// failover is a server. When the test kills it, a standby takes over.
type failover struct {
	primary, standby *servers.Server
	before           func() // called before the kill
}

func (f failover) Kill()              { f.before(); f.primary.Kill() }
func (f failover) Start(t testing.TB) { f.standby.Promote(t) }

// The primary dies under three writers, and a standby takes over. A synchronous standby has every
// write. One that lags loses writes, as the documentation says.
func TestRingFailover(t *testing.T) {
	for _, synchronous := range []bool{true, false} {
		name := map[bool]string{true: "synchronous", false: "lagging"}[synchronous]
		t.Run(name, func(t *testing.T) {
			beside(t)
			e, primary := engineOf("PostgreSQL"), servers.PostgreSQL(t)
			e.ring(t, primary.PostgreSQLPublic(), "another") // this makes the table
			standby := primary.Standby(t)
			before := func() {}
			if synchronous {
				primary.Synchronous(t)
			} else {
				before = func() {
					standby.Disconnect(t)
					time.Sleep(200 * time.Millisecond) // the standby does not get these writes
				}
			}
			dsn := servers.PostgreSQLPair(primary, standby)
			v := ringtest.Killed(t, func() keyring.Store { return e.ring(t, dsn, "idp") }, failover{primary, standby, before}, 1)
			t.Logf("%v; %s", v, judged(v.Gap, 5*time.Second))
			if lost := v.Lost+v.Back > 0; lost == synchronous || v.Twice > 0 {
				t.Error("a synchronous standby has lost a write, or a lagging one has lost none")
			}
		})
	}
}
