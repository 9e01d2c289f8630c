// Package metrics writes metrics as Prometheus reads them.
package metrics

import (
	"bytes"
	"strconv"
	"strings"
)

// ContentType is the media type of the result of [Text]: the text format of Prometheus, version
// 0.0.4.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// The kinds of families. A counter only grows, and its name ends with _total.
const (
	Gauge   = "gauge"
	Counter = "counter"
)

// Family is all samples of one name.
type Family struct {
	Name, Kind, Help string
	Samples          []Sample
}

// Sample is one value. Labels holds a name and a value in turn.
type Sample struct {
	Value  float64
	Labels []string
}

// One returns a family of one sample without labels.
func One(name, kind, help string, value float64) Family {
	return Family{name, kind, help, []Sample{{Value: value}}}
}

// Bool returns 1 for true and 0 for false.
func Bool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var (
	// Without the escape a line feed would end the line, and the text after it would pass for a
	// sample.
	inHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	inLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// Text returns the families in the text format. It leaves out a family without samples.
func Text(families ...Family) []byte {
	var b bytes.Buffer
	for _, f := range families {
		if len(f.Samples) == 0 {
			continue
		}
		b.WriteString("# HELP " + f.Name + " " + inHelp.Replace(f.Help) + "\n# TYPE " + f.Name + " " + f.Kind + "\n")
		for _, s := range f.Samples {
			b.WriteString(f.Name)
			for i := 0; i+1 < len(s.Labels); i += 2 {
				b.WriteString(separator(i) + s.Labels[i] + `="` + inLabel.Replace(s.Labels[i+1]) + `"`)
			}
			if len(s.Labels) > 1 {
				b.WriteByte('}')
			}
			b.WriteString(" " + strconv.FormatFloat(s.Value, 'f', -1, 64) + "\n")
		}
	}
	return b.Bytes()
}

func separator(i int) string {
	if i == 0 {
		return "{"
	}
	return ","
}
