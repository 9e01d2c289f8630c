package peers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
)

// row holds the results of one peer. If it has no cells, the peer is not installed.
type row struct {
	peer, version string
	cells         []cell
	onlyVerifies  string // why the peer cannot encrypt at all; then its cells are selective tokens
}

// cell is one combination. It says whether the token passed in each direction or, if the peer lacks
// an algorithm, failed as it must.
type cell struct {
	combination
	lacks       []hole
	there, here bool
}

// markdown returns the matrix for the README. It merges the content encryptions. A hole shows in
// the column of its algorithm and in the two counts.
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

// lacks returns why the peer does not have a suite.
func (r row) lacks(suite keys.Suite) (why []string) {
	if r.onlyVerifies != "" && suite.Use() == keys.UseEnc {
		return []string{r.onlyVerifies}
	}
	for _, h := range holes(r.peer, r.version, suite.String()) {
		why = append(why, h.why)
	}
	return why
}

// verdict judges all cells with a suite. A cell that another suite makes impossible does not count.
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

// count returns the number of cells in which tokens pass.
func (r row) count(passed func(cell) bool) (n int) {
	for _, c := range r.cells {
		if len(c.lacks) == 0 && passed(c) {
			n++
		}
	}
	return n
}
