package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

const (
	// maxValue is how much of one value is shown, in bytes. A whole token fits.
	maxValue = 4096
	maxName  = 128
	// maxIndented is the longest value that is indented: deeper nesting makes the text longer.
	maxIndented = 2000
	minIndented = 48
	// maxPiece is the longest string that is shown of a value that holds a token. A signature of
	// HS256, the shortest, has 43 characters.
	maxPiece = 40
)

// value returns a JSON value for a reader, and how many bytes of it are left out. A short object
// is indented. Of a value that holds a token, long strings are left out: with its signature the
// token could be used.
func value(v json.RawMessage, holdsToken bool) (text string, left int) {
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		return "", len(v)
	}
	if holdsToken || isSerial(b.Bytes()) {
		short := cutStrings(b.Bytes())
		b.Reset()
		b.Write(short)
	}
	if n := b.Len(); n > minIndented && n <= maxIndented && bytes.IndexByte([]byte("[{"), b.Bytes()[0]) >= 0 {
		var indented bytes.Buffer
		if json.Indent(&indented, b.Bytes(), "", "  ") == nil && indented.Len() <= 2*maxValue {
			lines := strings.Split(indented.String(), "\n")
			for i := range lines {
				lines[i] = console.Printable(lines[i])
			}
			return strings.Join(lines, "\n"), 0
		}
	}
	text, left = cut(b.String(), maxValue)
	return console.Printable(text), left
}

// isSerial reports whether JSON has what a token in the JSON serialization has (RFC 7515 section
// 7.2, RFC 7516 section 7.2), on the safe side of package leak: in any place and any order.
func isSerial(v []byte) bool {
	has := func(name string) bool { return bytes.Contains(v, []byte(`"`+name+`":`)) }
	return has("payload") && has("signature") || has("ciphertext") && (has("iv") || has("tag") || has("protected"))
}

// cut returns the first bytes of a text, whole characters, and how many bytes are left out.
func cut(text string, most int) (string, int) {
	if len(text) <= most {
		return text, 0
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most], len(text) - most
}

// cutStrings returns valid JSON with its long strings cut.
func cutStrings(v []byte) []byte {
	var out []byte
	for i := 0; i < len(v); {
		if v[i] != '"' {
			out = append(out, v[i])
			i++
			continue
		}
		end := i + 1
		for v[end] != '"' {
			if v[end] == '\\' {
				end++
			}
			end++
		}
		piece := v[i+1 : end]
		if len(piece) > maxPiece {
			piece = fmt.Appendf(nil, "… %d characters, left out", utf8.RuneCount(piece))
		}
		out = append(append(append(out, '"'), piece...), '"')
		i = end + 1
	}
	return out
}

// quotedJSON returns a string in JSON, with no more escapes than it needs.
func quotedJSON(text string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(text) // of which every string can be written
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// bareName returns the name of a member, quoted unless it is a plain word.
func bareName(name string, holdsToken bool) string {
	isPlain := name != "" && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}) < 0
	most := maxName
	if holdsToken {
		most = maxPiece
	}
	short, left := cut(name, most)
	if !isPlain {
		short = console.Printable(strconv.Quote(short))
		if left > 0 {
			short = strings.TrimSuffix(short, `"`)
		}
	}
	if left > 0 {
		short += fmt.Sprintf("… (%d more bytes)", left)
	}
	return short
}
