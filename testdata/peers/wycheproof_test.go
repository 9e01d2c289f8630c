package peers

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/c2sp/wycheproof"
)

// summary is the line that TestWycheproof of package open prints about a file.
var summary = regexp.MustCompile(`(?m)json_web_\w+ +\d+ vectors: .*$`)

// TestWycheproof gives the JOSE vectors of Wycheproof to the test of package open that judges them.
// That test needs unexported functions, so it is there. The vectors are here, because every binary
// that links them grows by 110 MB.
func TestWycheproof(t *testing.T) {
	files := []string{"json_web_signature", "json_web_encryption", "json_web_key", "json_web_crypto"}
	folder := t.TempDir()
	for _, name := range files {
		name += "_test.json"
		data, err := fs.ReadFile(wycheproof.TestVectors, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run", "^TestWycheproof$", "./open")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "SEALJWT_WYCHEPROOF="+folder)
	out, err := cmd.CombinedOutput()
	lines := summary.FindAll(out, -1)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestWycheproof ")) || len(lines) != len(files) {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, line := range lines {
		t.Logf("%s", line)
	}
}
