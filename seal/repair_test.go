package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/seal"
)

func sealerOf(t *testing.T) *seal.Sealer {
	t.Helper()
	var ks []*keys.Key
	for _, s := range []keys.Suite{keys.ES256, keys.ECDHES} {
		k, err := keys.GenerateKey(s)
		if err != nil {
			t.Fatal(err)
		}
		ks = append(ks, k)
	}
	set, err := keys.NewSet(keytest.SetConfig(ks...))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:     "https://id.example.com",
		Signing:    set,
		Recipients: []seal.SelectiveRecipient{{Audience: "https://api.example.com", Keys: set}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// encoding/json would write U+FFFD for bytes that are not UTF-8, and two users would become one.
func TestStringsThatAreNotUTF8(t *testing.T) {
	s := sealerOf(t)
	for name, custom := range map[string]any{
		"in a map":          map[string]any{"user": "a\xff"},
		"in a struct":       struct{ User string }{"\xc3"},
		"in a name":         map[string]any{"\xff": 1},
		"nested":            map[string]any{"list": []any{1, map[string]any{"user": "\xed\xa0\x80"}}},
		"after a backslash": map[string]any{"user": "\\\xff"},
	} {
		if token, err := s.Seal(t.Context(), seal.Claims{Custom: custom}); !errors.Is(err, seal.ErrClaims) || token != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, custom := range map[string]any{
		"the replacement character itself": map[string]any{"user": "\ufffd"},
		"its escape, as text":              map[string]any{"user": `\ufffd`},
		"its escape, as text, twice":       map[string]any{"user": `\\ufffd`},
		"raw":                              json.RawMessage(`{"user":"\ufffd"}`),
	} {
		if _, err := s.Seal(t.Context(), seal.Claims{Custom: custom}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClaimsPrintAsRedacted(t *testing.T) {
	c := seal.Claims{Subject: "canary-sub", ID: "canary-jti", Custom: map[string]any{"email": "canary@example.com"}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb, c, &c)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("claims", "c", c, "p", &c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("claims", "c", c, "p", &c)
	if strings.Contains(out.String(), "canary") || !strings.Contains(out.String(), "[redacted]") {
		t.Error(out.String())
	}
}
