package peers

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestCompare measures what sealing and opening cost, here and with other libraries,
// and prints it as Markdown:
//
//	SEALJWT_BENCH=1 go test -count=1 -run TestCompare -v .
//
// Every number is a ratio of processor times within one round, since machines differ
// and a shared one differs from one second to the next; SEALJWT_BENCH_ROUNDS says how
// many rounds there are. Allocations are exact.
func TestCompare(t *testing.T) {
	if os.Getenv("SEALJWT_BENCH") == "" {
		t.Skip("set SEALJWT_BENCH=1 to compare the speed with other libraries; it takes two minutes or three")
	}
	start := time.Now()
	var out strings.Builder
	fmt.Fprintf(&out, "\n%s, %d cores, %s %s/%s, %s. Medians of the ratios in %d rounds, and in brackets from the 10th to the 90th percentile.\n",
		processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, start.UTC().Format(time.DateOnly), benchRounds(t))
	for _, section := range []struct {
		title string
		table func(t *testing.T) string
	}{
		{"Nested form, processor time ÷ floor, seal / open", compareNested},
		{"Allocations, seal / open, " + benchSuites[0].String() + ", 512 B", compareAllocations},
		{"Selective form, processor time ÷ that with one recipient, " + benchSuites[0].String() + ", 512 B", compareSelective},
		{"Look-up of a kid ÷ that among one key", compareLookups},
		{"Cache hit ÷ SHA-256 of the token, " + benchSuites[0].String() + ", 512 B", compareCache},
		{"All cores, " + benchSuites[0].String() + ", 512 B", compareCores},
	} {
		fmt.Fprintf(&out, "\n### %s\n\n%s", section.title, section.table(t))
	}
	// The log of the test would indent this text.
	fmt.Printf("%s\n%v in all.\n\n", out.String(), time.Since(start).Round(time.Second))
}

// compareNested has a row for each length of claims and contender, and a column for
// each suite.
func compareNested(t *testing.T) string {
	header := []string{"claims", ""}
	for _, s := range benchSuites {
		header = append(header, s.String())
	}
	cells := map[[3]string]string{}
	var names [][2]string
	short := newTable("", "512 B, seal / open", "64 KiB, seal / open")
	medians := map[string][]string{}
	for i, suite := range benchSuites {
		k := newBenchKeys(t, suite)
		for _, size := range benchSizes {
			all, token := contenders(t, k, size, size == 512 || size == 64<<10 && i == 0)
			if size == 512 {
				all = append(all, contender{"floor once more, which shows the noise", all[0].seal, all[0].open})
			}
			sealed, opened := raceBoth(t, all, token)
			for at, c := range all {
				name := [2]string{bytesText(size), c.name}
				cell := sealed[at].String() + " / " + opened[at].String()
				if at == 0 {
					name[1] += ", µs"
					cell = fmt.Sprintf("%.0f / %.0f", micros(sealed[at].each), micros(opened[at].each))
				}
				if i == 0 && (size == 512 || size == 64<<10) {
					medians[c.name] = append(medians[c.name], fmt.Sprintf("%.2f / %.2f", sealed[at].median, opened[at].median))
				}
				cells[[3]string{name[0], name[1], suite.String()}] = cell
				if i == 0 {
					names = append(names, name)
				}
			}
		}
	}
	table := newTable(header...)
	for _, name := range names {
		row := name[:]
		for _, s := range benchSuites {
			row = append(row, cells[[3]string{name[0], name[1], s.String()}])
		}
		table.row(row...)
	}
	for _, name := range names {
		if m := medians[name[1]]; name[0] == bytesText(512) && len(m) == 2 {
			short.row(name[1], m[0], m[1])
		}
	}
	return table.String() + "\nIn short, " + benchSuites[0].String() + ":\n\n" + short.String()
}

// raceBoth lets all contenders seal, and then all of them open the same token.
func raceBoth(t *testing.T, all []contender, token string) (sealed, opened []pace) {
	t.Helper()
	var sealers, openers []racer
	for _, c := range all {
		sealers = append(sealers, racer{c.name, func() error { _, err := c.seal(); return err }})
		openers = append(openers, racer{c.name, func() error { _, err := c.open(token); return err }})
	}
	return race(t, cpuTime, sealers...), race(t, cpuTime, openers...)
}

func (p pace) String() string { return fmt.Sprintf("%.2f [%.2f–%.2f]", p.median, p.low, p.high) }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func bytesText(n int) string {
	if n%1024 == 0 {
		return fmt.Sprintf("%d KiB", n/1024)
	}
	return fmt.Sprintf("%d B", n)
}

// table is a table in Markdown.
type table struct{ text strings.Builder }

func newTable(header ...string) *table {
	t := new(table)
	t.row(header...)
	t.text.WriteString("|" + strings.Repeat(" --- |", len(header)) + "\n")
	return t
}

func (t *table) row(cells ...string) { t.text.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

func (t *table) String() string { return t.text.String() }

// processor returns the model of the processor if the system knows it.
func processor() string {
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if model := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(info); model != nil {
			return string(model[1])
		}
	}
	if name, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
		return strings.TrimSpace(string(name))
	}
	return "unknown processor"
}
