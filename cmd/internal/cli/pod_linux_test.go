package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// The command runs as platforms run it: as a user that is not root, without a name and a HOME, with
// the group of a volume besides its own. If the test runs as root it starts the command in this
// way. Otherwise it uses its own user, with one of that user's groups.
const (
	podUser   = 1000730000 // OpenShift draws such numbers
	podGroup  = 4242       // the fsGroup
	podFolder = "SEALJWT_TEST_POD"
)

// pod is a folder as a container sees it, and the user of the container.
type pod struct {
	t      *testing.T
	folder string
	user   *syscall.Credential // nil: the test is not root
	group  int
	env    []string // besides that of run
}

func newPod(t *testing.T) *pod {
	t.Helper()
	// The folder of t.TempDir is below one that only root can enter.
	folder, err := os.MkdirTemp("", "pod")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return podIn(t, folder)
}

func podIn(t *testing.T, folder string) *pod {
	t.Helper()
	p := &pod{t: t, folder: folder, group: os.Getegid()}
	p.do(os.Chmod(folder, 0o755))
	if os.Geteuid() == 0 {
		p.user, p.group = &syscall.Credential{Uid: podUser, Gid: podUser, Groups: []uint32{podGroup}}, podGroup
	}
	return p
}

func (p *pod) do(errs ...error) {
	p.t.Helper()
	if err := errors.Join(errs...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pod) path(name string) string { return filepath.Join(p.folder, name) }

// volume makes a folder like kubelet for this pod: root owns it, and the group can write to it.
func (p *pod) volume(name string) {
	p.t.Helper()
	p.do(os.Mkdir(p.path(name), 0o755))
	p.remount(name, 0o660)
}

// remount gives all files of a volume to the group and widens their modes, like kubelet at each
// mount. It adds permissions to every file, 0660 or 0440 for a read-only volume, and the setgid bit
// to every folder. It leaves symbolic links alone.
func (p *pod) remount(name string, add fs.FileMode) {
	p.t.Helper()
	p.do(filepath.WalkDir(p.path(name), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode() | add
		if d.IsDir() {
			mode |= fs.ModeSetgid | 0o110
		}
		return errors.Join(os.Chown(path, -1, p.group), os.Chmod(path, mode))
	}))
}

// secret makes a folder like kubelet for a secret: root owns it, and two links lead to the file.
func (p *pod) secret(name, content string, mode fs.FileMode, group int) {
	p.t.Helper()
	file := p.path(name + "/..2026_11_30/kek")
	p.do(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o600), os.Chown(file, -1, group), os.Chmod(file, mode),
		os.Symlink("..2026_11_30", p.path(name+"/..data")), os.Symlink("..data/kek", p.path(name+"/kek")))
}

// run runs the command in the container, and returns its output and its exit code.
func (p *pod) run(stdin string, args ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	var out, errs bytes.Buffer
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{"sealjwt"}, args...), Dir: "/",
		Env:   []string{"PATH=" + os.Getenv("PATH"), "SEALJWT_RING=" + p.path("data/ring"), "SEALJWT_KEK_FILE=" + p.path("data/kek")},
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
		SysProcAttr: &syscall.SysProcAttr{Credential: p.user},
	}
	cmd.Env = append(cmd.Env, p.env...)
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		p.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs the command, which must succeed. It returns the output.
func (p *pod) must(stdin string, args ...string) string {
	p.t.Helper()
	stdout, stderr, code := p.run(stdin, args...)
	if code != console.ExitDone {
		p.t.Fatalf("sealjwt %v: exit code %d: %s", args, code, stderr)
	}
	return stdout
}

// refused runs the command, which must refuse a file or a key with this text.
func (p *pod) refused(want string, args ...string) {
	p.t.Helper()
	stdout, stderr, code := p.run("", args...)
	if code != console.ExitKey || stdout != "" || !strings.Contains(stderr, want) {
		p.t.Errorf("sealjwt %v: exit code %d, want %d and %q: %s%s", args, code, console.ExitKey, want, stdout, stderr)
	}
}

// wantMode checks the permissions of a file of the pod.
func (p *pod) wantMode(name string, want fs.FileMode) {
	p.t.Helper()
	info, err := os.Stat(p.path(name))
	p.do(err)
	if got := info.Mode().Perm(); got != want {
		p.t.Errorf("%s has mode %04o, want %04o", name, got, want)
	}
}

// round looks at the ring, seals and opens a token, and rotates the ring.
func (p *pod) round(flags ...string) {
	p.t.Helper()
	with := func(args ...string) []string { return append(args, flags...) }
	p.must("", with("keys", "list")...)
	const who, me = "https://id.example.com", "https://api.example.com"
	token := p.must(`{"sub":"ada"}`, with("seal", "--iss", who, "--aud", me)...)
	if claims := p.must(token, with("open", "--iss", who, "--aud", me)...); !strings.Contains(claims, `"sub":"ada"`) {
		p.t.Errorf("opened as %s", claims)
	}
	p.must("", with("keys", "rotate", "--use", "sig", "--now", "--insecure-skip-window")...)
}

// self returns a path to this binary at which the user of the pod can run it.
func (p *pod) self() string {
	p.t.Helper()
	binary, err := os.ReadFile("/proc/self/exe")
	p.do(err)
	p.do(os.WriteFile(p.path("self"), binary, 0o755), os.Chmod(p.path("self"), 0o755))
	return p.path("self")
}
