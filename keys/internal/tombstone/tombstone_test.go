package tombstone

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// A list of tombstones has one spelling only.
func TestSetHostile(t *testing.T) {
	const a, b = "AAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBB"
	print := strings.Repeat("C", 43-1) + "A"
	record := func(flags, length byte, kid string) string {
		raw, _ := base64.RawURLEncoding.DecodeString(print)
		return strict.EncodeBase64URL(append(append([]byte{flags, length}, kid...), raw...))
	}
	for name, text := range map[string]string{
		"descending":             `{"sig":"` + b + a + `"}`,
		"twice":                  `{"sig":"` + a + a + `"}`,
		"part of one":            `{"enc":"AAAA"}`,
		"no base64url":           `{"enc":"AAAAAAAAAAAAAA=="}`,
		"a number":               `{"enc":1}`,
		"unknown group":          `{"other":"` + a + `"}`,
		"imported: cut":          `{"imported":"` + record(0, 2, "kid")[:40] + `"}`,
		"imported: flags":        `{"imported":"` + record(4, 2, "kid") + `"}`,
		"imported: length":       `{"imported":"` + record(0, 3, "kid") + `"}`,
		"imported: control":      `{"imported":"` + record(0, 2, "k\nd") + `"}`,
		"imported: twice":        `{"imported":"` + strict.EncodeBase64URL(slices.Concat(rawOf(t, record(0, 2, "kid")), rawOf(t, record(1, 2, "kid")))) + `"}`,
		"imported: not imported": `{"imported":"` + record(0, 15, print[:16]) + `"}`,
	} {
		if err := read(text, new(Set)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	for name, text := range map[string]string{
		"in two groups":      `{"sig":"` + a + `","enc_revoked":"` + a + `"}`,
		"imported and a kid": `{"sig":"` + strict.EncodeBase64URL([]byte("twelve bytes")) + `","imported":"` + record(0, 15, strict.EncodeBase64URL([]byte("twelve bytes"))) + `"}`,
		"imported and a key": `{"sig":"` + print[:16] + `","imported":"` + record(0, 2, "kid") + `"}`,
		"imported twice":     `{"imported":"` + strict.EncodeBase64URL(slices.Concat(rawOf(t, record(0, 2, "kia")), rawOf(t, record(1, 2, "kib")))) + `"}`,
	} {
		var ended Set
		if err := read(text, &ended); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := ended.Check(); !errors.Is(err, keys.ErrDuplicate) {
			t.Errorf("%s: %v, want ErrDuplicate", name, err)
		}
	}
	// A set is written in the spelling in which it was read.
	text := `{"sig":"` + a + b + `","enc":"` + b + `","imported":"` + strict.EncodeBase64URL(slices.Concat(rawOf(t, record(2, 0, "a")), rawOf(t, record(1, 255, strings.Repeat("k", 256))))) + `"}`
	var ended Set
	if err := read(text, &ended); err != nil {
		t.Error(err)
	}
	if again, err := json.Marshal(ended); err != nil || string(again) != text {
		t.Errorf("%v, written as %s", err, again)
	}
}

// read reads a set as in a ring, which has no unknown groups.
func read(text string, into *Set) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func rawOf(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := strict.DecodeBase64URL(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
