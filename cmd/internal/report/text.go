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
	// maxValue is how many bytes of one value are shown. A value that is indented may take twice as
	// many.
	maxValue = 4096
	maxName  = 128
	// maxIndented is the length of the longest value, in bytes, that is indented. Indentation
	// lengthens a value the more the deeper it nests.
	maxIndented = 2000
	minIndented = 48
	// maxPiece is the length of the longest string that is shown in a value that holds a token. The
	// shortest signature, of HS256, has 43 characters.
	maxPiece = 40
)

// value returns a JSON value for a reader, and how many bytes of it are left out. A short object or
// array is indented. Of a value that holds a token, long strings are left out.
func value(v json.RawMessage, holdsToken bool) (text string, left int) {
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		return "", len(v)
	}
	if short := WithoutToken(b.Bytes(), holdsToken); len(short) < b.Len() {
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

// WithoutToken returns a value in compact JSON. Of a value that holds a token, long strings are left
// out: with its signature the token could be used.
func WithoutToken(v []byte, holdsToken bool) []byte {
	if holdsToken || isSerial(v) {
		return cutStrings(v)
	}
	return v
}

// Name returns the name of a member, cut short if a token stands in it.
func Name(name string, holdsToken bool) string {
	if short, left := cut(name, maxPiece); holdsToken && left > 0 {
		return fmt.Sprintf("%s… %d more bytes, left out", short, left)
	}
	return name
}

// isSerial reports whether JSON has the members of a complete token in the JSON serialization (RFC
// 7515 section 7.2, RFC 7516 section 7.2), in any place and any order. Package leak also takes a
// JWS without its signature for a token, but such a token is of no use to a thief.
func isSerial(v []byte) bool {
	has := func(name string) bool { return bytes.Contains(v, []byte(`"`+name+`":`)) }
	return has("payload") && has("signature") || has("ciphertext") && (has("iv") || has("tag") || has("protected"))
}

// cut returns the beginning of a text, at most so many bytes and only whole characters, and how
// many bytes are left out.
func cut(text string, most int) (string, int) {
	if len(text) <= most {
		return text, 0
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most], len(text) - most
}

// cutStrings returns a valid JSON text in which each long string is replaced by its length.
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
	enc.Encode(text) // does not fail for a string
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// bareName returns the beginning of the name of a member, in quotes unless it is a plain word.
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
