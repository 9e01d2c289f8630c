package peers

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var fuzzTarget = regexp.MustCompile(`(?m)^func Fuzz\w*\(\w+ \*testing\.F\)`)

// TestFuzzTargets counts the fuzz targets of the root module. The other modules have none.
func TestFuzzTargets(t *testing.T) {
	targets := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		targets += len(fuzzTarget.FindAll(source, -1))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	readmeSays(t, fmt.Sprintf("| fuzz targets | %d, ", targets))
}

// TestDetectorTexts counts the texts and the names on which package pii tests its detectors.
func TestDetectorTexts(t *testing.T) {
	count := func(file string) (n int) {
		data, err := os.ReadFile("../pii/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSuffix(line, "\n")
			if line != "" && line != "#" && !strings.HasPrefix(line, "# ") {
				n++
			}
		}
		return n
	}
	readmeSays(t, fmt.Sprintf("| %d texts that hit, %d that must not, %d names of claims: no miss, no false alarm |",
		count("hit.txt"), count("miss.txt"), count("names.txt")))
}
