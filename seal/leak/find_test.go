package leak

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// compact joins any parts to a token.
func compact(parts ...string) string {
	for i, p := range parts {
		parts[i] = base64.RawURLEncoding.EncodeToString([]byte(p))
	}
	return strings.Join(parts, ".")
}

var (
	plainJWS    = compact(`{"alg":"ES256"}`, `{"iss":"a"}`, "signature")
	unsignedJWS = compact(`{"alg":"none"}`, `{"iss":"a"}`, "")
	strippedJWS = compact(`{"alg":"ES256"}`, `{"iss":"ab"}`)
	directJWE   = compact(`{"alg":"dir","enc":"A256GCM"}`, "", "twelve bytes", "ciphertext", "sixteen byte tag")
	wrappedJWE  = compact(`{"enc":"A256GCM","alg":"A256KW"}`, "key", "twelve bytes", "ciphertext", "sixteen byte tag")
)

// sightings returns the findings of a finder, as line:column token.
func sightings(t testing.TB, r io.Reader, most, chunk int) (list []string) {
	t.Helper()
	f := newFinder(r, most, chunk)
	for {
		hit, err := f.Next(context.Background())
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if hit.Limit == LimitBinary {
			continue
		}
		list = append(list, fmt.Sprintf("%d:%d %s", hit.Line, hit.Column, hit.Token))
	}
}

// Each @ stands for a token.
var surroundings = []string{
	"@", "@\n", "\n\r\n@\r\n", "Authorization: Bearer @",
	"a=@&b=@;@,\"@\"",
	`{"t":"@","u":"é\u003d@"}`,
	"?x=%20@%3D3D@=3D@",
	`\n@\n@`,
	"https://example.com/@.jpg",
	"This is @. And @.. Or (@)... <@>",
	"v1.2.3-beta.@.jpg",
	"\x00\xff\xfe@\x80\x00@\x00",
	"@ @\t@",
	"long_prefix_eyJ_eyJhbGciOiJ_@",
	strings.Repeat("eyJhbGci", 60) + ".@",
	// A logger has cut these off:
	"eyJhbGciOiJIUzI1NiJ9... eyJhbGciOiJIUzI1NiJ9 eyJhbGciOiJIUzI1NiJ9.x",
	"eyJpc3MiOiJhIn0.eyJpc3MiOiJhIn0 eyJpc3MiOiJhIn0.e30.c2ln www.example.com 10.0.0.1 a.b.c.d.e",
	".......",
	"",
}

func TestFinderInAnyText(t *testing.T) {
	for _, token := range []string{plainJWS, unsignedJWS, strippedJWS, directJWE, wrappedJWE} {
		for _, s := range surroundings {
			if (token == unsignedJWS || token == strippedJWS) && strings.ContainsAny(s, "%\\.") {
				s = strings.NewReplacer("@%", "@ %", "@\\", "@ \\", "@.", "@ .").Replace(s) // else it would look like a signature
			}
			text, want := planted(s, token)
			for name, r := range map[string]io.Reader{
				"whole":   strings.NewReader(text),
				"by byte": iotest.OneByteReader(strings.NewReader(text)),
				"end":     iotest.DataErrReader(strings.NewReader(text)),
			} {
				if got := sightings(t, r, 2000, 64); !slices.Equal(got, want) {
					t.Errorf("%q, %s:\n got %q\nwant %q", text, name, got, want)
				}
			}
		}
	}
}

// planted puts a token at every mark.
func planted(marked, token string) (text string, want []string) {
	for i, part := range strings.Split(marked, "@") {
		if i > 0 {
			line, column := 1+strings.Count(text, "\n"), len(text)-strings.LastIndexByte(text, '\n')
			want = append(want, fmt.Sprintf("%d:%d %s", line, column, token))
			text += token
		}
		text += part
	}
	return text, want
}

// A header may begin with any white space of JSON, and have its names in any order.
func TestFinderKnowsHeaders(t *testing.T) {
	for _, header := range []string{
		`{"alg":"HS256"}`, `{ "alg":"HS256"}`, "{\n  \"alg\": \"HS256\"\n}", "{\r\n\"alg\":\"HS256\"}", "{\t\"alg\":\"HS256\"}",
		`{"é":1,"alg":"HS256"}`, `{"1":1,"alg":"HS256"}`, `{"\u0061lg":"HS256"}`, ` {"alg":"HS256"}`, "\n{\"alg\":\"HS256\"}",
		"\t\n {\"alg\":\"HS256\"}", "\r\n\r\n{\"alg\":\"HS256\"} \n", `{"typ":"JWT","alg":"HS256","alg":"none"}`,
		"{\"kid\":\"\xff\",\"alg\":\"HS256\"}", `{"":"","alg":"HS256"}`, `{"alg":""}  `,
	} {
		for _, before := range []string{"", "token=", "/"} {
			token := compact(header, `{"iss":"a"}`, "signature")
			if got := sightings(t, strings.NewReader(before+token), 2000, 64); len(got) != 1 || !strings.HasSuffix(got[0], " "+token) {
				t.Errorf("%q: %q", header, got)
			}
		}
	}
	for _, header := range []string{`{"typ":"JWT"}      `, `{"alg":null}    `, `["alg","HS256"]`, `"alg and others"`, `{"alg":"HS256"`, `{"alg":"HS256"}}`} {
		for _, payload := range []string{`{}`, `["a","b","c"]`, `{"iss":"a"`, `{"iss":"a"} and`, `a text of some length`} {
			if got := sightings(t, strings.NewReader(compact(header, payload, "signature")), 2000, 64); got != nil {
				t.Errorf("%q, %q: %q", header, payload, got)
			}
		}
	}
}

// An attacker can read texts that strict reading refuses, so a Finder reports them.
func TestFinderTakesAnySpelling(t *testing.T) {
	padded := base64.URLEncoding
	spare := plainJWS[:strings.IndexByte(plainJWS, '.')-1] + "R" // of {"alg":"ES256"}, 15 bytes, no spare bits: another byte
	for token, want := range map[string]bool{
		padded.EncodeToString([]byte(`{"alg":"none"}`)) + "." + padded.EncodeToString([]byte(`{"iss":"ab"}`)) + "." + padded.EncodeToString([]byte("signed")): true,
		"eyJhbGciOiJub25lIn1.e30.":      true, // spare bits in 1
		"eyJhbGciOiJIUzI1NiJ9.e30x.c2l": true,
		"eyJhbGciOiJIUzI1NiJ9.a.b":      true, // no part of it can be decoded
		"eyJhbGciOiJIUzI1NiJ9..c2ln":    true, // detached payload
		"eyJhbGciOiJIUzI1NiJ9.e30":      true,
		spare + ".e30.":                 false,
	} {
		got := sightings(t, strings.NewReader("x="+token), 2000, 64)
		if (len(got) == 1 && got[0] == "1:3 "+token) != want {
			t.Errorf("%s: %q", token, got)
		}
	}
}

// A JWS without its signature counts from the place in its payload at which it can be nothing else.
// A header alone shows no claims, and neither does a truncated JWE.
func TestFinderTakesWhatIsCutOff(t *testing.T) {
	for payload, want := range map[string]bool{
		`{}`: true, `{"`: true, `{"a`: true, `{"iss":"a"}`: true, ` {"a":`: true, "{\n\t\"a\"": true, "\n{ }": true,
		strings.Repeat(" ", 99) + `{"a":1}`: true, `{"a":"` + "\xff": true, `{"a":1}x`: true,
		``: false, `{`: false, `{ `: false, `{a`: false, `[{"a":1}]`: true, `["a`: true, " [ [": true, `[`: false, `[1`: false, `"{`: false, "\x00{\"a\"": false, ` `: false,
	} {
		for _, end := range []string{"", "\n", "…", "%", `"`, ", and", "/x", "\x00"} {
			token := compact(`{"alg":"ES256"}`, payload)
			got := sightings(t, iotest.OneByteReader(strings.NewReader("x="+token+end)), 2000, 64)
			if (len(got) == 1 && got[0] == "1:3 "+token) != want || !want && got != nil {
				t.Errorf("%q%s: %q", payload, end, got)
			}
		}
		if got := sightings(t, strings.NewReader(compact(`{"alg":"dir","enc":"A256GCM"}`, payload)), 2000, 64); got != nil {
			t.Errorf("encrypted, %q: %q", payload, got)
		}
		if got := sightings(t, strings.NewReader(compact(`{"typ":"JWT and others"}`, payload)), 2000, 64); got != nil {
			t.Errorf("no algorithm, %q: %q", payload, got)
		}
	}
	// The token is cut off at each byte. It counts from the quotation mark of the payload on.
	dot := strings.IndexByte(plainJWS, '.')
	for n := range len(plainJWS) {
		got := sightings(t, strings.NewReader(plainJWS[:n]+"\n"+plainJWS), 2000, 64)
		if want := n >= dot+len(".eyJ"); (len(got) == 2) != want || want && got[0] != "1:1 "+plainJWS[:n] {
			t.Errorf("%s: %q", plainJWS[:n], got)
		}
	}
}

// A token is found at every position relative to the end of the buffer.
func TestFinderAtEveryBorder(t *testing.T) {
	text := "x.y\nz " + plainJWS + "\n" + directJWE + "..." + unsignedJWS + "\neyJ.a.b " + wrappedJWE +
		" " + strippedJWS + "\r\n" + strippedJWS[:len(strippedJWS)-5]
	want := sightings(t, strings.NewReader(text), 1000, 1000)
	if len(want) != 6 {
		t.Fatal(want)
	}
	longest := max(len(plainJWS), len(directJWE), len(wrappedJWE))
	for chunk := 1; chunk <= len(text); chunk++ {
		for _, most := range []int{longest, longest + 1, 3 * longest} {
			if got := sightings(t, strings.NewReader(text), most, chunk); !slices.Equal(got, want) {
				t.Fatalf("chunk %d, most %d: %q", chunk, most, got)
			}
		}
	}
}

// In random text a Finder finds all planted tokens, like a regular expression over the whole text.
func TestFinderAgainstRegexp(t *testing.T) {
	reference := regexp.MustCompile(`(?:ey|ew)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){1,4}`)
	r := rand.New(rand.NewSource(1))
	const junk = "abeyJw.. \n=%\"\\/\x00\xc3\r,;-_0"
	for range 300 {
		var b bytes.Buffer
		for range r.Intn(40) {
			for range r.Intn(30) {
				b.WriteByte(junk[r.Intn(len(junk))])
			}
			b.WriteString([]string{" ", "\"", "=", "\n"}[r.Intn(4)])
			b.WriteString([]string{plainJWS, directJWE, wrappedJWE, unsignedJWS, strippedJWS, "eyJhbGciOiJIUzI1NiJ9.."}[r.Intn(6)])
			b.WriteString([]string{" ", "\"", "&", "\n"}[r.Intn(4)])
		}
		var want []string
		for _, at := range reference.FindAllIndex(b.Bytes(), -1) {
			line := 1 + bytes.Count(b.Bytes()[:at[0]], []byte("\n"))
			column := at[0] - bytes.LastIndexByte(b.Bytes()[:at[0]], '\n')
			token := string(b.Bytes()[at[0]:at[1]])
			if slices.Contains([]string{plainJWS, directJWE, wrappedJWE, unsignedJWS, strippedJWS}, token) {
				want = append(want, fmt.Sprintf("%d:%d %s", line, column, token))
			}
		}
		if got := sightings(t, iotest.HalfReader(bytes.NewReader(b.Bytes())), 600, 1+r.Intn(300)); !slices.Equal(got, want) {
			for i := range want {
				if i >= len(got) || got[i] != want[i] {
					t.Errorf("%d: want %q", i, want[i])
					if i < len(got) {
						t.Errorf("got %q", got[i])
					}
					break
				}
			}
			t.Fatalf("%q", b.String())
		}
	}
}

// A token that is too long is reported and not stored, and the next one is found.
func TestFinderSkipsTheTooLong(t *testing.T) {
	long := compact(`{"alg":"ES256"}`, strings.Repeat("x", 3000), "signature")
	header := strings.Repeat("A", 5000) + ".x.y"
	text := "1 " + long + " " + plainJWS + "\n" + header + " " + long[:2000] + "\n" + plainJWS
	f := newFinder(strings.NewReader(text), 1000, 100)
	var got []string
	for hit, err := f.Next(t.Context()); err == nil; hit, err = f.Next(t.Context()) {
		got = append(got, fmt.Sprint(hit.Line, (hit.Limit == LimitLength), len(hit.Token)))
	}
	if want := []string{"1 true 0", fmt.Sprint(1, false, len(plainJWS)), "2 true 0", fmt.Sprint(3, false, len(plainJWS))}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// The token is at the limit, and one byte above it.
	for _, token := range []string{plainJWS, strippedJWS} {
		for most, want := range map[int]bool{len(token): false, len(token) - 1: true} {
			for _, end := range []string{"\n", ""} {
				f := newFinder(strings.NewReader(token+end), most, 100)
				if hit, err := f.Next(t.Context()); err != nil || (hit.Limit == LimitLength) != want {
					t.Errorf("%d: %v, %v", most, hit, err)
				}
			}
		}
	}
}

func TestFinderStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newFinder(strings.NewReader(plainJWS), 1000, 100).Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	broken := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(plainJWS)))
	if _, err := newFinder(broken, 1000, 100).Next(t.Context()); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("broken: %v", err)
	}
	if _, err := newFinder(iotest.ErrReader(nil), 1000, 100).Next(t.Context()); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("stuck: %v", err)
	}
}

// What a reader returned before its error is looked at, and the error then stays.
func TestFinderKeepsAnError(t *testing.T) {
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		r    io.Reader
		want int
		err  error
	}{
		"behind a line":      {io.MultiReader(strings.NewReader(plainJWS+"\n"), iotest.ErrReader(failed)), 1, failed},
		"in a token":         {io.MultiReader(strings.NewReader(plainJWS+"\n"+plainJWS), iotest.ErrReader(failed)), 2, failed},
		"with the last byte": {iotest.DataErrReader(io.MultiReader(strings.NewReader(plainJWS), iotest.ErrReader(failed))), 1, failed},
		"in the first bytes": {io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(failed)), 0, failed},
		"of UTF-16":          {io.MultiReader(strings.NewReader(inUTF16(plainJWS, 1, 0, true)), iotest.ErrReader(failed)), 1, failed},
		"at once, UTF-16":    {io.MultiReader(strings.NewReader("\xff\xfea"), iotest.ErrReader(failed)), 0, failed},
		"stuck":              {io.MultiReader(strings.NewReader(plainJWS), iotest.ErrReader(nil)), 1, io.ErrNoProgress},
		"the end":            {strings.NewReader(plainJWS + "\n" + plainJWS), 2, io.EOF},
		"compressed":         {strings.NewReader("\x1f\x8b" + plainJWS), 0, nil},
	} {
		f := newFinder(c.r, 1000, 16)
		n := 0
		_, err := f.Next(t.Context())
		for ; err == nil; _, err = f.Next(t.Context()) {
			n++
		}
		if n != c.want || c.err != nil && err != c.err {
			t.Errorf("%s: %d tokens, %v", name, n, err)
		}
		for range 3 {
			if s, again := f.Next(t.Context()); again != err || s != (Sighting{}) {
				t.Errorf("%s: %+v, %v after %v", name, s, again, err)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := newFinder(io.MultiReader(strings.NewReader(plainJWS+"\n"), strings.NewReader(plainJWS)), 1000, 100)
	f.Next(ctx)
	cancel()
	for range 3 {
		if s, err := f.Next(ctx); !errors.Is(err, context.Canceled) || s.Token != "" {
			t.Errorf("cancelled: %+v, %v", s, err)
		}
		if s, err := f.Next(t.Context()); !errors.Is(err, context.Canceled) || s.Token != "" {
			t.Errorf("cancelled before: %+v, %v", s, err)
		}
	}
}

// A compressed text is not called clean, and a text that begins with such letters is read.
func TestFinderKnowsCompressedTexts(t *testing.T) {
	for head, want := range map[string]string{
		"\x1f\x8b\x08\x00": "gzip", "\x28\xb5\x2f\xfd": "zstd", "\xfd7zXZ\x00": "xz", "BZh91AY&SY": "bzip2", "BZh1\x17rE8P\x90": "bzip2", "PK\x03\x04": "zip",
		"PK\x05\x06": "zip", "\x04\x22\x4d\x18": "lz4", "\x5d\x00\x00\x80\x00": "lzma", "7z\xbc\xaf\x27\x1c": "7z", "x\x01": "zlib", "x\x9c": "zlib", "x\xda": "zlib",
		"LZIP\x01": "lzip", "\x1f\x9d": "compress", "Rar!\x1a\x07\x00": "rar", "\x89LZO\x00\r\n\x1a": "lzop", "\xff\x06\x00\x00sNaPpY": "snappy",
		"BZhang logged in\n": "", "BZh91": "", "BZh": "", "PK": "", "x": "", "x^2 ": "", "7zip ": "", "Rar!": "", "LZIP ": "", "]": "",
	} {
		_, err := NewFinder(iotest.OneByteReader(strings.NewReader(head + strings.Repeat(" ", 100)))).Next(t.Context())
		c, ok := err.(*CompressedError)
		if ok != (want != "") || ok && c.Format != want {
			t.Errorf("%q: %v, want %q", head, err, want)
		}
	}
}

// A text with bytes 0 that is not in UTF-16 is told once, and is read all the same.
func TestFinderTellsBinary(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("\x00", 9000) + plainJWS + "\n": "1:1 binary 1:9001",
		plainJWS + "\n\x00\x00" + plainJWS + "\x00":    "1:1 2:1 binary 2:3",
		"a text\n" + plainJWS + " and \x00":            "2:1 2:" + fmt.Sprint(len(plainJWS)+6) + " binary",
		"a text without\n":                             "",
		inUTF16("a \u4e00 text\n", 1, 0, true):         "",
		"\xff\xfe\x00\x00a\x00\x00\x00":                "1:4 binary", // UTF-32
		std(strings.Repeat("\x00", 99)):                "",
	} {
		for _, size := range []int{7, chunk} {
			var got []string
			for _, s := range sights(t, []byte(text), size) {
				got = append(got, fmt.Sprintf("%d:%d", s.Line, s.Column))
				if s.Limit == LimitBinary {
					got = append(got, "binary")
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%.40q: %q, want %s", text, got, want)
			}
		}
	}
}

// endless repeats a text up to a length, and notes how large the heap becomes.
type endless struct {
	text  []byte
	left  int64
	at    int
	reads int
	peak  uint64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	e.left -= int64(n)
	if e.reads++; e.reads%16 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		e.peak = max(e.peak, m.HeapAlloc)
	}
	return n, nil
}

// A text of any length takes the memory of one buffer: tokens in lines, tokens on one endless line,
// and one endless word.
func TestFinderInConstantMemory(t *testing.T) {
	log := strings.Repeat("10.0.0.1 - - \"GET /index.html HTTP/1.1\" 200 \"curl/8.5.0\"\n", 5000)
	for _, c := range []struct {
		name, text string
		length     int64
	}{
		{"lines", log + plainJWS + "\n" + log, 192 << 20},
		{"one line", strings.ReplaceAll(log, "\n", " ") + directJWE + " ", 48 << 20},
		{"cut off", log + strippedJWS + "\n" + log + plainJWS[:30] + "\n", 48 << 20},
		{"payloads without end", compact(`{"alg":"none"}`, `{"a":"`+strings.Repeat("x", 3<<20)) + " ", 48 << 20},
		{"one word", strings.Repeat("eyJhbGciOiJub25lIn0", 20000), 16 << 20},
		{"entities", strings.Repeat("&#65;", 200_000), 20 << 20},
		{"entities of several lengths", strings.Repeat("&#65;&#065;a&#46;", 60_000), 20 << 20},
	} {
		in := &endless{text: []byte(c.text), left: c.length}
		var before runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		f := NewFinder(in)
		for _, err := f.Next(t.Context()); err == nil; _, err = f.Next(t.Context()) {
		}
		if f.read < c.length || in.peak == 0 {
			t.Fatalf("%s: read %d bytes, peak %d", c.name, f.read, in.peak)
		}
		if grown := int64(in.peak) - int64(before.HeapAlloc); grown > 16<<20 {
			t.Errorf("%s: the heap grew by %d bytes", c.name, grown)
		}
	}
}
