package open_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
)

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// insert returns a bend that puts s into part i of the token at a place.
func insert(part int, at func(length int) int, s string) func(f *forgery) {
	return func(f *forgery) {
		f.bendToken = func(token string) string {
			parts := strings.Split(token, ".")
			n := at(len(parts[part]))
			parts[part] = parts[part][:n] + s + parts[part][n:]
			return strings.Join(parts, ".")
		}
	}
}

func start(int) int    { return 0 }
func middle(n int) int { return n / 2 / 4 * 4 }
func end(n int) int    { return n }
func odd(n int) int    { return n/2/4*4 + 1 }
func withText(s string) func(f *forgery) {
	return func(f *forgery) { f.bendToken = func(string) string { return s } }
}

func withInner(bend func(jws string) string) func(f *forgery) {
	return func(f *forgery) { f.bendInner = bend }
}

func TestForm(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"empty", withText(""), nil, open.ErrMalformed},
		{"not a token", withText("ada@example.com"), nil, open.ErrMalformed},
		{"four dots and nothing else", withText("...."), nil, open.ErrMalformed},
		{"a bearer prefix", insert(0, start, "Bearer "), nil, open.ErrMalformed},
		{"a dot before", insert(0, start, "."), nil, open.ErrMalformed},
		{"a dot behind", insert(4, end, "."), nil, open.ErrMalformed},
		{"a million dots", withText(strings.Repeat(".", 1<<20)), nil, open.ErrMalformed},
		{"a million dots, no limit", withText(strings.Repeat(".", 1<<20)), func(c *anyOpen) { c.Limits.MaxSize = 2 << 20 }, open.ErrMalformed},

		{"general JSON serialization", func(f *forgery) {
			f.bendToken = func(token string) string {
				p := strings.Split(token, ".")
				return fmt.Sprintf(`{"protected":"%s","recipients":[{"encrypted_key":"%s"}],"iv":"%s","ciphertext":"%s","tag":"%s"}`, p[0], p[1], p[2], p[3], p[4])
			}
		}, nil, open.ErrMalformed},
		{"flattened JSON serialization", func(f *forgery) {
			f.bendToken = func(token string) string {
				p := strings.Split(token, ".")
				return fmt.Sprintf(`{"protected":"%s","encrypted_key":"%s","iv":"%s","ciphertext":"%s","tag":"%s"}`, p[0], p[1], p[2], p[3], p[4])
			}
		}, nil, open.ErrMalformed},
		{"JSON around the dots", func(f *forgery) {
			f.bendToken = func(token string) string { return `{"protected":"` + token + `"}` }
		}, nil, open.ErrMalformed},

		{"a signed token that is not encrypted", func(f *forgery) { inner := f.jws(); f.bendToken = func(string) string { return inner } }, nil, open.ErrType},
		{"a signed token with empty parts added", func(f *forgery) { inner := f.jws(); f.bendToken = func(string) string { return inner + ".." } }, nil, open.ErrUnknownKey},
		{"encrypted claims without signature", func(f *forgery) { f.bendInner = func(string) string { return f.claims.String() } }, nil, open.ErrMalformed},
		{"encrypted claims without a dot", func(f *forgery) {
			f.bendInner = func(string) string { return `{"iss":"me","aud":"you","exp":1767225900}` }
		}, nil, open.ErrMalformed},
		{"encrypted nothing", withInner(func(string) string { return "" }), nil, open.ErrMalformed},
		{"encrypted dots", withInner(func(string) string { return ".." }), nil, open.ErrMalformed},
		{"a JWE in a JWE", withInner(func(string) string { return forge().token() }), nil, open.ErrMalformed},
		{"a JWS in a JWS", func(f *forgery) { f.claimsText = forge().jws() }, nil, open.ErrMalformed},
		{"a JWS of four parts", withInner(func(s string) string { return s + "." }), nil, open.ErrMalformed},
		{"a JWS of two parts", withInner(func(s string) string { return s[:strings.LastIndex(s, ".")] }), nil, open.ErrMalformed},
		{"a JWS in JSON serialization", withInner(func(s string) string {
			p := strings.Split(s, ".")
			return fmt.Sprintf(`{"payload":"%s","signatures":[{"protected":"%s","signature":"%s"}]}`, p[1], p[0], p[2])
		}), nil, open.ErrMalformed},
		{"a JWS with white space before", withInner(func(s string) string { return " " + s }), nil, open.ErrMalformed},
		{"a JWS with a line feed behind", withInner(func(s string) string { return s + "\n" }), nil, open.ErrMalformed},
		{"a line feed inside the inner header", withInner(func(s string) string { return s[:8] + "\n" + s[8:] }), nil, open.ErrMalformed},
		{"a line feed inside the payload", withInner(func(s string) string {
			i := strings.Index(s, ".") + 9
			return s[:i] + "\n" + s[i:]
		}), nil, open.ErrMalformed},
		{"a line feed inside the signature", withInner(func(s string) string { return s[:len(s)-4] + "\n" + s[len(s)-4:] }), nil, open.ErrMalformed},
		{"padding on the signature", withInner(func(s string) string { return s + "==" }), nil, open.ErrMalformed},
		{"spare bits in the signature", withInner(respellLast), nil, open.ErrMalformed},
		{"spare bits in the payload", func(f *forgery) {
			// Signed as it stands, so that nothing else is wrong.
			f.claims.set("pad", `""`)
			for len(f.claims.String())%3 == 0 {
				f.claims.set("pad", `"x"`)
			}
			f.bendInner = func(s string) string {
				p := strings.Split(s, ".")
				input := p[0] + "." + respellLast(p[1])
				return input + "." + encode(f.signer.sign([]byte(input)))
			}
		}, nil, open.ErrMalformed},
		{"a payload that is not JSON", func(f *forgery) { f.claimsText = "hello" }, nil, open.ErrMalformed},
		{"a payload that is an array", func(f *forgery) { f.claimsText = "[" + f.claims.String() + "]" }, nil, open.ErrMalformed},
		{"a payload of two objects", func(f *forgery) { f.claimsText = f.claims.String() + "{}" }, nil, open.ErrMalformed},
		{"a payload with a byte order mark", func(f *forgery) { f.claimsText = "\ufeff" + f.claims.String() }, nil, open.ErrMalformed},
		{"an empty payload", func(f *forgery) {
			f.bendInner = func(s string) string { p := strings.Split(s, "."); return p[0] + ".." + p[2] }
		}, nil, open.ErrMalformed},
		{"white space in the payload", func(f *forgery) { f.claimsText = " " + strings.ReplaceAll(f.claims.String(), ",", " ,\n") + "\t" }, nil, nil},
	}
	for part, name := range []string{"header", "encrypted key", "initialization vector", "ciphertext", "tag"} {
		for _, bad := range []string{" ", "\n", "\r", "\r\n", "\t", "=", "+", "/", "\x00", "\xff", "é", "%2E"} {
			rows = append(rows,
				row{fmt.Sprintf("%q before the %s", bad, name), insert(part, start, bad), nil, open.ErrMalformed},
				row{fmt.Sprintf("%q in the %s", bad, name), insert(part, middle, bad), nil, open.ErrMalformed},
				row{fmt.Sprintf("%q at an odd place in the %s", bad, name), insert(part, odd, bad), nil, open.ErrMalformed},
				row{fmt.Sprintf("%q behind the %s", bad, name), insert(part, end, bad), nil, open.ErrMalformed})
		}
	}
	run(t, slices.DeleteFunc(rows, func(r row) bool {
		// In an empty part start, middle and end are one place, and that is enough.
		return strings.Contains(r.name, "odd place in the encrypted key")
	}))
}

// respellLast sets a spare bit of the last character. The text must not end with
// a whole group of four.
func respellLast(part string) string {
	if len(part)%4 == 0 {
		panic("no spare bits")
	}
	last := strings.IndexByte(base64URL, part[len(part)-1])
	return part[:len(part)-1] + string(base64URL[last|1])
}

// ofSize makes a token of exactly that many bytes. One part alone cannot have
// every length, header and ciphertext together can.
func ofSize(t *testing.T, size int) string {
	t.Helper()
	f := forge()
	blob := (size-len(f.token()))*9/16 - 32
	for claims := range 4 {
		f.claims.set("blob", quoted(strings.Repeat("x", blob+claims)))
		for header := range 200 {
			f.outer.set("pad", quoted(strings.Repeat("x", header)))
			if token := f.token(); len(token) == size {
				return token
			}
		}
	}
	t.Fatalf("no token has %d bytes", size)
	return ""
}

func TestSize(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	cfg := config()
	accepted(t, cfg, ofSize(t, limit))
	over := ofSize(t, limit+1)
	refused(t, cfg, over, open.ErrMalformed)
	cfg.Limits.MaxSize = limit + 1
	accepted(t, cfg, over)
	small := forge().token()
	cfg.Limits.MaxSize = len(small)
	accepted(t, cfg, small)
	cfg.Limits.MaxSize = len(small) - 1
	refused(t, cfg, small, open.ErrMalformed)
}

func TestPartCount(t *testing.T) {
	t.Parallel()
	parts := strings.Split(forge().token(), ".")
	for n := 1; n <= 7; n++ {
		var taken []string
		for i := range n {
			taken = append(taken, parts[i%len(parts)])
		}
		token := strings.Join(taken, ".")
		if n == len(parts) {
			accepted(t, config(), token)
			continue
		}
		refused(t, config(), token, open.ErrMalformed)
	}
}

// TestEveryCharacter changes every character of a token into every other of the
// alphabet, drops it, repeats it, and puts in its place what is not of the
// alphabet: there is one text of a token, and it is this one.
func TestEveryCharacter(t *testing.T) {
	t.Parallel()
	for _, m := range managementSuites {
		t.Run(m.Alg(), func(t *testing.T) {
			t.Parallel()
			f := forgeWith(keys.EdDSA, m, keys.A256GCM)
			token := f.token()
			o := newOpener(t, config())
			if _, err := o.OpenAt(t.Context(), token, clock); err != nil {
				t.Fatal(err)
			}
			try := func(what string, i int, text string) {
				tok, err := o.OpenAt(t.Context(), text, clock)
				if tok != nil || err == nil {
					t.Errorf("%s at %d: accepted", what, i)
				}
			}
			for i := range len(token) {
				changes := ".= \n\r\x00"
				lastOfPart := i+1 == len(token) || token[i+1] == '.'
				if at := strings.IndexByte(base64URL, token[i]); at >= 0 {
					// One bit of the value each; in the last character of a part all 63.
					for other := range len(base64URL) {
						if d := other ^ at; lastOfPart && d != 0 || d == 1 || (d == 8 || d == 32) && !isOAEP(m) {
							changes += base64URL[other : other+1]
						}
					}
				}
				for _, c := range []byte(changes) {
					if c != token[i] {
						try("changed", i, token[:i]+string(rune(c))+token[i+1:])
					}
				}
				try("dropped", i, token[:i]+token[i+1:])
				try("repeated", i, token[:i+1]+token[i:])
				try("cut", i, token[:i])
			}
		})
	}
}
