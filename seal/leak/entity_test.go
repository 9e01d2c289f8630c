package leak

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"
)

func numbered(format string) func(text string) string {
	return func(text string) string {
		var b strings.Builder
		for _, c := range []byte(text) {
			fmt.Fprintf(&b, format, c)
		}
		return b.String()
	}
}

// Entities are undone once, in every spelling, and the places stay those of the text.
func TestFinderUndoesEntities(t *testing.T) {
	all := func(format string) string { return numbered(format)(exposing) }
	dots := func(dot string) string { return strings.ReplaceAll(exposing, ".", dot) }
	for text, want := range map[string]bool{
		dots("&#46;"):                           true,
		dots("&#x2e;"):                          true,
		dots("&#X2E;"):                          true,
		dots("&#0000046;"):                      true,
		dots("&period;"):                        true,
		all("&#%d;"):                            true,
		all("&#x%02X;"):                         true,
		"/?a=b&amp;t=" + exposing:               true,
		"/?t=" + exposing + "&amp;c=d":          true,
		"t&equals;&quot;" + exposing + "&quot;": true,
		`<a href="?t&#61;` + dots("%2E") + `">`: true,
		"&#x1F600; &eacute;&bogus;&#;&;&&amp " + exposing: true,
		"&" + exposing: true,
		exposing + "&": true,
		"<p>" + html.EscapeString(quote(exposing)) + "</p>": true,
		dots("&amp;#46;"):          false,
		dots("&#302;"):             false,
		dots("&#x2g;"):             false,
		dots("&hyphen;"):           false,
		dots("&#000000000000046;"): false,
		dots("&#46 ;"):             false,
	} {
		for _, before := range []string{"", "é&eacute;", "a&lt;b&gt;\né&amp;😀 ", "&#10;&NewLine;\n\n", "\uFEFF&#32;"} {
			for _, size := range []int{7, 50, chunk} {
				tokens := slices.DeleteFunc(sights(t, []byte(before+text), size), func(s Sighting) bool { return s.Token != exposing })
				if len(tokens) > 0 != want {
					t.Errorf("%.60s, by %d: %v", before+text, size, tokens)
					continue
				}
				if !want {
					continue
				}
				at := strings.Index(text, exposing[:1]+exposing[1:10])
				if at < 0 {
					at = 0 // all of it is spelled as entities
				}
				whole := before + text[:at]
				line, column := int64(strings.Count(whole, "\n"))+1, int64(len(whole)-strings.LastIndexByte(whole, '\n'))
				if s := tokens[0]; s.Line != line || s.Column != column || s.ColumnUTF16 != units(whole) {
					t.Errorf("%.60s, by %d: at %d:%d (%d), want %d:%d (%d)", before+text, size, s.Line, s.Column, s.ColumnUTF16, line, column, units(whole))
				}
			}
		}
	}
}

// units returns the column in UTF-16 that follows a text, of which a byte order mark does not count.
func units(text string) (n int64) {
	for _, r := range strings.TrimPrefix(text[strings.LastIndexByte(text, '\n')+1:], "\uFEFF") {
		n += int64(max(1, len(string(r))/4*2))
	}
	return n + 1
}

// Entities are undone in Base64 values, in claims and in what is pasted, too.
func TestEntitiesEverywhere(t *testing.T) {
	escaped := strings.ReplaceAll(exposing, ".", "&#46;")
	json := serializations()["flattened"]
	for name, text := range map[string]string{
		"pasted":            escaped,
		"a claim":           compact(someHeader, `{"a":"see `+escaped+` there"}`, "s"),
		"JSON in a claim":   compact(someHeader, `{"a":`+quote(html.EscapeString(json))+`}`, "s"),
		"JSON in Base64":    std("<p>" + html.EscapeString(json) + "</p>"),
		"Base64":            std(strings.Repeat("&amp;", 100) + escaped + strings.Repeat("&amp;", 100)),
		"JSON, numbered":    numbered("&#%d;")(json),
		"JSON, not escaped": strings.Replace(json, "{", `{"a":"&quot;}{&amp;",`, 1),
	} {
		if u, err := Read(text); err != nil || u.Personal() != 1 {
			t.Errorf("%s: %v, %+v", name, err, u)
		}
		exposes := false
		for _, token := range found(t, "x "+text+"\n") {
			u, err := Read(token)
			exposes = exposes || err == nil && u.Personal() == 1
		}
		if !exposes {
			t.Errorf("%s: not found", name)
		}
	}
}

// However the text is cut into buffers, the same is undone, and each place is right.
func FuzzEntities(f *testing.F) {
	f.Add([]byte("a&amp;b&#46;&#x2e;&&;&#;&amp;#46;&bogus;&amp"), 3)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		var e, whole entities
		want, _ := whole.undo(bytes.Clone(text), 0, true)
		var got, tail []byte
		for rest := text; ; {
			n := min(len(rest), max(1, size%50))
			known := len(got)
			got = append(append(got, tail...), rest[:n]...)
			rest = rest[n:]
			part, cut := e.undo(got, known, len(rest) == 0)
			got, tail = part[:cut], bytes.Clone(part[cut:])
			if len(rest) == 0 {
				break
			}
		}
		if !bytes.Equal(got, want) || e.all != int64(len(text)-len(got)) || !slices.Equal(e.gone, whole.gone) {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
		for i := range got {
			if raw := text[i+int(e.before(i))]; raw != got[i] && raw != '&' {
				t.Fatalf("%q: %d is %q", text, i, raw)
			}
		}
	})
}
