package keyring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/ringjwe"
)

func TestKEKLength(t *testing.T) {
	for n := range 70 {
		k, err := NewKEK(make([]byte, n))
		if n == 32 {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if k != nil {
			t.Errorf("%d bytes are a KEK", n)
		}
		wantError(t, err, ErrKEK)
	}
}

// The id must be the same for ever, or no ring finds its slot again. It is no
// prefix of the key nor its plain digest.
func TestKEKID(t *testing.T) {
	if got := rawKey(t).ID(); got != "e6yTkwPgIC8KsA_P" {
		t.Errorf("id %s", got)
	}
	other := must(NewKEK(append(bytes.Clone(testKEK[:31]), 'x')))(t)
	if other.ID() == rawKey(t).ID() {
		t.Error("two keys have one id")
	}
}

func TestKEKIsCopied(t *testing.T) {
	key := bytes.Clone(testKEK)
	k := must(NewKEK(key))(t)
	clear(key)
	wrapped := wrapped1(k, make([]byte, 64))(t)
	if _, err := unwrap1(t, rawKey(t), wrapped); err != nil {
		t.Error("the caller can change the KEK")
	}
	phrase := []byte("phrase")
	p := must(PassphraseKEK(phrase))(t).(*passphraseKEK)
	clear(phrase)
	if string(p.passphrase()) != "phrase" {
		t.Error("the caller can change the passphrase")
	}
}

func TestPassphraseEmpty(t *testing.T) {
	for _, p := range [][]byte{nil, {}} {
		k, err := PassphraseKEK(p)
		if k != nil {
			t.Error("an empty passphrase is a KEK")
		}
		wantError(t, err, ErrKEK)
	}
}

func TestUnwrapRefuses(t *testing.T) {
	ringKey := bytes.Repeat([]byte{9}, 64)
	k := rawKey(t)
	jwe := wrapped1(k, ringKey)(t)
	if got, err := unwrap1(t, k, jwe); err != nil || !bytes.Equal(got, ringKey) {
		t.Fatal(err)
	}
	parts := strings.Split(jwe, ".")
	join := func(header string) string {
		return strings.Join(append([]string{b64([]byte(header))}, parts[1:]...), ".")
	}
	// A header of other bytes with the same meaning, valid in every other respect.
	e := must(jose.NewEncrypter(jose.A256CBC_HS512, jose.Recipient{Algorithm: jose.A256KW, Key: testKEK},
		(&jose.EncrypterOptions{}).WithType("JWT")))(t)
	typed := must(must(e.Encrypt(ringKey))(t).CompactSerialize())(t)
	gcm := must(jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.A256KW, Key: testKEK}, nil))(t)

	for name, jwe := range map[string]string{
		"empty":            "",
		"four parts":       strings.Join(parts[:4], "."),
		"six parts":        jwe + ".",
		"header":           join(`{"alg":"dir","enc":"A256CBC-HS512"}`),
		"header, spaces":   join(`{"alg": "A256KW","enc":"A256CBC-HS512"}`),
		"other header":     typed,
		"other content":    must(must(gcm.Encrypt(ringKey))(t).CompactSerialize())(t),
		"other key":        wrapped1(must(NewKEK(make([]byte, 32)))(t), ringKey)(t),
		"line feed":        jwe[:len(jwe)-1] + "\n" + jwe[len(jwe)-1:],
		"no encrypted key": strings.Join([]string{parts[0], "", parts[2], parts[3], parts[4]}, "."),
	} {
		if got, err := unwrap1(t, k, jwe); got != nil || !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever can write the ring chooses the number of rounds: it must be refused
// before the first one is run. Two billion rounds would take half an hour.
func TestPassphraseRounds(t *testing.T) {
	k := must(PassphraseKEK([]byte("phrase")))(t)
	tail := "." + b64(make([]byte, 72)) + "." + b64(make([]byte, 16)) + "." + b64(make([]byte, 80)) + "." + b64(make([]byte, 32))
	for name, header := range map[string]string{
		"2^31-1":      `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":2147483647,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"a million+1": `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1000001,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"2^63":        `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":9223372036854775808,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"zero":        `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":0,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"negative":    `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":-1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"fraction":    `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1.5,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"exponent":    `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":6e5,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"text":        `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":"600000","p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"absent":      `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"twice":       `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":2147483647,"p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"other alg":   `{"alg":"PBES2-HS256+A128KW","enc":"A256CBC-HS512","p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"other enc":   `{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"more":        `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA","zip":"DEF"}`,
		"order":       `{"enc":"A256CBC-HS512","alg":"PBES2-HS512+A256KW","p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"no header":   ``,
	} {
		got, err := unwrap1(t, k, b64([]byte(header))+tail)
		if got != nil || !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := unwrap1(t, k, "a.b"); !errors.Is(err, ErrUnreadable) {
		t.Error(err)
	}
	// With the right passphrase it is the header alone that decides.
	for _, options := range []*jose.EncrypterOptions{nil, (&jose.EncrypterOptions{}).WithType("JWT")} {
		e := must(jose.NewEncrypter(jose.A256CBC_HS512, jose.Recipient{
			Algorithm: jose.PBES2_HS512_A256KW, Key: k.(*passphraseKEK).passphrase(), PBES2Count: 1000, PBES2Salt: make([]byte, 16),
		}, options))(t)
		jwe := must(must(e.Encrypt(make([]byte, 64)))(t).CompactSerialize())(t)
		if _, err := unwrap1(t, k, jwe); errors.Is(err, ErrUnreadable) != (options != nil) {
			t.Errorf("another member in the header: %v, %v", options != nil, err)
		}
	}
}

func TestPassphraseRing(t *testing.T) {
	if testing.Short() {
		t.Skip("half a second for each passphrase")
	}
	store := NewMemStore()
	kek := must(PassphraseKEK([]byte("correct horse")))(t)
	ring := must(Create(t.Context(), Config{Store: store, KEK: kek}))(t)
	_, err := Open(t.Context(), Config{Store: store, KEK: must(PassphraseKEK([]byte("correct horse\n")))(t)})
	wantError(t, err, ErrUnreadable)
	_, err = Open(t.Context(), Config{Store: store, KEK: rawKey(t)})
	wantError(t, err, ErrUnreadable)

	// Each ring has a salt of its own, and 600 000 rounds.
	jwe, again := ring.snapshot.Load().slots[0].JWE, wrapped1(kek, make([]byte, 64))(t)
	var h, h2 pbes2Header
	for jwe, dst := range map[string]*pbes2Header{jwe: &h, again: &h2} {
		if err := json.Unmarshal(must(ringjwe.Split(jwe))(t).Header, dst); err != nil {
			t.Fatal(err)
		}
	}
	if h.Count != 600_000 || len(h.Salt) != 22 || h.Salt == h2.Salt {
		t.Errorf("%+v, %+v", h, h2)
	}

	// A reload does not stretch the passphrase again as long as the slots are the same.
	counting := &countingKEK{KEK: kek}
	r := must(openAt(t.Context(), Config{Store: store, KEK: counting}, ring.now))(t)
	if err := ring.importOwn(t.Context(), generated(t, keys.ES256), Staged); err != nil {
		t.Fatal(err)
	}
	if infos, err := r.Keys(t.Context()); err != nil || len(infos) != keyCount(ring) || counting.unwraps != 1 {
		t.Errorf("%d keys, %d times unwrapped, %v", len(infos), counting.unwraps, err)
	}
}

type countingKEK struct {
	KEK
	unwraps int
}

func (k *countingKEK) Unwrap(ctx context.Context, w WrappedKey) ([]byte, error) {
	k.unwraps++
	return k.KEK.Unwrap(ctx, w)
}

// fileKEK is random to KEKFile, and ends in CRLF. Its Base64 form begins with AP/7++++.
var fileKEK = []byte("\x00\xff\xfb\xfb\xef\xbebinary key file 01234567\r\n")

func fileID(t *testing.T) string {
	t.Helper()
	return must(NewKEK(fileKEK))(t).ID()
}

// writeKEK writes a file of this mode, whatever the umask.
func writeKEK(t *testing.T, content []byte, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kek")
	if err := errors.Join(os.WriteFile(path, content, 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

// Owner and group may read, the owner may write, and that is all.
func TestKEKFileModes(t *testing.T) {
	for mode := range fs.FileMode(0o1000) {
		if mode&0o400 == 0 {
			continue // only root can read it
		}
		k, err := KEKFile(writeKEK(t, fileKEK, mode))
		switch mode {
		case 0o400, 0o600, 0o440, 0o640:
			if err != nil || k.ID() != fileID(t) {
				t.Errorf("mode %04o: %v", mode, err)
			}
		default:
			if k != nil || !errors.Is(err, ErrKEK) || !strings.Contains(err.Error(), "chmod 600 ") {
				t.Errorf("mode %04o: %v", mode, err)
			}
		}
	}
}

// Kubernetes mounts a secret as ..2026/kek, with the links kek -> ..data/kek and
// ..data -> ..2026, which it turns to another folder when the secret changes.
func TestKEKFileLinks(t *testing.T) {
	dir := t.TempDir()
	link, data, folder := filepath.Join(dir, "kek"), filepath.Join(dir, "..data"), filepath.Join(dir, "..2026")
	must[any](nil, errors.Join(os.Mkdir(folder, 0o755), os.WriteFile(filepath.Join(folder, "kek"), fileKEK, 0o440),
		os.Symlink("..2026", data), os.Symlink("..data/kek", link)))(t)
	if k, err := KEKFile(link); err != nil || k.ID() != fileID(t) {
		t.Errorf("secret: %v", err)
	}
	must[any](nil, os.Chmod(filepath.Join(folder, "kek"), 0o444))(t)
	if k, err := KEKFile(link); k != nil || !errors.Is(err, ErrKEK) || !strings.Contains(err.Error(), "mode 0444") {
		t.Errorf("a link to a file that every user can read: %v", err)
	}
}

func TestKEKFile(t *testing.T) {
	dir := t.TempDir()
	fifo, open, loop := filepath.Join(dir, "fifo"), filepath.Join(dir, "open"), filepath.Join(dir, "loop")
	must[any](nil, errors.Join(syscall.Mkfifo(fifo, 0o600), syscall.Mkfifo(open, 0o600), os.Chmod(open, 0o604), os.Symlink(loop, loop)))(t)
	for path, want := range map[string]string{
		dir: "is neither a file nor a pipe", "/dev/null": "is neither a file nor a pipe", loop: "",
		fifo: "no process has written to it", open: "(mode 0604): chmod 600 ",
	} {
		k, err := KEKFile(path)
		if k != nil || !errors.Is(err, ErrKEK) || errors.Is(err, fs.ErrNotExist) ||
			!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	_, err := KEKFile(filepath.Join(dir, "missing"))
	wantError(t, err, ErrKEK)
	wantError(t, err, fs.ErrNotExist)
}

func TestCreateKEKFile(t *testing.T) {
	for _, umask := range []int{0o022, 0, 0o777} {
		path := filepath.Join(t.TempDir(), "new", "folder", "kek")
		if umask == 0o777 {
			path = filepath.Join(t.TempDir(), "kek") // folders get the umask
		}
		old := syscall.Umask(umask)
		k, err := CreateKEKFile(path)
		syscall.Umask(old)
		if err != nil {
			t.Fatalf("umask %04o: %v", umask, err)
		}
		info := must(os.Stat(path))(t)
		if info.Mode() != 0o600 || info.Size() != 32 {
			t.Errorf("umask %04o: mode %v, %d bytes", umask, info.Mode(), info.Size())
		}
		if read, err := KEKFile(path); err != nil || read.ID() != k.ID() {
			t.Errorf("it is not the KEK that was returned: %v", err)
		}
		if umask != 0o777 {
			if mode := must(os.Stat(filepath.Dir(path)))(t).Mode().Perm(); mode != 0o700 {
				t.Errorf("umask %04o: folder of mode %04o", umask, mode)
			}
		}

		if entries := must(os.ReadDir(filepath.Dir(path)))(t); len(entries) != 1 {
			t.Errorf("umask %04o: it leaves %v", umask, entries)
		}
		before := must(os.ReadFile(path))(t)
		again, err := CreateKEKFile(path)
		if again != nil {
			t.Error("replaced")
		}
		wantError(t, err, fs.ErrExist)
		wantError(t, err, ErrKEK)
		if !bytes.Equal(before, must(os.ReadFile(path))(t)) {
			t.Error("a KEK file was changed")
		}
	}
	a, b := must(CreateKEKFile(filepath.Join(t.TempDir(), "a")))(t), must(CreateKEKFile(filepath.Join(t.TempDir(), "b")))(t)
	if a.ID() == b.ID() {
		t.Error("the same KEK twice")
	}
}

// Of many who create one wins, and nobody reads half a key.
func TestCreateKEKFileTogether(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			if _, err := CreateKEKFile(path); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
			if _, err := KEKFile(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if entries := must(os.ReadDir(dir))(t); won != 1 || len(entries) != 1 {
		t.Errorf("%d won, %v is there", won, entries)
	}
}

func TestCreateKEKFileRefuses(t *testing.T) {
	dir := t.TempDir()
	file, link := writeKEK(t, fileKEK, 0o600), filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "target"), link); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a folder": dir, "below a file": filepath.Join(file, "kek"), "a dangling link": link,
	} {
		if k, err := CreateKEKFile(path); k != nil || !errors.Is(err, ErrKEK) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "target")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the link was followed")
	}
}
