package cli

import (
	"encoding/json"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// needsRing skips a test that makes a ring in a file if the system cannot keep one.
func needsRing(t testing.TB) {
	if runtime.GOOS == "windows" {
		t.Skip("a ring in a file needs the locks and modes of Unix")
	}
}

// newHome makes a ring with its key file in an empty home. It returns the path of the ring.
func newHome(t *testing.T, flags ...string) (ring string) {
	t.Helper()
	needsRing(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "SEALJWT_RING", "SEALJWT_KEK_FILE", "SEALJWT_PASSPHRASE_FILE"} {
		t.Setenv(name, "")
	}
	runOK(t, "", append([]string{"keys", "init"}, flags...)...)
	return filepath.Join(home, ".local/share/sealjwt/ring")
}

// listed returns the keys of the ring.
func listed(t *testing.T) []keyring.KeyInfo {
	t.Helper()
	out, _ := runOK(t, "", "keys", "list", "-o", "json")
	keys, err := readList([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// readList reads the output of keys list -o json without the suites.
func readList(data []byte) (keys []keyring.KeyInfo, err error) {
	var list struct {
		Keys []struct {
			keyring.KeyInfo
			Suite string `json:"alg"`
		}
	}
	err = json.Unmarshal(data, &list)
	for _, k := range list.Keys {
		keys = append(keys, k.KeyInfo)
	}
	return keys, err
}
