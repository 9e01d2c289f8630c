package cli

import (
	"github.com/sealjwt/sealjwt/cmd/internal/metrics"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// metrics returns the health as keys check and jwks serve export it. A key state and a kind of
// memory that does not occur has the value 0: an alarm on a series that is absent never rings. Two
// series can be absent: the time of the next step when there is none, and sealjwt_ring_writable for
// a store that cannot tell.
func (h health) metrics() []metrics.Family {
	families := []metrics.Family{
		exitCodeMetric(h.ExitCode),
		h.keysMetric(),
		metrics.One("sealjwt_step_overdue_seconds", metrics.Gauge, "How long ago the next step of the rotation was due, 0 before.", float64(h.Overdue)),
		metrics.One("sealjwt_step_grace_seconds", metrics.Gauge, "How long a step may be overdue without an alarm.", float64(h.Grace)),
		metrics.One("sealjwt_ring_full_ratio", metrics.Gauge, "The part of the ring's room that is taken, from 0 to 1.", h.Full),
		metrics.One("sealjwt_wrong_clocks", metrics.Gauge, "Keys with a date that shows that a clock is wrong, of this host or of another.", float64(len(h.Clocks))),
		h.memoryMetric(),
	}
	if h.Next.Action != keyring.Nothing {
		families = append(families, metrics.One("sealjwt_next_step_timestamp_seconds", metrics.Gauge,
			"When the next step of the rotation is due, in seconds since 1970.", float64(h.Next.At.UnixMilli())/1000))
	}
	if h.Writable != nil {
		families = append(families, metrics.One("sealjwt_ring_writable", metrics.Gauge,
			"Whether a rotation could be written: 1 if so, 0 if not.", metrics.Bool(*h.Writable)))
	}
	return families
}

// exitCodeMetric returns the metric with the exit code of keys check. When the ring could not be
// read, it stands in place of all metrics of the health.
func exitCodeMetric(code int) metrics.Family {
	return metrics.One("sealjwt_check_exit_code", metrics.Gauge,
		"The exit code of keys check: 0 when all is well, 7 when a step is overdue, another when the ring could not be read.", float64(code))
}

func (h health) keysMetric() metrics.Family {
	f := metrics.Family{Name: "sealjwt_keys", Kind: metrics.Gauge, Help: "Keys of the ring by use and state."}
	for _, use := range []keys.Use{keys.UseSig, keys.UseEnc} {
		for _, state := range []keyring.State{keyring.Staged, keyring.Active, keyring.Retired, keyring.Destroyed, keyring.Revoked} {
			n := 0
			for _, k := range h.keys {
				if k.Use == use && k.State == state {
					n++
				}
			}
			f.Samples = append(f.Samples, metrics.Sample{Value: float64(n), Labels: []string{"use", string(use), "state", string(state)}})
		}
	}
	return f
}

func (h health) memoryMetric() metrics.Family {
	f := metrics.Family{Name: "sealjwt_memory", Kind: metrics.Gauge,
		Help: "How it is remembered which ring was seen, against a ring that is set back: the kind with 1."}
	for _, kind := range []string{seenDurable, seenProcess, seenNone} {
		f.Samples = append(f.Samples, metrics.Sample{Value: metrics.Bool(kind == h.Memory), Labels: []string{"kind", kind}})
	}
	return f
}
