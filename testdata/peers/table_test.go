package peers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
)

// row is what one peer did; without cells it was not there.
type row struct {
	peer, version string
	cells         []cell
	onlyVerifies  string // why it cannot encrypt at all, where its cells are of selective tokens
}

// cell is one combination: whether the token passed in each direction or, where
// the peer lacks an algorithm, failed as it must.
type cell struct {
	combination
	lacks       []hole
	there, here bool
}

// markdown is the matrix as it stands in the README. The contents are merged, and
// what a peer lacks shows in the column of that algorithm and in the two counts.
func markdown(rows []row) string {
	var table, notes strings.Builder
	table.WriteString("| peer |")
	for _, s := range suites() {
		fmt.Fprintf(&table, " %v |", s)
	}
	table.WriteString(" ours open there | theirs open here |\n|" + strings.Repeat(" --- |", len(suites())+3) + "\n")
	var reasons []string
	for _, r := range rows {
		if len(r.cells) == 0 {
			continue
		}
		fmt.Fprintf(&table, "| %s %s |", r.peer, r.version)
		for _, s := range suites() {
			fmt.Fprintf(&table, " %s", r.verdict(s))
			for _, why := range r.lacks(s) {
				if !slices.Contains(reasons, why) {
					reasons = append(reasons, why)
					fmt.Fprintf(&notes, "\n%d. %s", len(reasons), why)
				}
				fmt.Fprintf(&table, " (%d)", slices.Index(reasons, why)+1)
			}
			table.WriteString(" |")
		}
		here := "none"
		if r.onlyVerifies == "" {
			here = fmt.Sprintf("%d/%d", r.count(func(c cell) bool { return c.here }), len(r.cells))
		}
		fmt.Fprintf(&table, " %d/%d | %s |\n", r.count(func(c cell) bool { return c.there }), len(r.cells), here)
	}
	if notes.Len() > 0 {
		notes.WriteString("\n")
	}
	return table.String() + notes.String()
}

// lacks says why the peer does not have a suite.
func (r row) lacks(suite keys.Suite) (why []string) {
	if r.onlyVerifies != "" && suite.Use() == keys.UseEnc {
		return []string{r.onlyVerifies}
	}
	for _, h := range holes(r.peer, r.version, suite.String()) {
		why = append(why, h.why)
	}
	return why
}

// verdict is about all cells with a suite; that one of them lacks another one
// does not count.
func (r row) verdict(suite keys.Suite) string {
	for _, c := range r.cells {
		if c.sig != suite && c.alg != suite {
			continue
		}
		if !c.there || !c.here {
			return "FAILED"
		}
	}
	if len(r.lacks(suite)) > 0 {
		return "no"
	}
	return "yes"
}

// count is of the cells where tokens pass.
func (r row) count(passed func(cell) bool) (n int) {
	for _, c := range r.cells {
		if len(c.lacks) == 0 && passed(c) {
			n++
		}
	}
	return n
}
