// Package canary finds secrets in printed text, for tests.
package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
)

// Canaries are the spellings of secrets that must not appear in any printed text.
type Canaries []string

// Add takes the first and the last 12 bytes of a secret in the usual spellings that fmt, json and
// slog have for bytes, and the whole secret as a number. The secret must have 12 bytes or more.
func (c *Canaries) Add(secret []byte) {
	*c = append(*c, new(big.Int).SetBytes(secret).String())
	for _, b := range [][]byte{secret[:12], secret[len(secret)-12:]} {
		decimal := strings.Trim(fmt.Sprint(b), "[]")
		goSyntax := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}")
		// One for each place in a group of three bytes at which the secret can begin.
		base64s := make([]string, 3)
		for i := range base64s {
			s := base64.StdEncoding.EncodeToString(b[i : i+9])
			base64s[i] = s
			*c = append(*c, strings.NewReplacer("+", "-", "/", "_").Replace(s))
		}
		*c = append(*c, base64s...)
		*c = append(*c, string(b), strings.Trim(fmt.Sprintf("%q", b), `"`), decimal, strings.ReplaceAll(decimal, " ", ","),
			hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), fmt.Sprintf("% x", b), goSyntax)
	}
}

// Check fails the test when the text out holds a secret. The failure calls out by the argument
// what.
func (c Canaries) Check(t *testing.T, what, out string) {
	t.Helper()
	for _, s := range c {
		if strings.Contains(out, s) {
			t.Errorf("%s holds a secret: %q", what, s)
			return
		}
	}
}

// wrapped holds a value in unexported fields: fmt cannot call the methods of the value there.
type wrapped[T any] struct {
	value   T
	pointer *T
	slice   []T
	byName  map[string]T
	any     any
	nested  struct{ value []any }
}

// exported holds a value in exported fields, where fmt calls the methods of the value.
type exported[T any] struct {
	Value   T
	Pointer *T
	Slice   []T
	ByName  map[string]T
	Any     any
}

// CheckRedacted fails the test when fmt, encoding/json or log/slog prints a secret of v, given v, a
// pointer to v, or a value that holds one of them.
func CheckRedacted[T any](t *testing.T, c Canaries, v T) {
	t.Helper()
	w := wrapped[T]{value: v, pointer: &v, slice: []T{v}, byName: map[string]T{"k": v}, any: v}
	w.nested.value = []any{v, &v}
	e := exported[T]{v, &v, []T{v}, w.byName, v}
	for _, value := range []any{v, &v, w, &w, e, &e, []any{v, &v, w, e}, map[string]any{"v": v, "w": w}, error(wrappedError[T]{v})} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "% x", "%d", "%q", "%#q", "%t", "%c", "%o", "%b", "%U", "%p", "%T", "%e"} {
			c.Check(t, fmt.Sprintf("%s of %T", verb, value), fmt.Sprintf(verb, value))
		}
		c.Check(t, "Sprint", fmt.Sprint(value))
		if text, err := json.Marshal(value); err == nil {
			c.Check(t, fmt.Sprintf("JSON of %T", value), string(text))
		}
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(h).Info("message", "value", value, slog.Group("group", "value", value))
		}
		c.Check(t, fmt.Sprintf("log of %T", value), log.String())
	}
}

type wrappedError[T any] struct{ value T }

func (e wrappedError[T]) Error() string {
	return fmt.Sprintf("three deep: %v", []any{&e.value, e.value})
}
