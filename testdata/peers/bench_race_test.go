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

// racer is one of the functions that are timed against each other.
type racer struct {
	name string
	run  func() error // one operation
}

// pace holds the figures of a racer for one operation. Each round gives one ratio to the first
// racer. pace has the median, and the bounds of the middle four fifths.
type pace struct {
	median, low, high float64
	each              time.Duration // the median; it means something on an idle machine only
}

// clock returns a time that advances.
type clock func() time.Duration

// cpuTime returns the processor time of this process on all its threads. It leaves out the time
// that other processes take of a shared core, and includes the work of the garbage collector.
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
	batchTime  = 1500 * time.Microsecond // time of the first racer; the others do as many operations
	leastBatch = 5
	mostBatch  = 50

	// An operation that allocates more than this starts the garbage collector after a few others. A
	// batch of five then has one collection or none, and its time depends on that.
	largeOperation = 64 << 10 // in bytes
)

// race lets each racer do a small batch in every round, right after or before a batch of the first
// racer, and compares the two. A delay of the machine that lasts longer than two batches affects
// both. The order changes with each round, so that no racer always finds the caches in the state
// that the same other racer left.
func race(t testing.TB, now clock, racers ...racer) []pace {
	t.Helper()
	runtime.GC() // garbage from before must not count
	batch := leastBatch
	for i, r := range racers {
		r.lap(t, now, leastBatch) // warms the racer up
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

// lap returns the time of a batch. The garbage collector runs when it wants. A clean heap before
// every lap would empty the pools of the racers that keep memory, and would hide the cost of
// garbage from the racers that make the most.
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
