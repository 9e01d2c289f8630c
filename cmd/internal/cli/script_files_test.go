package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// snapshot describes the files of a script.
func snapshot(ts *testscript.TestScript) string {
	var b strings.Builder
	err := filepath.Walk(ts.Getenv("WORK"), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return nil // the user may not read the folder
		}
		if info.IsDir() && info.Name() == ".cache" {
			return filepath.SkipDir // a later command may use the cached set again
		}
		fmt.Fprint(&b, info.Mode(), " ", path)
		switch { // neither the time of a folder nor the trace of a lock counts
		case info.IsDir():
		case filepath.Ext(path) == ".lock":
			fmt.Fprint(&b, " ", info.Size())
		default:
			fmt.Fprint(&b, " ", info.Size(), " ", info.ModTime())
		}
		b.WriteByte('\n')
		return nil
	})
	ts.Check(err)
	return b.String()
}

// cmdMode checks permissions: mode 600 FILE...
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mode octal file...")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if info.Mode().Perm() != os.FileMode(want) {
			ts.Fatalf("%s has mode %v", name, info.Mode().Perm())
		}
	}
}

// cmdBig makes a claims file of at least this many bytes.
func cmdBig(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: big file bytes")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := `{"iss":"https://id.example.com","aud":"https://api.example.com","note":"` + strings.Repeat("x", n) + "\"}\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// cmdDamage changes one bit in the middle of a file, where a ring has ciphertext.
func cmdDamage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage file")
	}
	rewrite(ts, args[0], func(data []byte) []byte {
		data[len(data)/2] ^= 1
		return data
	})
}

// cmdCut keeps the first bytes of a file.
func cmdCut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut file bytes")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	rewrite(ts, args[0], func(data []byte) []byte { return data[:n] })
}

func rewrite(ts *testscript.TestScript, name string, change func([]byte) []byte) {
	path := ts.MkAbs(name)
	info, err := os.Stat(path)
	ts.Check(err)
	data, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, change(data), info.Mode().Perm()))
}
