package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

const (
	canaryEmail   = "ada.quillwood@example.com"
	canarySubject = "subject-kestrel-42"
	standClaims   = `{"iss":"id","aud":"api","sub":"` + canarySubject + `","email":"` + canaryEmail + `","scope":"read"}`
)

// stand is a folder in which commands run. It has a ring, and one file of each kind that they read.
// After a command that has changed a file, the test restores the folder.
type stand struct {
	dir     string
	files   map[string][]byte
	state   string
	secrets []string // keys: no command ever prints one
	private []string // claims and tokens: no command shows one on stderr
}

// newStand makes the folder. The keys that sign and open are from the test data, so that a token of
// one process opens in all.
func newStand(f *testing.F) *stand {
	f.Helper()
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "SEALJWT_PASSPHRASE_FILE"} {
		f.Setenv(name, "")
	}
	s := &stand{dir: f.TempDir()}
	at := func(name string) string { return filepath.Join(s.dir, name) }
	f.Setenv("HOME", s.dir)
	f.Setenv("SEALJWT_RING", at("ring"))
	f.Setenv("SEALJWT_KEK_FILE", at("kek"))
	must := func(stdin string, args ...string) []byte {
		f.Helper()
		var out, errs bytes.Buffer
		if code := run(f.Context(), args, strings.NewReader(stdin), &out, &errs); code != console.ExitDone {
			f.Fatalf("%q: exit code %d: %s", args, code, errs.String())
		}
		return out.Bytes()
	}
	must("", "keys", "init")
	for _, args := range [][]string{{"ed25519.pem", "--use", "sig"}, {"p256.pem", "--use", "enc"}} {
		must("", append([]string{"keys", "import", "--state", "active", "--insecure-skip-window", "../../../testdata/keys/" + args[0]}, args[1:]...)...)
	}
	s.files = map[string][]byte{
		"claims": []byte(standClaims), "jwks": must("", "keys", "export"), "token": must(standClaims, "seal"), "key": standKey(f),
		"part": must(standClaims, "seal", "--selective", "--visible", "scope", "--allow-readable", "sub"),
		"pem":  testKeyFile(f, "ed25519-public.pem"), "cert": testKeyFile(f, "certificate.pem"), // of the keys that sign and open
		"log": []byte("a line\nBearer " + compact(someHeader, standClaims, "signature") + "\n"),
	}
	for _, name := range []string{"ring", "kek", "kek.seen"} {
		data, err := os.ReadFile(at(name))
		if err != nil {
			f.Fatal(err)
		}
		s.files[name] = data
	}
	var key struct{ D string }
	if err := json.Unmarshal(s.files["key"], &key); err != nil || len(key.D) < 40 {
		f.Fatalf("the key has no private half (%v)", err)
	}
	s.secrets = append(spellings(s.files["kek"]), string(s.files["kek"]))
	private := append(privateMember.FindAllSubmatch(ringText(f, s.files["ring"], s.files["kek"]), -1), [][]byte{nil, []byte(key.D)})
	if len(private) < 4 { // two imported keys, at least one of init, and the key in a file
		f.Fatalf("%d private keys", len(private))
	}
	for _, d := range private {
		octets, err := base64.RawURLEncoding.DecodeString(string(d[1]))
		if err != nil {
			f.Fatal(err)
		}
		s.secrets = append(s.secrets, spellings(octets)...)
	}
	s.private = []string{canaryEmail, canarySubject, strings.TrimSpace(string(s.files["token"])), strings.TrimSpace(string(s.files["part"]))}
	// The names are relative from here on, like those that the fuzzing engine finds.
	f.Setenv("SEALJWT_RING", "ring")
	f.Setenv("SEALJWT_KEK_FILE", "kek")
	s.restore(f)
	return s
}

// spellings returns the texts in which a command might print a key.
func spellings(key []byte) []string {
	return []string{
		base64.RawURLEncoding.EncodeToString(key), base64.RawStdEncoding.EncodeToString(key), fmt.Sprintf("%x", key), fmt.Sprintf("%X", key),
	}
}

// ringText returns the plaintext of a ring, with all private keys.
func ringText(f *testing.F, ring, kek []byte) []byte {
	f.Helper()
	var file struct {
		Slots []struct{ JWE string }
		Ring  string
	}
	if err := json.Unmarshal(ring, &file); err != nil {
		f.Fatal(err)
	}
	decrypt := func(compact string, alg jose.KeyAlgorithm, key []byte) []byte {
		jwe, err := jose.ParseEncryptedCompact(compact, []jose.KeyAlgorithm{alg}, []jose.ContentEncryption{jose.A256CBC_HS512})
		if err != nil {
			f.Fatal(err)
		}
		text, err := jwe.Decrypt(key)
		if err != nil {
			f.Fatal(err)
		}
		return text
	}
	return decrypt(file.Ring, jose.DIRECT, decrypt(file.Slots[0].JWE, jose.A256KW, kek))
}

func testKeyFile(f *testing.F, name string) []byte {
	f.Helper()
	data, err := os.ReadFile("../../../testdata/keys/" + name)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// standKey returns a private JWK of the test data.
func standKey(f *testing.F) []byte {
	f.Helper()
	text, err := os.ReadFile("../../../testdata/tokens/default.json")
	if err != nil {
		f.Fatal(err)
	}
	var g struct{ Recipient json.RawMessage }
	if err := json.Unmarshal(text, &g); err != nil {
		f.Fatal(err)
	}
	return g.Recipient
}

// look describes the files. It leaves out the trace of a lock.
func (s *stand) look(t testing.TB) string {
	t.Helper()
	list, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(e.Name()) != ".lock" {
			fmt.Fprintln(&b, e.Name(), info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

func (s *stand) restore(t testing.TB) {
	t.Helper()
	list, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range s.files {
		if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.state = s.look(t)
}
