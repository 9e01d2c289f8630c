package open_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

const (
	timingSamples = 10_000 // for each class
	timingLimit   = 4.5    // bound of |t|; beyond it dudect calls two classes different
)

// timingCrops are the shares of all samples that are compared, each by itself: the shortest samples
// of both classes together. The scheduler, the garbage collector or another process interrupted the
// longest ones. As in dudect, the crop with the largest |t| decides.
var timingCrops = []float64{1, 0.9, 0.75, 0.5, 0.25, 0.1, 0.05}

// The classes of tokens take turns at random.
const (
	badKey     = "bad encrypted key"
	badTag     = "bad tag"
	slowBadKey = "bad encrypted key and 2 µs more"
)

// The time of a refusal does not tell an attacker whether the recipient could unwrap the content
// encryption key (RFC 7516 section 11.5). The test refuses tokens of 30 kB. Some have a bad
// encrypted key, and others a bad tag. It compares the times with Welch's t-test, as dudect does
// (Reparaz and others, DATE 2017). Its result counts only if it finds 2 µs that it adds to a third
// class.
func TestTiming(t *testing.T) {
	if os.Getenv("SEALJWT_LONG") == "" {
		t.Skip("set SEALJWT_LONG=1 to compare times; it takes three minutes, and an idle machine")
	}
	for _, suite := range []keys.Suite{keys.ECDHESA256KW, keys.RSAOAEP256, keys.RSAOAEP} {
		t.Run(suite.Alg(), func(t *testing.T) {
			const tries = 3
			for range tries {
				times := timeRefusals(t, suite)
				score, control := compareTimes(t, times, badKey), compareTimes(t, times, slowBadKey)
				t.Logf("t is %+.2f, and %+.2f with 2 µs more", score, control)
				if math.Abs(score) >= timingLimit {
					t.Fatal("an attacker can tell a bad encrypted key from a bad tag")
				}
				if math.Abs(control) > timingLimit {
					return
				}
			}
			t.Error("the machine is too busy to find 2 µs")
		})
	}
}

// timeRefusals returns times in microseconds, by class.
func timeRefusals(t *testing.T, suite keys.Suite) map[string][]float64 {
	t.Helper()
	source := &slowSource{PrivateSource: privateSet(testKeyFor(suite))}
	o, err := open.New(open.Config{
		Audience:   audience,
		Trust:      []open.Issuer{{ID: issuerID, Keys: publicSet(testKeyFor(keys.ES256))}},
		Decryption: source,
	})
	if err != nil {
		t.Fatal(err)
	}
	f := forgeWith(keys.ES256, suite, keys.A256CBCHS512)
	fillClaims(f, 16_500) // two rounds of base64url make 30 kB of them
	parts := strings.Split(f.Token(), ".")
	encryptedKey, tag := decode(parts[1]), decode(parts[4])
	classes, times := []string{badKey, badTag, slowBadKey}, map[string][]float64{}
	for i := 0; slices.ContainsFunc(classes, func(c string) bool { return len(times[c]) < timingSamples }); i++ {
		// Both variants are made for each token, so that the memory before the measurement looks
		// alike for all classes.
		withBadKey := strings.Join([]string{parts[0], encode(flipLater(encryptedKey)), parts[2], parts[3], parts[4]}, ".")
		withBadTag := strings.Join([]string{parts[0], parts[1], parts[2], parts[3], encode(flipLater(tag))}, ".")
		class := classes[rand.IntN(len(classes))]
		token := withBadKey
		source.delay = 0
		switch class {
		case badTag:
			token = withBadTag
		case slowBadKey:
			source.delay = 2 * time.Microsecond
		}
		start := time.Now()
		_, err := o.Open(t.Context(), token)
		each := time.Since(start)
		if err != open.ErrNotAuthentic {
			t.Fatalf("%s: %v", class, err)
		}
		if i >= timingSamples/10 && len(times[class]) < timingSamples { // the first samples warm up the code
			times[class] = append(times[class], float64(each)/float64(time.Microsecond))
		}
	}
	return times
}

// compareTimes returns the largest Welch's t of a class against bad tags, over all crops.
func compareTimes(t *testing.T, times map[string][]float64, class string) (worst float64) {
	t.Helper()
	key, tag := times[class], times[badTag]
	all := slices.Sorted(slices.Values(slices.Concat(key, tag)))
	for _, part := range timingCrops {
		longest := all[int(part*float64(len(all)-1))]
		a, b := momentsBelow(key, longest), momentsBelow(tag, longest)
		// A crop with hardly any samples of one class says nothing. A wider crop shows that this
		// class takes longer.
		if min(a.n, b.n) < part*timingSamples/10 {
			continue
		}
		score := (a.mean - b.mean) / math.Sqrt(a.variance/a.n+b.variance/b.n)
		if math.Abs(score) > math.Abs(worst) {
			worst = score
		}
		t.Logf("the shortest %3.0f %%: t is %+.2f; %s %.2f µs, %s %.2f µs (%.0f and %.0f samples)",
			100*part, score, class, a.mean, badTag, b.mean, a.n, b.n)
	}
	return worst
}

// flipLater returns b with one changed bit in its second half: an RSA ciphertext stays below the
// modulus.
func flipLater(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)/2+rand.IntN(len(b)/2)] ^= 1 << rand.IntN(8)
	return b
}

// moments describes samples.
type moments struct{ n, mean, variance float64 }

// momentsBelow describes the values up to the longest one.
func momentsBelow(values []float64, longest float64) (m moments) {
	var squares float64 // of the distances from the mean, by Welford's method
	for _, v := range values {
		if v > longest {
			continue
		}
		m.n++
		distance := v - m.mean
		m.mean += distance / m.n
		squares += distance * (v - m.mean)
	}
	m.variance = squares / (m.n - 1)
	return m
}

// slowSource is a key source that takes longer by a delay.
type slowSource struct {
	keys.PrivateSource
	delay time.Duration
}

// PrivateKeys does not sleep, because a sleep would take far longer than the delay.
func (s *slowSource) PrivateKeys(ctx context.Context) (*keys.Set, error) {
	for start := time.Now(); time.Since(start) < s.delay; {
	}
	return s.PrivateSource.PrivateKeys(ctx)
}
