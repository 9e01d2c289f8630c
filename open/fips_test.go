package open_test

import (
	"bytes"
	"crypto/fips140"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// TestFIPSMatrix seals and opens both forms with every combination of algorithms under
// GODEBUG=fips140=only. Then every algorithm that FIPS 140-3 does not approve is an error or a
// panic. All combinations work there except RSA-OAEP, whose hash is SHA-1. A256GCM works because
// the module draws its nonces.
func TestFIPSMatrix(t *testing.T) {
	if !fips140.Enforced() {
		t.Skip("GODEBUG=fips140=only is not set")
	}
	sets := make(map[keys.Suite]*keys.Set)
	allowed := slices.DeleteFunc(slices.Clone(managementSuites), func(s keys.Suite) bool { return s == keys.RSAOAEP })
	for _, s := range slices.Concat(signingSuites, allowed) {
		k, err := keys.GenerateKey(s)
		if err != nil {
			t.Fatal(err)
		}
		if sets[s], err = keys.NewSet(keytest.SetConfig(k)); err != nil {
			t.Fatal(err)
		}
	}
	rows := 0
	for _, signing := range signingSuites {
		for _, management := range allowed {
			for _, content := range []keys.Content{keys.A256GCM, keys.A128GCM, keys.A256CBCHS512, keys.A128CBCHS256} {
				rows++
				t.Run(strings.Join([]string{signing.Alg(), management.Alg(), content.String()}, "/"), func(t *testing.T) {
					fipsRoundTrip(t, nestedForm, nestedForm, sets[signing], sets[management], content)
					fipsRoundTrip(t, selectiveForm, selectiveForm, sets[signing], sets[management], content)
				})
			}
		}
	}
	if rows != 48 {
		t.Errorf("%d combinations, want 48", rows)
	}
}

func fipsRoundTrip(t *testing.T, sealed bool, opened bool, issuer, recipient *keys.Set, content keys.Content) {
	t.Helper()
	sealer, err := newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:     issuerID,
		Signing:    issuer,
		Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: recipient, Content: content}},
	}, Selective: sealed})
	if err != nil {
		t.Fatal(err)
	}
	token, err := sealer.Seal(t.Context(), seal.Claims{Custom: json.RawMessage(`{"email":"ada@example.com"}`)})
	if err != nil {
		t.Fatal(err)
	}
	cfg := anyOpen{SelectiveConfig: open.SelectiveConfig{Audience: audience, Trust: []open.Issuer{{ID: issuerID, Keys: issuer}}, Decryption: recipient}, Selective: opened}
	tok, err := newOpener(t, cfg).Open(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := open.ClaimsOf[map[string]any](tok)
	if err != nil || claims["email"] != "ada@example.com" {
		t.Errorf("claims %+v, %v", claims, err)
	}
	// A refusal has the same error as without the mode, and no panic occurs.
	dot := strings.LastIndex(token, ".")
	first := byte('A')
	if token[dot+1] == first {
		first = 'B'
	}
	refused(t, cfg, token[:dot+1]+string(first)+token[dot+2:], open.ErrNotAuthentic)
}

// The tokens of every release open in the mode, also those of go-jose. For a key on X25519 or for
// RSA-OAEP there is no opener, because the mode does not allow them.
func TestFIPSGolden(t *testing.T) {
	if !fips140.Enforced() {
		t.Skip("GODEBUG=fips140=only is not set")
	}
	for name, g := range goldenTokens(t) {
		for _, v := range g.views() {
			if bytes.Contains(v.Recipient, []byte("X25519")) || bytes.Contains(v.Recipient, []byte(`"RSA-OAEP"`)) {
				if _, err := keys.ParseKey(v.Recipient, keys.Hint{}); !errors.Is(err, keys.ErrUnsupported) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if _, err := newOpener(t, g.config(t, v)).OpenAt(t.Context(), g.Token, time.Unix(g.Clock, 0)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A key that was made outside of the mode is refused in it. The error names the key's fault and
// does not blame the token. Without the mode the test runs itself in a process that has it.
func TestFIPSUse(t *testing.T) {
	if !fips140.Enforced() {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestFIPSUse$")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	var token string
	var cfg anyOpen
	fips140.WithoutEnforcement(func() {
		token = forgeWith(keys.ES256, keys.RSAOAEP, keys.A256GCM).Token()
		cfg = config()
		accepted(t, cfg, token)
	})
	tok, err := newOpener(t, cfg).OpenAt(t.Context(), token, clock)
	var refusal *open.Error
	if tok != nil || !errors.Is(err, open.ErrAlgorithm) || !errors.As(err, &refusal) || !strings.Contains(refusal.Detail(), "fips140=only does not allow SHA-1") {
		t.Errorf("%v", err)
	}
}
