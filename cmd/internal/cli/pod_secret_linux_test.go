package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/consoletest"
)

const kekText = "AP/7++vvvmJpbmFyeSBrZXkgZmlsZSAwMTIzNDU2Nw0=" // of 32 bytes

// The key file or the passphrase is a secret of the platform and belongs to another user. The ring
// is on a volume.
func TestMountedSecrets(t *testing.T) {
	for _, mode := range []fs.FileMode{0o440, 0o640, 0o444, 0o644, 0o660} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			p := newPod(t)
			p.volume("data")
			p.secret("secret", kekText, mode, p.group)
			for _, flag := range []string{"--kek-file=", "--passphrase-file="} {
				flag += p.path("secret/kek")
				init := []string{"keys", "init", flag, "--ring", p.path("data/" + strconv.Itoa(len(flag)))}
				switch {
				case mode&0o004 == 0 && mode&0o020 == 0:
					p.must("", init...)
					if strings.HasPrefix(flag, "--kek-file=") { // a passphrase takes half a second each time
						p.round(init[2:]...)
					}
				case p.user == nil:
					p.refused(fmt.Sprintf("(mode %04o): chmod 600 ", mode), init...)
				default:
					p.refused(fmt.Sprintf("(mode %04o): set its mode where the mount is declared: defaultMode: 0440", mode), init...)
				}
			}
		})
	}
}

// The same holds on read-only mounts. The test starts itself in a mount namespace of its own for
// them.
func TestReadOnlyMounts(t *testing.T) {
	if folder := os.Getenv(podFolder); folder != "" {
		testReadOnlyMounts(podIn(t, folder))
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	p := newPod(t)
	self := exec.Command("/proc/self/exe", "-test.run=^TestReadOnlyMounts$", "-test.v")
	self.Env = append(os.Environ(), podFolder+"="+p.folder)
	self.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := self.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("this root makes no mount namespace: %v", err)
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("%s", out)
	}
}

func testReadOnlyMounts(p *pod) {
	mount := func(name string) {
		p.t.Helper()
		p.do(os.Mkdir(p.path(name), 0o755))
		if err := syscall.Mount("tmpfs", p.path(name), "tmpfs", 0, "size=1m,mode=755"); err != nil {
			p.t.Skipf("this root cannot mount: %v", err)
		}
	}
	freeze := func(name string) {
		p.t.Helper()
		p.do(syscall.Mount("", p.path(name), "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	}
	p.volume("data")
	type secret struct {
		mode   fs.FileMode
		owner  int
		passes bool
	}
	for i, s := range []secret{
		{0o444, 0, true}, {0o644, 0, true}, {0o440, 0, true},
		{0o444, 1000, false}, {0o444, podUser, false}, {0o664, 0, false}, {0o666, 0, false}, {0o555, 0, false},
	} {
		name := fmt.Sprintf("secret%d", i)
		mount(name)
		p.secret(name, kekText+"\n", s.mode, podGroup)
		p.do(os.Chown(p.path(name+"/..data/kek"), s.owner, -1))
		for _, flag := range []string{"--kek-file=", "--passphrase-file="} {
			init := []string{"keys", "init", flag + p.path(name+"/kek"), "--ring", p.path("data/ring" + flag[2:3] + strconv.Itoa(i))}
			// While the mount is writable, a secret that every user can read is refused.
			if s.mode&0o004 != 0 {
				p.refused("is open to others", init...)
			}
		}
		freeze(name)
		for _, flag := range []string{"--kek-file=", "--passphrase-file="} {
			init := []string{"keys", "init", flag + p.path(name+"/kek"), "--ring", p.path("data/ring" + flag[2:3] + strconv.Itoa(i))}
			if !s.passes {
				p.refused(fmt.Sprintf("(mode %04o): set its mode where the mount is declared", s.mode), init...)
				continue
			}
			p.must("", init...)
			if flag == "--kek-file=" {
				p.round(init[2:]...)
			}
		}
	}

	// For other private keys the command only warns. The advice can be followed there. On a
	// read-only mount there is no warning.
	p.must("", "keys", "init")
	cert, key, err := consoletest.NewCertificate()
	p.do(err, os.WriteFile(p.path("cert"), cert, 0o644))
	mount("tls")
	p.secret("tls", string(key), 0o644, 0)
	imports := []string{"keys", "import", "--use", "enc", p.path("tls/kek")}
	serves := []string{"jwks", "serve", "--ring", p.path("data/nosuch"), "--addr", "127.0.0.1:0", "--tls-cert", p.path("cert"), "--tls-key", p.path("tls/kek")}
	const warning = "is open to others (mode 0644): set its mode where the mount is declared: "
	for _, isFrozen := range []bool{false, true} {
		if isFrozen {
			freeze("tls")
		}
		for _, args := range [][]string{imports, serves} {
			if _, stderr, _ := p.run("", args...); strings.Contains(stderr, warning) == isFrozen || isFrozen && strings.Contains(stderr, "warning") {
				p.t.Errorf("read-only %v: sealjwt %v: %s", isFrozen, args, stderr)
			}
		}
	}

	// The whole ring is on a read-only volume. Tokens open, and nothing changes.
	mount("data2")
	flags := []string{"--ring", p.path("data2/ring"), "--kek-file", p.path("data2/kek")}
	with := func(args ...string) []string { return append(args, flags...) }
	p.remount("data2", 0o660)
	p.must("", with("keys", "init")...)
	token := p.must(`{"sub":"ada"}`, with("seal", "--iss", "https://i.example", "--aud", "https://a.example")...)
	p.remount("data2", 0o440)
	freeze("data2")
	p.must(token, with("open", "--iss", "https://i.example", "--aud", "https://a.example")...)
	if _, stderr, code := p.run("", with("keys", "rotate", "--use", "sig", "--now", "--insecure-skip-window")...); code != console.ExitIO ||
		!strings.Contains(stderr, "mount it writable") {
		p.t.Errorf("a rotation on a read-only volume: exit code %d: %s", code, stderr)
	}
}

// The key comes through a pipe, which the shell made for <(…) or which is a file descriptor.
func TestKeyFromPipe(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	p := newPod(t)
	p.volume("data")
	script := `set -e
sealjwt() { (exec -a sealjwt "$SELF" "$@"); }
sealjwt keys init --kek-file <(printf '%s\n' "$KEK")
sealjwt keys list --kek-file <(printf '%s' "$KEK" | base64 -d)
printf '%s\r\n' "$KEK" | sealjwt keys list --kek-file /dev/stdin
sealjwt keys list --kek-file /dev/fd/7 7< <(printf '%s' "$KEK")
! sealjwt keys list --kek-file <(yes)
! sealjwt keys list --kek-file <(true)
`
	cmd := exec.Command(bash, "-c", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "KEK=" + kekText, "SELF=" + p.self(), "SEALJWT_RING=" + p.path("data/ring")}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.user}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for _, want := range []string{"has 64 bytes or more", "no process has written to it"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no text says %q:\n%s", want, out)
		}
	}
	if lines := strings.Count(string(out), "active"); lines < 2*3 {
		t.Errorf("the three listings name %d active keys:\n%s", lines, out)
	}
	if entries, err := os.ReadDir(p.path("data")); err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "kek" }) {
		t.Errorf("the key was written down: %v (%v)", entries, err)
	}
}
