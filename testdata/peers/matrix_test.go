package peers

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// matrix is the result of TestMatrix. It is printed last, where a reader sees it.
var matrix string

func TestMain(m *testing.M) {
	status := m.Run()
	fmt.Print(matrix)
	os.Exit(status)
}

// TestMatrix seals with every combination of algorithms. Every peer opens our tokens, and we open
// the tokens of every peer. golang-jwt, which does not encrypt, verifies selective tokens.
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
	t.Run("golang-jwt", func(t *testing.T) { rows = slices.Insert(rows, 3, golangJWTRow(t, us)) })
	matrix = markdown(rows)
	if os.Getenv("SEALJWT_UPDATE") != "" {
		for _, r := range rows {
			if len(r.cells) == 0 {
				t.Fatalf("%s is not there, and README.md has a row for each peer", r.peer)
			}
		}
		writeMatrix(t, matrix)
	}
	pinned(t, rows[:4])
}

// pinned looks in README.md for the rows of the peers whose versions this module fixes.
func pinned(t *testing.T, rows []row) {
	t.Helper()
	for line := range strings.Lines(markdown(rows)) {
		if strings.HasPrefix(line, "|") {
			readmeSays(t, line)
		}
	}
}

// The matrix stands in README.md between these lines. TestMatrix writes it there anew with
//
//	SEALJWT_PEERS=require SEALJWT_UPDATE=1 go test -count=1 -run '^TestMatrix$' .
const (
	matrixBegin = "<!-- The matrix, written by TestMatrix. -->\n\n"
	matrixEnd   = "\n<!-- The end of the matrix. -->\n"
)

// writeMatrix replaces the matrix in README.md.
func writeMatrix(t *testing.T, table string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(readme), matrixBegin)
	_, after, ends := strings.Cut(rest, matrixEnd)
	if !begins || !ends {
		t.Fatal("README.md lacks the lines around the matrix")
	}
	if err := os.WriteFile("README.md", []byte(before+matrixBegin+table+matrixEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readmeSays fails the test if README.md lacks a figure that the test has measured.
func readmeSays(t *testing.T, figure string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), figure) {
		t.Errorf("README.md does not say\n%s", figure)
	}
}

// thousands returns a number of four digits in the notation of README.md.
func thousands(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }

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
