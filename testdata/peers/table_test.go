package peers

import (
	"fmt"
	"slices"
	"strings"
)

// row is what one peer did; without cells it was not there.
type row struct {
	peer, version string
	cells         []cell
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
			fmt.Fprintf(&table, " %s", r.verdict(s.String()))
			for _, h := range holes(r.peer, r.version, s.String()) {
				if !slices.Contains(reasons, h.why) {
					reasons = append(reasons, h.why)
					fmt.Fprintf(&notes, "\n%d. %s", len(reasons), h.why)
				}
				fmt.Fprintf(&table, " (%d)", slices.Index(reasons, h.why)+1)
			}
			table.WriteString(" |")
		}
		fmt.Fprintf(&table, " %d/%d | %d/%[2]d |\n",
			r.count(func(c cell) bool { return c.there }), len(r.cells), r.count(func(c cell) bool { return c.here }))
	}
	if notes.Len() > 0 {
		notes.WriteString("\n")
	}
	return table.String() + notes.String()
}

// verdict is about all cells with a suite; that one of them lacks another one
// does not count.
func (r row) verdict(suite string) string {
	for _, c := range r.cells {
		if c.sig.String() != suite && c.alg.String() != suite {
			continue
		}
		if !c.there || !c.here {
			return "FAILED"
		}
	}
	if len(holes(r.peer, r.version, suite)) > 0 {
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
