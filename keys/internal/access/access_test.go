package access

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

const (
	us     = 65532
	volume = 4242 // the fsGroup of the volume
)

// kubelet returns the facts of a file of ours on a volume that kubelet has just mounted.
func kubelet(mode fs.FileMode, changes ...func(*Facts)) Facts {
	f := Facts{
		Mode: mode, UID: us, GID: volume, FolderMode: fs.ModeDir | fs.ModeSetgid | 0o770, FolderGID: volume,
		Process: Process{UID: us, Groups: []int{100, volume}, GOOS: "linux"},
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

// Each change makes one fact differ from a file that kubelet has mounted.
var (
	plainFolder  = func(f *Facts) { f.FolderMode &^= fs.ModeSetgid }
	otherFolder  = func(f *Facts) { f.FolderGID = 100 }
	foreignGroup = func(f *Facts) { f.Process.Groups = []int{100} }
	noGroups     = func(f *Facts) { f.Process.Groups = nil }
	rootsFile    = func(f *Facts) { f.UID = 0 }
	othersFile   = func(f *Facts) { f.UID = 1000 }
	readOnly     = func(f *Facts) { f.ReadOnly = true }
	asRoot       = func(f *Facts) { f.Process.UID, f.UID = 0, 0 }
	darwin       = func(f *Facts) { f.Process.GOOS = "darwin" }
	freebsd      = func(f *Facts) { f.Process.GOOS = "freebsd" }
	windows      = func(f *Facts) { f.UID, f.GID, f.Process = -2, -2, Process{UID: -1, GOOS: "windows"} }
	staffs       = func(f *Facts) { f.GID = 20 }
)

// Each of these texts stands in one advice of a refusal and in no other.
const (
	passes     = ""
	chmod      = "chmod 600 /v/f"
	chown      = "or if you know that the file is yours: chown 65532 /v/f"
	asOwner    = "this process runs as uid 0: run it as that user: ls -ld /v/f"
	onMismatch = "chmod 600 /v/f (Kubernetes widens it at the next mount, unless the pod sets fsGroupChangePolicy: OnRootMismatch)"
	declare    = "defaultMode: 0440 with an fsGroup in Kubernetes, mode: 0400 with the uid of this process in Docker"
	elsewhere  = "keep files with secrets on Linux or macOS"
	remount    = "mount it writable, then: chmod 600 /v/f"
)

func TestDecide(t *testing.T) {
	for name, c := range map[string]struct {
		facts        Facts
		ring, secret string
	}{
		"0600":                              {kubelet(0o600), passes, passes},
		"0600, plain folder":                {kubelet(0o600, plainFolder, noGroups), passes, passes},
		"0600 on macOS":                     {kubelet(0o600, darwin, staffs), passes, passes},
		"0600 on Windows":                   {kubelet(0o600, windows), elsewhere, elsewhere},
		"0400 on Windows":                   {kubelet(0o400, windows), elsewhere, elsewhere},
		"0400":                              {kubelet(0o400), passes, passes},
		"0600 of root":                      {kubelet(0o600, rootsFile), chown, passes},
		"0600 of root, and we are root":     {kubelet(0o600, asRoot), passes, passes},
		"0600 of another user":              {kubelet(0o600, othersFile), chown, passes},
		"fsGroup":                           {kubelet(0o660), passes, passes},
		"fsGroup, file of 0400":             {kubelet(0o460), passes, passes},
		"fsGroup, read-only volume":         {kubelet(0o640, readOnly), passes, passes},
		"fsGroup, written only":             {kubelet(0o620), passes, passes},
		"fsGroup, we are root":              {kubelet(0o660, asRoot), passes, passes},
		"fsGroup, plain folder":             {kubelet(0o660, plainFolder), chmod, chmod},
		"fsGroup, folder of another group":  {kubelet(0o660, otherFolder), onMismatch, onMismatch},
		"fsGroup, group that is not ours":   {kubelet(0o660, foreignGroup), onMismatch, onMismatch},
		"fsGroup, no groups":                {kubelet(0o660, noGroups), onMismatch, onMismatch},
		"fsGroup, file of root":             {kubelet(0o660, rootsFile), chown, declare},
		"fsGroup, file of another user":     {kubelet(0o660, othersFile), chown, declare},
		"fsGroup on macOS":                  {kubelet(0o660, darwin), chmod, chmod},
		"fsGroup on FreeBSD":                {kubelet(0o660, freebsd), chmod, chmod},
		"0670":                              {kubelet(0o670), onMismatch, onMismatch},
		"0662":                              {kubelet(0o662), onMismatch, onMismatch},
		"0664":                              {kubelet(0o664), onMismatch, onMismatch},
		"0664 of root, read-only mount":     {kubelet(0o664, rootsFile, readOnly), chown, declare},
		"0620, plain folder":                {kubelet(0o620, plainFolder), chmod, chmod},
		"0640, plain folder":                {kubelet(0o640, plainFolder), chmod, passes},
		"0640, group that is not ours":      {kubelet(0o640, foreignGroup, plainFolder), chmod, passes},
		"0640, read-only mount":             {kubelet(0o640, readOnly, plainFolder), remount, passes},
		"0640 of staff on Linux":            {kubelet(0o640, staffs, plainFolder), chmod, passes},
		"0640 of staff on macOS":            {kubelet(0o640, darwin, staffs), chmod, chmod},
		"0440 of staff on macOS":            {kubelet(0o440, darwin, staffs), chmod, chmod},
		"0640 of another group on macOS":    {kubelet(0o640, darwin), chmod, passes},
		"secret, 0440":                      {kubelet(0o440, rootsFile, readOnly), chown, passes},
		"secret, 0444":                      {kubelet(0o444, rootsFile, readOnly, foreignGroup), chown, passes},
		"secret, 0644":                      {kubelet(0o644, rootsFile, readOnly, foreignGroup), chown, passes},
		"secret, 0404":                      {kubelet(0o404, rootsFile, readOnly), chown, passes},
		"secret, 0444, and we are root":     {kubelet(0o444, asRoot, readOnly), remount, passes},
		"secret, 0444 of another user":      {kubelet(0o444, othersFile, readOnly), chown, declare},
		"secret, 0444 of ours":              {kubelet(0o444, readOnly), remount, declare},
		"secret, 0444, writable mount":      {kubelet(0o444, rootsFile), chown, declare},
		"secret, 0646":                      {kubelet(0o646, rootsFile, readOnly), chown, declare},
		"secret, 0666":                      {kubelet(0o666, rootsFile, readOnly), chown, declare},
		"secret, 0544":                      {kubelet(0o544, rootsFile, readOnly), chown, declare},
		"secret, 0445":                      {kubelet(0o445, rootsFile, readOnly), chown, declare},
		"0644 of ours":                      {kubelet(0o644, plainFolder), chmod, chmod},
		"0644 of another user, we are root": {kubelet(0o644, asRoot, othersFile, plainFolder), asOwner, chmod},
	} {
		for purpose, want := range map[Purpose]string{Ring: c.ring, Secret: c.secret} {
			err := c.facts.Decide(purpose, "the file", "/v/f")
			got := ""
			if err != nil {
				got = err.Error()
			}
			if err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("%s, purpose %d: %v, want ErrRefused", name, purpose, err)
			}
			if (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("%s, purpose %d: %q, want %q", name, purpose, got, want)
			}
			if want == asOwner && !strings.HasSuffix(got, asOwner) {
				t.Errorf("%s, purpose %d: after that its service refuses the ring: %q", name, purpose, got)
			}
			if want == declare && strings.Contains(got, chmod) != (c.facts.UID == us) {
				t.Errorf("%s, purpose %d: after that this process reads it no more: %q", name, purpose, got)
			}
			if want == chmod && !strings.HasSuffix(got, chmod) {
				t.Errorf("%s, purpose %d: more than one advice: %q", name, purpose, got)
			}
			open := fmt.Sprintf("the file is open to others (mode %04o)", c.facts.Mode.Perm())
			if want == elsewhere {
				open = "the file cannot be used: on windows"
			}
			if got != "" && want != chown && want != asOwner && !strings.HasPrefix(got, open) {
				t.Errorf("%s, purpose %d: the text does not name the problem: %q", name, purpose, got)
			}
		}
	}
}

// No file passes that every user can write, or that the group or others can execute. Without
// kubelet's folder only the owner may reach a ring, and at most a group may read a secret.
func TestEveryMode(t *testing.T) {
	for mode := range fs.FileMode(0o1000) {
		for name, f := range map[string]Facts{
			"as kubelet leaves it": kubelet(mode), "secret": kubelet(mode, rootsFile, readOnly), "by hand": kubelet(mode, plainFolder),
			"root's secret": kubelet(mode, asRoot, readOnly),
		} {
			ring, secret := f.Decide(Ring, "f", "f") == nil, f.Decide(Secret, "f", "f") == nil
			if (ring || secret) && mode&0o013 != 0 {
				t.Errorf("%s: mode %04o passes", name, mode)
			}
			if name == "by hand" && (ring != (mode&0o077 == 0) || secret != (mode&0o137 == 0)) {
				t.Errorf("%s: mode %04o: ring %v, secret %v", name, mode, ring, secret)
			}
			if ring && mode&0o007 != 0 {
				t.Errorf("%s: a ring of mode %04o passes", name, mode)
			}
		}
	}
}
