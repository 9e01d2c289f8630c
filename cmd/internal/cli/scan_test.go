package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/seal/pii"
)

func quoted(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always encodes
	}
	return text
}

// scanned runs the verb scan.
func scanned(t testing.TB, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"scan"}, args...), stdin, &out, &errs)
	return code, out.String(), errs.String()
}

// Even --show-values prints no usable token: neither an outer token nor one inside it, wherever
// that stands.
func TestScanNeverPrintsTokens(t *testing.T) {
	inner := compact(someHeader, `{"email":"ada@example.com"}`, "inner signature")
	sig := inner[strings.LastIndexByte(inner, '.'):]
	for _, payload := range []string{
		`{"t":"` + inner + `"}`, `{"t":["Bearer ` + inner + `"]}`, `{"` + inner + `":1}`, `{"a":{"` + inner + `":1}}`,
		`{"t":"` + strings.Replace(inner, "e", `\u0065`, 1) + `"}`, inner, "Bearer " + inner, `{"a":1,"a":"` + inner + `"}`,
		`{"n":` + deep(`"`+inner+`"`) + `}`, `{"t":"` + inner, `{"t":"` + strings.Repeat(inner+" ", 50) + `"}`,
		`{"t":["` + strings.Repeat(inner+`","`, 40) + `"],"last":"` + inner + `"}`,
	} {
		token := compact(someHeader, payload, "outer signature")
		for _, format := range []string{"text", "json"} {
			_, stdout, stderr := scanned(t, strings.NewReader(token), "--show-values", "-o", format)
			if all := stdout + stderr; strings.Contains(all, sig) || strings.Contains(all, token) {
				t.Errorf("%.80s: %s", payload, all)
			}
		}
	}
}

// The same holds for tokens without a signature, and for tokens that are names.
func TestScanNeverPrintsWhatIsLeftOfTokens(t *testing.T) {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://id.example.com","scope":"read write"}`))
	for _, header := range []string{someHeader, "{\n\"alg\":\"ES256\"}", ` {"alg":"none"}`} {
		inner := compact(header) + "." + claims
		for _, payload := range []string{
			`{"t":"` + inner + `"}`, `{"t":["Bearer ` + inner[:len(inner)-3] + `…"]}`, `{"a":{"` + inner + `":1}}`, `{"` + inner + `":1}`,
			`{"` + inner + `.c2ln":1}`, `{"` + inner + `.":1,"b":1,"b":2}`, inner, `{"t":"` + inner,
		} {
			for _, token := range []string{compact(someHeader, payload, "outer signature"), compact(someHeader, payload)} {
				for _, format := range []string{"text", "json"} {
					_, stdout, stderr := scanned(t, strings.NewReader(token), "--show-values", "-o", format)
					if all := stdout + stderr; strings.Contains(all, claims[:len(claims)-3]) || strings.Contains(all, token) {
						t.Errorf("%.80s: %s", payload, all)
					}
				}
			}
		}
	}
}

// JSON shows the names of the claims unchanged, unless they are personal data.
func TestScanNamesInJSON(t *testing.T) {
	for _, name := range []string{
		"email", "", "a b", `a"b\c`, "https://example.com/email", "urn:example:email", strings.Repeat("long", 40), "é", "역할", "😀",
		"\x1b[31m", "\u202e", "\u007f", "\u2028", "<&>", "\U000e0001", pii.RedactedName,
	} {
		token := compact(someHeader, `{`+string(quoted(name))+`:1}`, "signature")
		_, stdout, _ := scanned(t, strings.NewReader(token), "-o", "json")
		var line struct {
			Layers []struct{ Claims []struct{ Name string } }
		}
		if err := json.Unmarshal([]byte(stdout), &line); err != nil || console.Printable(strings.TrimSuffix(stdout, "\n"))+"\n" != stdout {
			t.Fatalf("%q: %v, %q", name, err, stdout)
		}
		if got := line.Layers[0].Claims[0].Name; got != name {
			t.Errorf("%q becomes %q", name, got)
		}
	}
	token := compact(someHeader, `{"z":1,"ada@example.com":1,"bob@example.com":2}`, "signature")
	const want = `"claims":[{"name":"z"},{"name":"[redacted name]","personal":[{"path":"[redacted name]","kind":"e-mail address"}]},` +
		`{"name":"[redacted name]","personal":[{"path":"[redacted name]","kind":"e-mail address"}]}]`
	if _, stdout, _ := scanned(t, strings.NewReader(token), "-o", "json"); !strings.Contains(stdout, want) {
		t.Error(stdout)
	}
}

// The scan prints a finding before it waits for more input, so a user can follow a log and
// interrupt the scan.
func TestScanFollows(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, log := io.Pipe()
	result, out := io.Pipe()
	var errs bytes.Buffer
	code := make(chan int)
	go func() { code <- run(ctx, []string{"scan", "-o", "json"}, in, out, &errs) }()
	go log.Write([]byte("first " + plainJWS + "\nnext"))
	line := make([]byte, 1000)
	n, err := result.Read(line)
	if err != nil || !strings.HasPrefix(string(line[:n]), `{"file":"-","line":1,"column":7,`) {
		t.Fatalf("%q, %v", line[:n], err)
	}
	cancel()
	log.Write([]byte(" line"))
	if got := <-code; got != console.ExitIO || !strings.Contains(errs.String(), "context canceled") {
		t.Errorf("exit code %d, %s", got, errs.String())
	}
}

func TestScanThatBreaksOff(t *testing.T) {
	found := compact(someHeader, `{"email":"ada@example.com"}`, "signature")
	code, stdout, stderr := scanned(t, io.MultiReader(strings.NewReader(found+"\nmore"), brokenReader{}))
	if code != console.ExitIO || !strings.Contains(stdout, "PERSONAL DATA in email") || !strings.Contains(stderr, "cannot read standard input: line dropped") {
		t.Errorf("input: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	var errs bytes.Buffer
	code = run(t.Context(), []string{"scan"}, strings.NewReader(found), brokenWriter{}, &errs)
	if code != console.ExitIO || !strings.Contains(errs.String(), "the result could not be written: disk full") {
		t.Errorf("output: exit code %d, stderr %q", code, errs.String())
	}
}

// A file that hides its contents must not be called clean.
func TestScanRefusesWhatHidesTokens(t *testing.T) {
	for begin, advice := range map[string]string{
		"\x1f\x8b\x08": "zcat FILE | sealjwt scan", "BZh91AY&SY": "bzcat", "\x04\x22\x4d\x18": "lz4cat", "7z\xbc\xaf\x27\x1c": "7z x -so", "\x5d\x00\x00": "xzcat", "\xfd7zXZ\x00\x00": "xzcat",
		"\x28\xb5\x2f\xfd": "zstdcat", "PK\x03\x04": "unzip -p",
	} {
		code, stdout, stderr := scanned(t, strings.NewReader(begin))
		if code != console.ExitPolicy || !strings.HasPrefix(stdout, "-:1:1: compressed (") || !strings.Contains(stderr, advice) {
			t.Errorf("%q: exit code %d, %q, %q", begin, code, stdout, stderr)
		}
	}
	for _, begin := range []string{"", "B", "BZ", "PK", "\xff", "\xef\xbb\xbf"} {
		if code, stdout, _ := scanned(t, strings.NewReader(begin+"\n"+plainJWS)); code != console.ExitDone || !strings.HasPrefix(stdout, "-:2:1: JWS") {
			t.Errorf("%q: exit code %d, %q", begin, code, stdout)
		}
	}
}

// Text that was too long to read must not be called clean.
func TestScanSaysWhatIsTooLong(t *testing.T) {
	long := compact(someHeader, strings.Repeat("x", 1<<20), "signature")
	code, stdout, stderr := scanned(t, strings.NewReader(long+"\n"+plainJWS+"\n"), "-o", "json")
	if code != console.ExitPolicy || !strings.HasPrefix(stdout, `{"file":"-","line":1,"column":1,"skipped":"longer than 1048576 bytes"}`+"\n{") ||
		!strings.Contains(stderr, "1 limit reached") || !strings.Contains(stderr, "in 1 token in 1.4 MB, but not all could be read: ") {
		t.Errorf("exit code %d, %.200q, %q", code, stdout, stderr)
	}
	if code, stdout, _ = scanned(t, strings.NewReader(long)); code != console.ExitPolicy || stdout != "-:1:1: longer than 1048576 bytes, and not read\n" {
		t.Errorf("exit code %d, %.200q", code, stdout)
	}
	many := compact(someHeader, `{"t":"`+strings.Repeat(plainJWS+" ", 40)+`"}`, "signature")
	if code, stdout, _ = scanned(t, strings.NewReader(many)); code != console.ExitPolicy || !strings.Contains(stdout, "    not read to the end: more than 32 tokens") {
		t.Errorf("exit code %d, %.200q", code, stdout)
	}
}

// The text has more tokens than the scan remembers, and repeats them.
func TestScanForgets(t *testing.T) {
	var text strings.Builder
	for i := range 3 * maxKnown {
		for range 2 {
			claims := `{"n":` + strings.Repeat("1", 1+i%7) + `,"email":""}`
			text.WriteString(compact(`{"alg":"ES256","kid":"`+strings.Repeat("k", i)+`"}`, claims, "signature") + "\n")
		}
	}
	code, stdout, stderr := scanned(t, strings.NewReader(text.String()), "-o", "json")
	if code != console.ExitPolicy || strings.Count(stdout, "\n") != 6*maxKnown || !strings.Contains(stderr, "in 1536 of 1536 tokens in ") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	lines := strings.Split(stdout, "\n")
	for i := 0; i+1 < len(lines)-1; i += 2 {
		_, a, _ := strings.Cut(lines[i], `"personal"`)
		_, b, _ := strings.Cut(lines[i+1], `"personal"`)
		if a != b || a == "" {
			t.Fatalf("%s\n%s", lines[i], lines[i+1])
		}
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 1234567: "1.2 MB", 12e9: "12.0 GB", 5e15: "5000.0 TB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
