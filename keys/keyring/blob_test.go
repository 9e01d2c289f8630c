package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/ringjwe"
)

// mustNotOpen checks that doc is refused as damaged, and for no other reason.
func mustNotOpen(t *testing.T, what string, doc []byte) {
	t.Helper()
	r, err := openAt(t.Context(), Config{Store: storeWith(t, doc), KEK: rawKey(t)}, newClock().now)
	if r != nil || !errors.Is(err, ErrUnreadable) {
		t.Errorf("%s: %v", what, err)
	}
}

// A stored ring is damaged in each bit, cut to each length, and one byte longer.
func TestDamagedRing(t *testing.T) {
	store := NewMemStore()
	newRing(t, store, newClock().now)
	doc := blobOf(t, store)
	openRing(t, storeWith(t, doc), newClock().now)
	damaged := bytes.Clone(doc)
	for i := range doc {
		for bit := range 8 {
			if testing.Short() && bit != i%8 {
				continue
			}
			damaged[i] = doc[i] ^ 1<<bit
			mustNotOpen(t, "flipped", damaged)
		}
		damaged[i] = doc[i]
		mustNotOpen(t, "truncated", doc[:i])
	}
	for _, c := range []byte(" \n\x00}A") {
		mustNotOpen(t, "one byte more", append(bytes.Clone(doc), c))
		mustNotOpen(t, "one byte before", append([]byte{c}, doc...))
	}
	for i := range doc {
		if bytes.IndexByte([]byte(`{}[]:,`), doc[i]) >= 0 {
			spaced := bytes.Join([][]byte{doc[:i], doc[i:]}, []byte(" "))
			mustNotOpen(t, "white space", spaced)
		}
	}
}

// blobFor takes a blob apart, so that a test can put it together in other ways.
func blobFor(t *testing.T, doc []byte) blob {
	t.Helper()
	return must(parseBlob(doc))(t)
}

func TestOtherPartsRing(t *testing.T) {
	storeA, storeB := NewMemStore(), NewMemStore()
	ringA := newRing(t, storeA, newClock().now)
	newRing(t, storeB, newClock().now)
	old := blobFor(t, blobOf(t, storeA))
	if err := ringA.importOwn(t.Context(), generated(t, keys.ES256), Staged); err != nil {
		t.Fatal(err)
	}
	a, b := blobFor(t, blobOf(t, storeA)), blobFor(t, blobOf(t, storeB))
	stranger := slot{KEK: "stranger", JWE: a.Slots[0].JWE}
	rewrapped := slot{KEK: a.Slots[0].KEK, JWE: wrapJWE(rawKey(t), ringA.snapshot.Load().ringKey())(t)}
	nine := []slot{a.Slots[0]}
	for i := range maxSlots {
		nine = append(nine, slot{KEK: string(rune('a' + i)), JWE: a.Slots[0].JWE})
	}
	for name, other := range map[string]blob{
		"slots of another ring":  {Version: blobVersion, Slots: b.Slots, Ring: a.Ring},
		"slot added":             {Version: blobVersion, Slots: []slot{a.Slots[0], stranger}, Ring: a.Ring},
		"slot added before":      {Version: blobVersion, Slots: []slot{stranger, a.Slots[0]}, Ring: a.Ring},
		"slot wrapped again":     {Version: blobVersion, Slots: []slot{rewrapped}, Ring: a.Ring},
		"slot doubled":           {Version: blobVersion, Slots: []slot{a.Slots[0], a.Slots[0]}, Ring: a.Ring},
		"slot under another id":  {Version: blobVersion, Slots: []slot{stranger}, Ring: a.Ring},
		"nine slots":             {Version: blobVersion, Slots: nine, Ring: a.Ring},
		"no slots":               {Version: blobVersion, Slots: nil, Ring: a.Ring},
		"empty slots":            {Version: blobVersion, Slots: []slot{}, Ring: a.Ring},
		"no ring":                {Version: blobVersion, Slots: a.Slots, Ring: ""},
		"slot for ring":          {Version: blobVersion, Slots: a.Slots, Ring: a.Slots[0].JWE},
		"ring for slot":          {Version: blobVersion, Slots: []slot{{KEK: a.Slots[0].KEK, JWE: a.Ring}}, Ring: a.Ring},
		"halves of two":          {Version: blobVersion, Slots: a.Slots, Ring: spliced(a.Ring, old.Ring)},
		"halves of two, swapped": {Version: blobVersion, Slots: a.Slots, Ring: spliced(old.Ring, a.Ring)},
		"line feed in the ring":  {Version: blobVersion, Slots: a.Slots, Ring: a.Ring[:200] + "\n" + a.Ring[200:]},
		"encrypted key":          {Version: blobVersion, Slots: a.Slots, Ring: strings.Replace(a.Ring, "..", ".AAAA.", 1)},
		"version 0":              {Version: 0, Slots: a.Slots, Ring: a.Ring},
	} {
		mustNotOpen(t, name, must(json.Marshal(other))(t))
	}
	openRing(t, storeWith(t, must(json.Marshal(a))(t)), newClock().now)
}

// spliced returns a JWE with the first half of one ciphertext and the rest of another.
func spliced(a, b string) string {
	i := strings.LastIndex(a, ".") * 2 / 3
	j := strings.LastIndex(b, ".") * 2 / 3
	return a[:i-i%4] + b[j-j%4:]
}

// Octets move between the ciphertext and the tag. go-jose alone would decrypt the text.
func TestBoundaryOfTheTag(t *testing.T) {
	store := NewMemStore()
	ring := newRing(t, store, newClock().now)
	b := blobFor(t, blobOf(t, store))
	p := must(ringjwe.Split(b.Ring))(t)
	parts := strings.Split(b.Ring, ".")
	n := len(p.Ciphertext)
	b.Ring = strings.Join([]string{parts[0], "", parts[2], b64(p.Ciphertext[:n-16]), b64(slices.Concat(p.Ciphertext[n-16:], p.Tag))}, ".")
	if _, err := ringjwe.Decrypt(b.Ring, jose.DIRECT, ring.snapshot.Load().ringKey()); err != nil {
		t.Logf("go-jose refuses it by itself now: %v", err)
	}
	mustNotOpen(t, "octets moved", must(json.Marshal(b))(t))
	if _, err := ringjwe.Split(parts[0] + ".." + b64(p.IV[1:]) + "." + parts[3] + "." + parts[4]); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a short iv: %v", err)
	}
}

// These blobs were written with the ring key itself. Each has one fault.
func TestWellEncryptedButWrong(t *testing.T) {
	store := NewMemStore()
	ring := newRing(t, store, newClock().now)
	s := ring.snapshot.Load()
	plaintext := func(d document, slots []slot) []byte {
		d.Slots = digestSlots(slots)
		return must(json.Marshal(d))(t)
	}
	write := func(slots []slot, text []byte, options *jose.EncrypterOptions) []byte {
		e := must(jose.NewEncrypter(jose.A256CBC_HS512, jose.Recipient{Algorithm: jose.DIRECT, Key: s.ringKey()}, options))(t)
		jwe := must(must(e.Encrypt(text))(t).CompactSerialize())(t)
		return must(json.Marshal(blob{Version: blobVersion, Slots: slots, Ring: jwe}))(t)
	}
	good := plaintext(*s.document, s.slots)
	openRing(t, storeWith(t, write(s.slots, good, nil)), newClock().now)

	mustNotOpen(t, "content type", write(s.slots, good, (&jose.EncrypterOptions{}).WithContentType("JSON")))
	mustNotOpen(t, "compressed", write(s.slots, good, &jose.EncrypterOptions{Compression: jose.DEFLATE}))
	future := *s.document
	future.Version = 3
	mustNotOpen(t, "document version 3", write(s.slots, plaintext(future, s.slots), nil))
	mustNotOpen(t, "unknown member", write(s.slots, append([]byte(`{"more":1,`), good[1:]...), nil))
	mustNotOpen(t, "member twice", write(s.slots, append([]byte(`{"v":2,`), good[1:]...), nil))
	mustNotOpen(t, "member in another case", write(s.slots, append([]byte(`{"V":2,`), good[1:]...), nil))
	mustNotOpen(t, "no JSON", write(s.slots, []byte("ring"), nil))
	mustNotOpen(t, "member of another type", write(s.slots, bytes.Replace(good, []byte(`"keys":[`), []byte(`"keys":7,"log":[`), 1), nil))
	mustNotOpen(t, "bad duration", write(s.slots, bytes.Replace(good, []byte(`"1h0m0s"`), []byte(`"1 hour"`), 1), nil))

	var nine []slot
	for i := range maxSlots + 1 {
		nine = append(nine, slot{KEK: string(rune('a' + i)), JWE: s.slots[0].JWE})
	}
	nine[8].KEK = s.slots[0].KEK
	mustNotOpen(t, "nine slots", write(nine, plaintext(*s.document, nine), nil))
	openRing(t, storeWith(t, write(nine[1:], plaintext(*s.document, nine[1:]), nil)), newClock().now)
	twice := []slot{s.slots[0], s.slots[0]}
	mustNotOpen(t, "slot doubled", write(twice, plaintext(*s.document, twice), nil))

	short := []slot{{KEK: rawKey(t).ID(), JWE: must(encryptShort())(t)}}
	mustNotOpen(t, "short ring key", write(short, plaintext(*s.document, short), nil))
}

// encryptShort wraps 32 bytes, though a ring key has 64.
func encryptShort() (string, error) {
	return ringjwe.Encrypt(jose.Recipient{Algorithm: jose.A256KW, Key: testKEK}, make([]byte, 32))
}

func TestFutureFormat(t *testing.T) {
	store := NewMemStore()
	newRing(t, store, newClock().now)
	doc := bytes.Replace(blobOf(t, store), []byte(`{"v":2`), []byte(`{"v":3`), 1)
	_, err := Open(t.Context(), Config{Store: storeWith(t, doc), KEK: rawKey(t)})
	if wantError(t, err, ErrUnreadable); !strings.Contains(err.Error(), "version") {
		t.Errorf("%v does not say that the format is a newer one", err)
	}
	_, err = Open(t.Context(), Config{Store: storeWith(t, doc[:9]), KEK: rawKey(t)})
	if wantError(t, err, ErrUnreadable); strings.Contains(err.Error(), "version") {
		t.Errorf("%v takes damage for a newer format", err)
	}
}

func TestWrongKEK(t *testing.T) {
	store := NewMemStore()
	newRing(t, store, newClock().now)
	other := must(NewKEK(bytes.Repeat([]byte{1}, 32)))(t)
	_, err := Open(t.Context(), Config{Store: store, KEK: other})
	if wantError(t, err, ErrUnreadable); !strings.Contains(err.Error(), "no slot") {
		t.Errorf("%v does not say that the KEK is another one", err)
	}
	// Even a KEK with the right id does not open it.
	_, err = Open(t.Context(), Config{Store: store, KEK: &rawKEK{secret{}, rawKey(t).ID(), newSecret(make([]byte, 32))}})
	wantError(t, err, ErrUnreadable)
}

// A blob that the ring could not read back is not written.
func TestSealReadsBack(t *testing.T) {
	key := newRingKey()
	good := []slot{{KEK: "a", JWE: "jwe"}}
	for name, c := range map[string]struct {
		slots []slot
		key   secretBytes
	}{
		"no slots":  {nil, key},
		"two alike": {[]slot{good[0], good[0]}, key},
		"short key": {good, newSecret(key()[:63])},
	} {
		if _, err := sealBlob(&document{Version: 1}, c.slots, c.key); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if _, err := sealBlob(&document{Version: 2}, good, key); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a document of a version that is not read: %v", err)
	}
}

// An attacker who has the file and no KEK sees only these facts about a ring.
func TestStoredRingIsOpaque(t *testing.T) {
	store := NewMemStore()
	ring := newRing(t, store, newClock().now)
	doc := blobOf(t, store)
	for _, k := range must(ring.Keys(t.Context()))(t) {
		if bytes.Contains(doc, []byte(k.ID)) || bytes.Contains(doc, []byte(k.Thumbprint)) {
			t.Errorf("kid %s stands in the file", k.ID)
		}
	}
	var shape map[string]json.RawMessage
	if err := json.Unmarshal(doc, &shape); err != nil || len(shape) != 3 {
		t.Errorf("%d members, %v", len(shape), err)
	}
}

// Any JOSE tool that has the KEK opens a ring.
func TestRingWithGoJoseAlone(t *testing.T) {
	store := NewMemStore()
	ring := newRing(t, store, newClock().now)
	d := decryptWithGoJose(t, blobOf(t, store))
	if string(d["v"]) != "2" || string(d["generation"]) != "1" || !strings.Contains(string(d["policy"]), `"token_lifetime":"1h0m0s"`) {
		t.Errorf("document %s", d)
	}
	s := must(ring.PrivateKeys(t.Context()))(t)
	if k := must(s.SigningKey())(t); !strings.Contains(string(d["keys"]), `"kid":"`+k.ID()+`"`) {
		t.Error("the signing key is not in it")
	}
}

func decryptWithGoJose(t *testing.T, doc []byte) map[string]json.RawMessage {
	t.Helper()
	var b struct {
		Slots []struct{ KEK, JWE string }
		Ring  string
	}
	if err := json.Unmarshal(doc, &b); err != nil {
		t.Fatal(err)
	}
	contents := []jose.ContentEncryption{jose.A256CBC_HS512}
	slot := must(jose.ParseEncryptedCompact(b.Slots[0].JWE, []jose.KeyAlgorithm{jose.A256KW}, contents))(t)
	ringKey := must(slot.Decrypt(testKEK))(t)
	ring := must(jose.ParseEncryptedCompact(b.Ring, []jose.KeyAlgorithm{jose.DIRECT}, contents))(t)
	var d map[string]json.RawMessage
	if err := json.Unmarshal(must(ring.Decrypt(ringKey))(t), &d); err != nil {
		t.Fatal(err)
	}
	return d
}
