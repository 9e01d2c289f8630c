package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// seedKeys adds every key of the test data.
func seedKeys(f *testing.F, add func(data []byte)) {
	f.Helper()
	files := must(filepath.Glob("../testdata/keys/*"))(f)
	if len(files) == 0 {
		f.Fatal("no test data")
	}
	for _, name := range files {
		add(must(os.ReadFile(name))(f))
	}
	for _, suite := range allSuites {
		add(must(generated(f, suite).private())(f))
		add(must(generated(f, suite).publicJWK().MarshalJSON())(f))
	}
	add([]byte(aliceEphemeral))
}

// A text is refused with one of the errors that are promised, or it is a key
// whose published form reads back as the same key.
func FuzzParseKey(f *testing.F) {
	seedKeys(f, func(data []byte) {
		for _, as := range []As{{}, {Use: UseSig}, {Suite: RSAOAEP256}} {
			f.Add(data, string(as.Use), uint8(as.Suite))
		}
	})
	f.Fuzz(func(t *testing.T, data []byte, use string, suite uint8) {
		k, err := ParseKey(data, As{Use(use), Suite(suite)})
		if err != nil {
			if k != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrWeakKey) {
				t.Fatalf("%v, %v", k, err)
			}
			return
		}
		if checkID(k.ID()) != nil || !k.Suite().valid() || use != "" && k.Use() != Use(use) || suite != 0 && k.Suite() != Suite(suite) {
			t.Fatalf("kid %q, suite %v", k.ID(), k.Suite())
		}
		again := must(ParseKey(must(k.publicJWK().MarshalJSON())(t), As{}))(t)
		if again.ID() != k.ID() || again.Thumbprint() != k.Thumbprint() || again.Suite() != k.Suite() || again.HasPrivate() {
			t.Fatal("another key came back")
		}
	})
}

// A text is refused, or it is a set that prints as one which reads as itself and
// holds nothing private.
func FuzzParsePublicSet(f *testing.F) {
	var members []json.RawMessage
	seedKeys(f, func(data []byte) {
		if json.Valid(data) {
			members = append(members, data)
			f.Add([]byte(`{"keys":[` + string(data) + `]}`))
		}
	})
	f.Add(asJSON(f, map[string]any{"keys": members}))
	f.Add(jwks(f, public(f, ES256, map[string]any{"kid": "a"}), public(f, ECDHES, map[string]any{"kid": "a"}), bareJWK(f, kindRSA, false)))
	f.Add([]byte(`{"keys":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePublicSet(data)
		if err != nil {
			if p != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrPrivateKey) {
				t.Fatal(err)
			}
			return
		}
		text := must(json.Marshal(p))(t)
		again := must(ParsePublicSet(text))(t)
		if len(again.Skipped()) != 0 || len(again.Keys()) != len(p.Keys()) || !bytes.Equal(text, must(json.Marshal(again))(t)) {
			t.Fatalf("%s came back as another set", text)
		}
		checkPublished(t, text, true)
		for _, k := range p.Keys() {
			if k.HasPrivate() {
				t.Fatal("a private half")
			}
		}
	})
}

// Whatever a store holds is refused as damaged, or it is a ring that we wrote:
// without the KEK nobody can make another.
func FuzzOpenRing(f *testing.F) {
	kek := must(RawKey(readTestdata(f, "rings/v1.kek")))(f)
	ours := [][]byte{readTestdata(f, "rings/v1.ring"), readTestdata(f, "rings/v1-passphrase.ring")}
	for _, doc := range ours {
		f.Add(doc)
		f.Add(doc[:len(doc)/2])
	}
	f.Add([]byte(`{"v":1,"slots":[{"kek":"` + kek.id() + `","jwe":"...."}],"ring":"...."}`))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Open(t.Context(), storeWith(t, data), kek)
		known := bytes.Equal(data, ours[0]) || bytes.Equal(data, ours[1])
		if (err == nil) != known || err != nil && !errors.Is(err, ErrUnreadable) {
			t.Fatalf("%v, and it is ours: %v", err, known)
		}
	})
}
