package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// databases are databases in memory, by the text of their store file. After a number of writes
// they fail.
type databases struct {
	t      *testing.T
	home   string
	rings  map[string]keyring.Store
	writes int   // that are left; negative for ever
	err    error // of the write after them
}

func newDatabases(t *testing.T) *databases {
	needsRing(t)
	d := &databases{t, t.TempDir(), make(map[string]keyring.Store), -1, errors.New("the network is down")}
	t.Setenv("HOME", d.home)
	t.Chdir(d.home)
	for _, name := range []string{"one", "two", "three"} {
		if err := os.WriteFile(name, []byte("db-"+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *databases) open(_ context.Context, name, connection string) (keyring.Store, string, error) {
	key := "mem://" + connection + "/" + name
	if d.rings[key] == nil {
		d.rings[key] = keyring.NewMemStore()
	}
	return failingStore{d.rings[key], d}, key, nil
}

type failingStore struct {
	keyring.Store
	d *databases
}

func (s failingStore) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	if s.d.writes == 0 {
		return "", s.d.err
	}
	s.d.writes--
	return s.Store.Swap(ctx, prev, doc)
}

// run runs a command line, checks its exit code, and returns what it says.
func (d *databases) run(code int, line string) string {
	d.t.Helper()
	var out, errs bytes.Buffer
	options := Options{Name: "sealjwt-fleet", Stores: map[string]OpenStore{"mem": d.open}}
	if got := Run(d.t.Context(), options, strings.Fields(line), strings.NewReader(""), &out, &errs); got != code {
		d.t.Fatalf("%s: exit code %d, want %d: %s", line, got, code, &errs)
	}
	return errs.String()
}

// runs runs a command line that wants a text.
func (d *databases) says(code int, line, want string) {
	d.t.Helper()
	if got := d.run(code, line); !strings.Contains(got, want) {
		d.t.Errorf("%s: %q lacks %q", line, got, want)
	}
}

// stop makes so many writes of a copy.
func (d *databases) stop(writes int, line string) {
	d.t.Helper()
	d.writes = writes
	d.says(console.ExitIO, line, "sealjwt-fleet: the ring was not moved, or not to the end: the network is down: run the same command again: it goes on from there\n")
	d.writes = -1
}

// Rings in several databases have one name. A copy replaces neither the only copy of another ring
// nor a mark, and its texts and hints tell the databases apart.
func TestCopyBetweenDatabases(t *testing.T) {
	d := newDatabases(t)
	d.run(console.ExitDone, "keys init --ring mem:idp --store-file one")
	d.run(console.ExitDone, "keys init --ring mem:idp --store-file three")
	const oneToTwo = "keys copy --from mem:idp --from-store-file one --to mem:idp --to-store-file two"
	const ends = "a move of the ring mem:idp (mem://db-one/idp) to here has not ended: to end it, with the connection to mem:idp (mem://db-one/idp) in a FILE of its own: " +
		"sealjwt-fleet keys copy --from mem:idp --from-store-file FILE --to mem:idp --to-store-file two\n"
	d.stop(2, oneToTwo)
	d.says(console.ExitKey, "keys copy --from mem:idp --from-store-file three --to mem:idp --to-store-file two", ends)
	d.says(console.ExitKey, "keys copy --keep --from mem:idp --from-store-file three --to mem:idp --to-store-file two", "there is a ring already: a move of the ring")
	d.says(console.ExitKey, "keys copy --from mem:idp --from-store-file two --to mem:new --to-store-file three", ends)
	for _, verb := range []string{"list", "init", "slots", "rotate --dry-run", "check", "accept"} {
		d.says(console.ExitKey, "keys "+verb+" --ring mem:idp --store-file two", ends)
	}
	d.says(console.ExitDone, oneToTwo, "the move of the ring mem:idp to mem:idp is done")
	d.says(console.ExitDone, oneToTwo, "the move of the ring mem:idp to mem:idp is done")
	d.run(console.ExitDone, "keys list --ring mem:idp --store-file two")
	for _, verb := range []string{"list", "init", "slots", "rotate --dry-run", "check", "accept"} {
		d.says(console.ExitKey, "keys "+verb+" --ring mem:idp --store-file one",
			"the ring was moved to mem:idp (mem://db-two/idp): name that place with --ring, and its connection with --store-file\n")
	}
	d.says(console.ExitKey, "keys copy --from mem:idp --from-store-file three --to mem:idp --to-store-file one",
		"mem:idp: there is a ring already: the mark of another ring: the ring was moved to mem:idp (mem://db-two/idp): name another place with --to")
	d.run(console.ExitDone, "keys copy --from mem:idp --from-store-file two --to mem:idp --to-store-file one")
}

// A move between a file and a database has stopped. The hint names the store file of the database.
func TestHintOfMoveWithFile(t *testing.T) {
	d := newDatabases(t)
	d.run(console.ExitDone, "keys init --ring mem:idp --store-file one")
	d.stop(0, "keys copy --from mem:idp --to ring --store-file one") // the file gets the first write
	path := filepath.Join(d.home, "ring")
	d.says(console.ExitKey, "keys list --ring ring", "to end it, with the connection to mem:idp (mem://db-one/idp) in a FILE of its own: "+
		"sealjwt-fleet keys copy --from mem:idp --from-store-file FILE --to ring\n")
	d.run(console.ExitDone, "keys copy --from mem:idp --from-store-file one --to ring")
	d.stop(1, "keys copy --from ring --to mem:back --store-file one")
	d.says(console.ExitKey, "keys list --ring mem:back --store-file one", " to here has not ended: to end it: sealjwt-fleet keys copy --from "+path+" --to mem:back --to-store-file one\n")
}

// A move was abandoned, and the ring went elsewhere. The command that the error names makes the
// place to which the ring did not go usable.
func TestAbandonedCopy(t *testing.T) {
	d := newDatabases(t)
	d.run(console.ExitDone, "keys init --ring mem:a --store-file one")
	for _, name := range []string{"mem:c", "mem:d"} {
		d.run(console.ExitDone, "keys init --ring mem:other"+name[4:]+" --store-file one")
		d.stop(1, "keys copy --from mem:a --to "+name+" --store-file one")
	}
	d.run(console.ExitDone, "keys copy --from mem:a --to mem:b --store-file one")
	for _, name := range []string{"mem:c", "mem:d"} {
		d.says(console.ExitKey, "keys init --store-file one --ring "+name, "keys copy --from mem:a ")
		d.says(console.ExitKey, "keys copy --store-file one --from mem:a --to "+name, "mem:a: the ring was moved to mem:b (mem://db-one/b)")
		for _, verb := range []string{"list", "slots", "check", "rotate --dry-run"} {
			d.says(console.ExitKey, "keys "+verb+" --store-file one --ring "+name, "there is no ring here yet")
		}
		d.says(console.ExitKey, "keys copy --store-file one --to mem:x --from "+name, "there is no ring here yet")
	}
	d.run(console.ExitDone, "keys init --store-file one --ring mem:c")
	d.run(console.ExitDone, "keys copy --keep --store-file one --from mem:otherd --to mem:d")
	d.run(console.ExitDone, "keys list --store-file one --ring mem:d")
}

// It is not known whether a store has made a write. A move can go on, and a backup may be there.
func TestCopyUnknownOutcome(t *testing.T) {
	d := newDatabases(t)
	d.run(console.ExitDone, "keys init --ring mem:idp --store-file one")
	d.writes, d.err = 0, keyring.ErrUnknownOutcome
	d.says(console.ExitIO, "keys copy --store-file one --from mem:idp --to mem:b", "run the same command again")
	said := d.run(console.ExitIO, "keys copy --keep --store-file one --from mem:idp --to mem:b")
	if !strings.Contains(said, "it is not known whether mem:b has the backup") || strings.Contains(said, "move") {
		t.Error(said)
	}
	d.err = errors.New("the network is down")
	for _, keep := range []string{"", "--keep "} { // the first write was not made
		if said := d.run(console.ExitIO, "keys copy "+keep+"--store-file one --from mem:idp --to mem:b"); said != "sealjwt-fleet: the network is down\n" {
			t.Error(said)
		}
	}
}

// A server follows a ring that moves away. It says where the ring is, and does not advise to put a
// backup back.
func TestRotationOfMovedRing(t *testing.T) {
	d := newDatabases(t)
	d.run(console.ExitDone, "keys init --ring ring")
	errs := new(bytes.Buffer)
	a := &App{Console: console.New("sealjwt", strings.NewReader(""), new(bytes.Buffer), errs), ring: "ring"}
	ring, err := a.openRing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.run(console.ExitDone, "keys copy --from ring --to new/ring")
	_, err = ring.Rotate(t.Context())
	a.reportSteps(time.Now)(keyring.Step{}, err)
	if said := errs.String(); !strings.Contains(said, "the rotation waits: ring: the ring was moved to "+filepath.Join(d.home, "new/ring")) || strings.Contains(said, "backup") {
		t.Error(said)
	}
	if code, text := describe(err); code != console.ExitKey || strings.Contains(text, "backup") || !strings.HasSuffix(text, ": sealjwt keys copy --help") {
		t.Errorf("exit code %d: %s", code, text)
	}
}

// The same path on two machines is two places.
func TestPlacesOfThisMachine(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	for identity, local := range map[string]bool{
		"sqlite:///srv/rings.db/idp": true, "postgres:///var/run/postgresql:5432/db/idp": true, "mysql:///tmp/mysql.sock/db/idp": true, "postgres://@sock:5432/db/idp": true,
		"mysql://localhost:3306/db/idp": true, "etcd://127.0.0.1:2379,127.0.0.1:2380/idp": true, "postgres://[::1]:5432/db/idp": true, "postgres://localhost/db/idp": true,
		"postgres://db.example.com:5432/db/idp": false, "etcd://10.0.0.1:2379,10.0.0.2:2379/idp": false, "mysql://db/db/idp": false,
	} {
		want := identity
		if local {
			want += " on " + host
		}
		if got := (ringAt{place: "x:idp", identity: identity}).named(); got.Where != want || got.Name != "x:idp" {
			t.Errorf("%s: %q, %q", identity, got.Name, got.Where)
		}
	}
	path, err := filepath.Abs("ring")
	if err != nil {
		t.Fatal(err)
	}
	if got := (ringAt{place: "ring", identity: "ring"}).named(); got.Name != path || got.Where != path+" on "+host {
		t.Errorf("%q, %q", got.Name, got.Where)
	}
}
