package cli

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A ring and its key file are on a volume with an fsGroup. The volume is mounted again and again.
func TestVolumeWithGroup(t *testing.T) {
	p := newPod(t)
	p.volume("data")
	p.must("", "keys", "init")
	p.round()
	for range 2 {
		p.remount("data", 0o660)
		for _, file := range []string{"data/ring", "data/ring.lock", "data/kek"} {
			p.wantMode(file, 0o660)
		}
		p.round()
		p.wantMode("data/ring", 0o600)
		p.wantMode("data/ring.lock", 0o600)
		p.wantMode("data/kek", 0o660)
	}

	p.do(os.Chmod(p.path("data/kek"), 0o400))
	p.remount("data", 0o440) // for a pod that only opens
	p.wantMode("data/ring", 0o640)
	p.wantMode("data/kek", 0o440)
	p.round()

	// kubelet did not make this file wide.
	p.remount("data", 0o660)
	p.do(os.Chmod(p.path("data"), 0o770))
	p.refused("the ring is open to others (mode 0660): chmod 600 ", "keys", "list")
	p.do(os.Chmod(p.path("data/ring"), 0o600))
	p.refused("kek is open to others (mode 0660): chmod 600 ", "keys", "list")
	p.do(os.Chmod(p.path("data/kek"), 0o600))
	p.refused("the lock is open to others (mode 0660): chmod 600 ", "keys", "rotate", "--use", "sig", "--now", "--insecure-skip-window")
}

// The process is not in the group of a volume, or a file on it belongs to another user.
func TestVolumeOfOthers(t *testing.T) {
	p := newPod(t)
	if p.user == nil {
		t.Skip("only root gives files to others")
	}
	p.volume("data")
	p.must("", "keys", "init")
	p.remount("data", 0o660)
	p.user.Groups = nil
	p.do(os.Chmod(p.path("data"), 0o775|fs.ModeSetgid)) // otherwise the user could not enter it
	p.refused("chmod 600 "+p.path("data/ring")+" (Kubernetes widens it at the next mount, unless the pod sets fsGroupChangePolicy: OnRootMismatch)", "keys", "list")
	p.user.Groups = []uint32{podGroup}
	p.do(os.Chown(p.path("data/ring"), 65532, -1))
	p.refused("belongs to uid 65532 and this process runs as uid "+strconv.Itoa(podUser), "keys", "list")
}

// Every user may write to an emptyDir. The ring is in a folder below it.
func TestEmptyDir(t *testing.T) {
	p := newPod(t)
	p.volume("empty")
	p.do(os.Chmod(p.path("empty"), 0o777|fs.ModeSetgid))
	p.refused("or keep the ring in a new folder below it", "keys", "init", "--ring", p.path("empty/ring"), "--kek-file", p.path("empty/kek"))
	flags := []string{"--ring", p.path("empty/sealjwt/ring"), "--kek-file", p.path("empty/sealjwt/kek")}
	p.must("", append([]string{"keys", "init"}, flags...)...)
	p.remount("empty", 0o660)
	p.round(flags...)
}

// The user has no name and no HOME. If both paths are given, the command needs neither.
func TestUserWithoutName(t *testing.T) {
	p := newPod(t)
	p.volume("data")
	p.must("", "keys", "init")
	log := p.must("", "keys", "log")
	if p.user != nil && !strings.Contains(log, "uid "+strconv.Itoa(podUser)) {
		t.Errorf("the log does not name the user: %s", log)
	}
}
