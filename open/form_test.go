package open_test

import (
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

const base64URLAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// TestEveryCharacter changes every character of a token into every other one of the alphabet, drops
// it, repeats it, and replaces it by characters outside the alphabet. A token has only one text.
func TestEveryCharacter(t *testing.T) {
	t.Parallel()
	for _, m := range managementSuites {
		t.Run(m.Alg(), func(t *testing.T) {
			t.Parallel()
			f := forgeWith(keys.EdDSA, m, keys.A256GCM)
			token := f.Token()
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
				if at := strings.IndexByte(base64URLAlphabet, token[i]); at >= 0 {
					// Each change alters one bit of the value. In the last character of a part all
					// 63 changes are tried.
					for other := range len(base64URLAlphabet) {
						if d := other ^ at; lastOfPart && d != 0 || d == 1 || (d == 8 || d == 32) && !isOAEP(m) {
							changes += base64URLAlphabet[other : other+1]
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
