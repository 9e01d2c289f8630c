package keyring

import (
	"bytes"
	"strings"
	"testing"
)

// Each version is read strictly: a member that only the other version has is refused.
func TestVersionsAreStrict(t *testing.T) {
	v1, v2 := asVersion1(t), asJSON(t, documentOf())
	for name, text := range map[string][]byte{
		"identity in version 1":        bytes.Replace(v1, []byte(`{"v":1,`), []byte(`{"v":1,"ring":"AAAAAAAAAAAAAAAAAAAAAA",`), 1),
		"tombstones in version 1":      bytes.Replace(v1, []byte(`{"v":1,`), []byte(`{"v":1,"ended":{},`), 1),
		"list of suites in version 1":  bytes.Replace(v1, []byte(`"alg":"ECDH-ES"`), []byte(`"algs":["ECDH-ES"]`), 1),
		"version 1 as version 2":       bytes.Replace(v1, []byte(`"v":1`), []byte(`"v":2`), 1),
		"version 2 as version 1":       bytes.Replace(v2, []byte(`"v":2`), []byte(`"v":1`), 1),
		"no identity":                  bytes.Replace(v2, []byte(`"ring":"`+documentOf().Identity+`",`), nil, 1),
		"short identity":               bytes.Replace(v2, []byte(documentOf().Identity), []byte("AAAA"), 1),
		"one suite in version 2":       bytes.Replace(v2, []byte(`"algs":["ECDH-ES"]`), []byte(`"alg":"ECDH-ES"`), 1),
		"a suite that is not a string": bytes.Replace(v2, []byte(`"algs":["ECDH-ES"]`), []byte(`"algs":[1]`), 1),
		"version 3":                    bytes.Replace(v2, []byte(`"v":2`), []byte(`"v":3`), 1),
	} {
		if bytes.Equal(text, v1) || bytes.Equal(text, v2) {
			t.Fatalf("%s: nothing was replaced", name)
		}
		if _, err := decodeDocument(text); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	for _, text := range [][]byte{v1, v2} {
		if _, err := decodeDocument(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// asVersion1 returns the document of a ring in the spelling of version 1.
func asVersion1(t *testing.T) []byte {
	t.Helper()
	d := documentOf()
	text := string(asJSON(t, d))
	return []byte(strings.NewReplacer(`"v":2,"ring":"`+d.Identity+`",`, `"v":1,`, `"algs":["ECDH-ES"]`, `"alg":"ECDH-ES"`).Replace(text))
}

// A slot keeps the output of a remote KEK, byte for byte, when others change the ring. A ring of
// version 1 has no such member.
func TestSlotsKeepWrapped(t *testing.T) {
	store, c := NewMemStore(), newClock()
	r := newRing(t, store, c.now)
	remote := remoteKEK{rawKey(t), "AQICAH+/=\u00e9 any text"}
	if err := r.AddKEK(t.Context(), remote); err != nil {
		t.Fatal(err)
	}
	writeGenerations(t, openRing(t, store, c.now), 2)
	b := blobFor(t, blobOf(t, store))
	if len(b.Slots) != 2 || b.Slots[0].Wrapped != "" || b.Slots[1].Wrapped != remote.wrapped {
		t.Fatalf("slots %+v", b.Slots)
	}
	must(Open(t.Context(), Config{Store: store, KEK: remote}))(t)
	_, err := Open(t.Context(), Config{Store: store, KEK: remoteKEK{rawKey(t), "another text"}})
	wantError(t, err, ErrUnreadable)

	old := bytes.Replace(goldenVictim(t, "v1.ring").doc, []byte(`","jwe":`), []byte(`","wrapped":"k","jwe":`), 1)
	_, err = parseBlob(old)
	wantError(t, err, ErrUnreadable)
}
