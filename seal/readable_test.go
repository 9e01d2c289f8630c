package seal_test

import (
	"crypto/rsa"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/seal"
)

// secretsOf returns all names and all values in a JSON value, at every depth, decoded and as JSON
// spells them. The search for a short one includes its quotes, because four letters occur in the
// base64 of a ciphertext by chance. Literals and the shortest numbers are left out for that reason.
func secretsOf(t *testing.T, raw json.RawMessage) []string {
	t.Helper()
	var found []string
	add := func(s string) {
		switch {
		case len(s) >= 8:
			found = append(found, s)
		case len(s) >= 3:
			found = append(found, `"`+s+`"`)
		}
	}
	var object map[string]json.RawMessage
	var list []json.RawMessage
	var text string
	switch {
	case json.Unmarshal(raw, &object) == nil && object != nil:
		for name, value := range object {
			add(name)
			found = append(found, secretsOf(t, value)...)
		}
	case json.Unmarshal(raw, &list) == nil && list != nil:
		for _, value := range list {
			found = append(found, secretsOf(t, value)...)
		}
	case raw[0] == '"' && json.Unmarshal(raw, &text) == nil:
		add(text)
		add(strings.Trim(string(raw), `"`))
	case len(raw) >= 5 && raw[0] != 'f':
		found = append(found, string(raw))
	}
	return found
}

// TestNothingReadable seals the claims files and looks for every claim.
func TestNothingReadable(t *testing.T) {
	t.Parallel()
	for _, file := range claimsFiles(t) {
		for _, m := range []keys.Suite{keys.ECDHES, keys.ECDHESA256KW, keys.RSAOAEP256, keys.RSAOAEP} {
			for _, c := range []keys.Content{keys.A256GCM, keys.A128GCM, keys.A256CBCHS512, keys.A128CBCHS256} {
				t.Run(filepath.Base(file)+"/"+m.Alg()+"/"+c.String(), func(t *testing.T) {
					t.Parallel()
					data := must(os.ReadFile(file))
					subject, custom := claimsFile(t, file)
					p := newParties(keys.ES256, m)
					cfg := p.config()
					cfg.Recipients[0].Content = c
					token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{Subject: subject, ID: "a-secret-jti", Custom: custom})
					if err != nil {
						t.Fatal(err)
					}
					secrets := append(secretsOf(t, data), "a-secret-jti", "1767225600", "1767226500")
					if found := takeApart(token).finds(secrets); len(found) != 0 {
						t.Errorf("a stranger reads %q", found)
					}

					// The signed token without its envelope shows all claims. A name or value that
					// this search misses would be missed above too.
					theirs, err := p.read(token)
					if err != nil {
						t.Fatal(err)
					}
					found := takeApart(theirs.inner).finds(secrets)
					for _, s := range secrets {
						if !slices.Contains(found, s) {
							t.Errorf("%q is not found in a plain JWS either", s)
						}
					}
				})
			}
		}
	}
}

// TestLength measures the length of a token. README.md has its figure.
func TestLength(t *testing.T) {
	t.Parallel()
	p := defaults()
	subject, custom := claimsFile(t, "../testdata/claims/small.json")
	token := p.seal(t, seal.Claims{Subject: subject, Custom: custom})
	tok := p.open(t, token)
	if n := len(tok.SigningKeyID()) + len(tok.DecryptionKeyID()); n != 32 {
		t.Fatalf("kids of %d characters", n)
	}
	const claims, most = 197, 890
	if n := len(p.payload(t, token)); n != claims {
		t.Errorf("%d bytes of claims, want %d", n, claims)
	}
	if len(token) > most {
		t.Errorf("a token of %d bytes, want at most %d", len(token), most)
	}
	t.Logf("%d bytes of claims make a token of %d bytes", claims, len(token))
	for range 5 {
		if again := p.seal(t, seal.Claims{Subject: subject, Custom: custom}); len(again) != len(token) {
			t.Errorf("of the same claims, a token of %d bytes and one of %d", len(token), len(again))
		}
	}
}

// Two tokens with the same claims share no part, apart from the names in the header.
func TestNothingRepeats(t *testing.T) {
	t.Parallel()
	for _, m := range []keys.Suite{keys.ECDHES, keys.ECDHESA256KW, keys.RSAOAEP256, keys.RSAOAEP} {
		p := newParties(keys.ES256, m)
		seen := make(map[string]bool)
		for range 20 {
			parts := strings.Split(p.seal(t, seal.Claims{ID: "same"}), ".")
			if hash := oaepHashes[m]; hash != 0 {
				// The other parts do not show the content encryption key.
				cek := must(rsa.DecryptOAEP(hash.New(), nil, rsaKey(), decode(parts[1]), nil))
				if seen[string(cek)] || len(cek) != 32 {
					t.Error("a content encryption key twice")
				}
				seen[string(cek)] = true
			}
			for i, part := range parts {
				if i == 0 && oaepHashes[m] != 0 || part == "" {
					continue // it has neither an ephemeral key nor an encrypted key
				}
				if seen[part] {
					t.Errorf("%v: part %d twice", m, i)
				}
				seen[part] = true
			}
		}
	}
}
