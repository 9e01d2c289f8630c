package keyring

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// releasedFormats has every released version of the ring file. A new one may be added, and none
// removed.
var releasedFormats = []int{1, 2}

// Every released format has rings in the test data. Every ring there has a released format and
// opens. A new ring has the newest format. Without a golden ring no test would notice that a format
// is lost.
func TestGoldenOfEveryFormat(t *testing.T) {
	newest := slices.Max(releasedFormats)
	for what, v := range map[string]int{"ring": blobVersion, "document": documentVersion} {
		if v != newest {
			t.Errorf("a %s is written in format %d, and %d was released", what, v, newest)
		}
	}
	files := must(filepath.Glob("../../testdata/rings/*.ring"))(t)
	if len(files) == 0 {
		t.Fatal("no rings in the test data")
	}
	found := make(map[string]bool)
	for _, file := range files {
		name := filepath.Base(file)
		found[name] = true
		format, _, _ := strings.Cut(strings.TrimSuffix(name, ".ring"), "-")
		if v, err := strconv.Atoi(strings.TrimPrefix(format, "v")); err != nil || !slices.Contains(releasedFormats, v) {
			t.Errorf("%s is of no released format", name)
			continue
		}
		if format == "v2" && strings.HasSuffix(name, "v2.ring") {
			if s := blobFor(t, readTestdata(t, "rings/"+name)).Slots[0]; s.Wrapped == "" {
				t.Errorf("no slot of %s is of a remote KEK", name)
			}
		}
		kek := must(NewKEK(readTestdata(t, "rings/"+format+".kek")))(t)
		newVictim(t, readTestdata(t, "rings/"+name), kek).opens(t)
	}
	for _, v := range releasedFormats {
		for _, kind := range []string{".ring", "-passphrase.ring"} {
			if name := "v" + strconv.Itoa(v) + kind; !found[name] {
				t.Errorf("there is no %s", name)
			}
		}
	}
}
