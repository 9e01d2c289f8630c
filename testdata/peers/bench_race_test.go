package peers

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// racer is one of those that are timed against each other.
type racer struct {
	name string
	run  func() error // one operation
}

// pace is what a racer needed for one operation: of the ratios to the first racer, one
// for each round, the median and what four fifths of them lie between.
type pace struct {
	median, low, high float64
	each              time.Duration // median; says something on an idle machine only
}

// clock is a time that passes.
type clock func() time.Duration

// cpuTime is the processor time of this process, on all its threads: what other
// processes take of a shared core is not in it, and what the garbage collector does
// on the side is.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var started = time.Now()

func wallTime() time.Duration { return time.Since(started) }

const (
	batchTime  = 1500 * time.Microsecond // of the first racer; the others do as many operations
	leastBatch = 5
	mostBatch  = 50

	// An operation that allocates more than this starts the garbage collector within a few
	// others. A batch of five then has one collection or none, and its time says which.
	largeOperation = 64 << 10 // bytes
)

// race has everybody do a small batch in every round, each next to one of the first
// racer and compared with that one: what slows the machine down for longer than two
// batches slows both down. Who comes first changes with the round, and the order too, so
// that nobody always finds the caches as the same one has left them.
func race(t testing.TB, now clock, racers ...racer) []pace {
	t.Helper()
	runtime.GC() // what was before is no business of these
	batch := leastBatch
	for i, r := range racers {
		r.lap(t, now, leastBatch) // warms it up
		before := allocated()
		each := r.lap(t, now, leastBatch) / leastBatch
		switch large := (allocated()-before)/leastBatch > largeOperation; {
		case i > 0:
		case large:
			batch = mostBatch
		case each > 0:
			batch = min(max(int(batchTime/each), leastBatch), mostBatch)
		}
	}
	ratios := make([][]float64, len(racers))
	times := make([][]float64, len(racers))
	for round := range benchRounds(t) {
		others := len(racers) - 1
		for i := range others {
			pair := []int{0, 1 + (round+i)%others}
			if round/others%2 == 1 {
				pair[0], pair[1] = pair[1], pair[0]
			}
			laps := map[int]time.Duration{}
			for _, at := range pair {
				laps[at] = max(racers[at].lap(t, now, batch), 1)
				times[at] = append(times[at], float64(laps[at])/float64(batch))
			}
			at := max(pair[0], pair[1])
			ratios[at] = append(ratios[at], float64(laps[at])/float64(laps[0]))
		}
	}
	ratios[0] = []float64{1}
	paces := make([]pace, len(racers))
	for i := range racers {
		paces[i] = pace{
			median: quantile(ratios[i], 50), low: quantile(ratios[i], 10), high: quantile(ratios[i], 90),
			each: time.Duration(quantile(times[i], 50)),
		}
	}
	return paces
}

// lap is the time of a batch. The garbage collector runs when it wants: a clean heap
// before every lap would empty the pools of those who keep their memory in them, and
// would hide what it costs to make garbage from those who make the most.
func (r racer) lap(t testing.TB, now clock, batch int) time.Duration {
	t.Helper()
	start := now()
	for range batch {
		if err := r.run(); err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
	}
	return now() - start
}

// allocated returns the bytes that this process has allocated so far.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

func quantile(values []float64, percent int) float64 {
	slices.Sort(values)
	return values[(len(values)-1)*percent/100]
}

const (
	defaultRounds  = 151
	roundsVariable = "SEALJWT_BENCH_ROUNDS"
)

func benchRounds(t testing.TB) int {
	t.Helper()
	text := os.Getenv(roundsVariable)
	if text == "" {
		return defaultRounds
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, and a number of rounds is expected", roundsVariable, text)
	}
	return n
}
