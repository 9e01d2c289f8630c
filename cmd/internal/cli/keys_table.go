package cli

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// keyColumn is a column of a table of keys.
type keyColumn struct {
	title string
	text  func(k keyring.KeyInfo, now time.Time) string
}

var (
	columnKID     = keyColumn{"KID", func(k keyring.KeyInfo, _ time.Time) string { return kidText(k) }}
	columnUse     = keyColumn{"USE", func(k keyring.KeyInfo, _ time.Time) string { return string(k.Use) }}
	columnAlg     = keyColumn{"ALG", func(k keyring.KeyInfo, _ time.Time) string { return suiteText(k.Suite) }}
	columnState   = keyColumn{"STATE", func(k keyring.KeyInfo, _ time.Time) string { return string(k.State) }}
	columnSince   = keyColumn{"SINCE", func(k keyring.KeyInfo, _ time.Time) string { return sinceText(k) }}
	columnFor     = keyColumn{"FOR", forText}
	columnPrivate = keyColumn{"PRIV", func(k keyring.KeyInfo, _ time.Time) string { return privateText(k) }}
	columnNext    = keyColumn{"NEXT", nextText}
	columnSoon    = keyColumn{"NEXT", nextSoonText}
)

// keyLayouts are the columns of a table of keys. The first layout that fits is taken, or the last.
var keyLayouts = [][]keyColumn{
	{columnKID, columnUse, columnAlg, columnState, columnSince, columnFor, columnPrivate, columnNext},
	{columnKID, columnUse, columnAlg, columnState, columnFor, columnPrivate, columnNext},
	{columnKID, columnUse, columnAlg, columnState, columnFor, columnPrivate, columnSoon},
	{columnKID, columnUse, columnAlg, columnState, columnFor, columnSoon},
	{columnKID, columnUse, columnState, columnSoon},
	{columnKID, columnUse, columnState},
}

// keyTable returns the table of keys for lines of 80 columns.
func keyTable(infos []keyring.KeyInfo) []byte {
	return keyTableWithin(infos, time.Now(), 80)
}

func keyTableWithin(infos []keyring.KeyInfo, now time.Time, width int) []byte {
	var table []byte
	for _, columns := range keyLayouts {
		if table = tableOf(infos, columns, now); widest(table) <= width {
			break
		}
	}
	return table
}

func tableOf(infos []keyring.KeyInfo, columns []keyColumn, now time.Time) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	var cells []string
	for _, c := range columns {
		cells = append(cells, c.title)
	}
	fmt.Fprintln(w, strings.Join(cells, "\t"))
	for _, k := range infos {
		cells = cells[:0]
		for _, c := range columns {
			cells = append(cells, c.text(k, now))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	w.Flush()
	return b.Bytes()
}

// widest returns the columns of the longest line.
func widest(text []byte) (columns int) {
	for line := range bytes.Lines(text) {
		columns = max(columns, utf8.RuneCount(bytes.TrimSuffix(line, []byte("\n"))))
	}
	return columns
}

// kidText returns the kid of a key for a table, and - for a key that only a dry run made.
func kidText(k keyring.KeyInfo) string {
	if k.ID == "" {
		return "-"
	}
	return console.Word(k.ID)
}

// suiteText returns the algorithm of a key, and - for a key that ended so long ago that the ring
// does not keep its algorithm.
func suiteText(s keys.Suite) string {
	if s == 0 {
		return "-"
	}
	return s.String()
}

func privateText(k keyring.KeyInfo) string {
	if k.HasPrivate {
		return "held"
	}
	return "erased"
}

// sinceText returns when a key came into its state, and - if the ring does not keep the date.
func sinceText(k keyring.KeyInfo) string {
	if t := since(k); !t.IsZero() {
		return t.UTC().Format(time.RFC3339)
	}
	return "-"
}

// forText returns how long a key has been in its state, and - if the ring does not keep the date.
func forText(k keyring.KeyInfo, now time.Time) string {
	if t := since(k); !t.IsZero() {
		return coarse(now.Sub(t))
	}
	return "-"
}

// since returns when the key came into its present state.
func since(k keyring.KeyInfo) time.Time {
	switch k.State {
	case keyring.Active:
		return k.Activated
	case keyring.Retired:
		return k.Retired
	case keyring.Destroyed, keyring.Revoked:
		return k.Ended
	}
	return k.Created
}

// nextText returns the next step of a key and its date, or its time of day if the step is less than
// a day away.
func nextText(k keyring.KeyInfo, now time.Time) string {
	switch left := k.NextAt.Sub(now); {
	case k.Next == "":
		return "-"
	case left <= 0:
		return string(k.Next) + " is due"
	case left < 24*time.Hour:
		return fmt.Sprintf("%s %sZ (%s)", k.Next, notBeforeText(k.NextAt)[11:16], coarse(left))
	default:
		return fmt.Sprintf("%s %s (%s)", k.Next, notBeforeText(k.NextAt)[:10], coarse(left))
	}
}

// nextSoonText returns the next step of a key without the date.
func nextSoonText(k keyring.KeyInfo, now time.Time) string {
	switch left := k.NextAt.Sub(now); {
	case k.Next == "":
		return "-"
	case left <= 0:
		return string(k.Next) + " is due"
	default:
		return fmt.Sprintf("%s in %s", k.Next, coarse(left))
	}
}

// coarse returns a duration in its largest unit, rounded down.
func coarse(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", max(0, d)/time.Second)
}
