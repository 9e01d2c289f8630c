package peers

import (
	"fmt"
	"os"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// matrix is what TestMatrix found; it is printed last, where it is seen.
var matrix string

func TestMain(m *testing.M) {
	status := m.Run()
	fmt.Print(matrix)
	os.Exit(status)
}

// TestMatrix seals with every combination of algorithms: a token made here opens at
// every peer, one made there opens here.
func TestMatrix(t *testing.T) {
	us := ourParty(t)
	rows := make([]row, len(peers))
	t.Run("peers", func(t *testing.T) {
		for i, of := range peers {
			t.Run(of.name, func(t *testing.T) {
				t.Parallel()
				p := of.start(t)
				rows[i] = exchange(t, of.name, p, us, theirKeys(t, of.name, p), combinations(contents...))
			})
		}
	})
	matrix = markdown(rows)
}

// TestImported does the same with our private keys read from JWKs that the peer has
// written.
func TestImported(t *testing.T) {
	for _, of := range peers {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			p := of.start(t)
			theirs := theirKeys(t, of.name, p)
			exchange(t, of.name, p, importedParty(t, theirs), theirs, combinations(contents[0]))
		})
	}
}

// exchange runs one subtest per combination and direction.
func exchange(t *testing.T, name string, p peer, us party, theirs map[keys.Suite]keyPair, all []combination) row {
	r := row{peer: name, version: p.version()}
	for _, c := range all {
		lacks := holes(name, r.version, c.sig.String(), c.alg.String())
		try := func(direction string, pass func(*testing.T, peer, party, map[keys.Suite]keyPair) error) bool {
			return t.Run(c.String()+"/"+direction, func(t *testing.T) {
				err := pass(t, p, us, theirs)
				if len(lacks) > 0 {
					err = refused(lacks, err)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		r.cells = append(r.cells, cell{
			combination: c,
			lacks:       lacks,
			there:       try("ours-opens-there", c.oursOpensThere),
			here:        try("theirs-opens-here", c.theirsOpensHere),
		})
	}
	return r
}
