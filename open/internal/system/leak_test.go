package system_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/seal"
	"github.com/sealjwt/sealjwt/seal/leak"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// leakSamples returns samples of the types that package leak reads from a sealed token and from the
// text around it. They show only what an attacker without keys can read.
func leakSamples(t testing.TB, c canaryKeys, profile canaryProfile) (samples []sample) {
	t.Helper()
	for _, form := range []bool{false, true} {
		to, _ := canaryConfigs(c, form)
		token := must(must(newAny(to)).Seal(t.Context(), seal.Claims{Custom: profile}))
		read := must(leak.Read(token))
		finder := leak.NewFinder(strings.NewReader("a log with " + token + "\n"))
		found := must(finder.Next(t.Context()))
		samples = append(samples, sampleOf("", read), sampleOf("", finder), sampleOf("", found), sampleOf("", found.Limit))
		for _, layer := range read.Layers {
			samples = append(samples, sampleOf("", layer), sampleOf("", layer.Form), sampleOf("", layer.CutOff), sampleOf("", layer.Sizes[0]))
			for _, m := range layer.Header {
				samples = append(samples, sampleOf("", m))
			}
		}
	}
	_, err := leak.NewFinder(strings.NewReader("\x1f\x8b\x08" + canaryDeep)).Next(t.Context())
	compressed, ok := err.(*leak.CompressedError)
	if !ok {
		t.Fatal(fmt.Errorf("a compressed text: %w", err))
	}
	at, _, _ := new(pii.Place).Member("address")
	return append(samples, sampleOf("", compressed), sampleOf("", at))
}
