package keyring

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys"
)

// These are the error texts for a ring that an attacker without the KEK wrote. One text covers all
// damage, and two others describe facts that stand in the file in clear. A fourth would tell the
// attacker how far the reader came.
var (
	damagedText = ErrUnreadable.Error()
	noSlotText  = damagedText + " (it has no slot for this key file or passphrase)"
	formatText  = damagedText + " (a format that this version of sealjwt does not know)"
)

// victim is a stored ring with a KEK that opens it.
type victim struct {
	doc []byte
	kek KEK
	was *document
}

func newVictim(t testing.TB, doc []byte, kek KEK) victim {
	t.Helper()
	r := must(openAt(t.Context(), Config{Store: storeWith(t, doc), KEK: kek}, newClock().now))(t)
	return victim{bytes.Clone(doc), kek, r.snapshot.Load().document}
}

// refuses fails unless doc is refused with ErrUnreadable and no other error, with one of these
// texts, or the text for damage if there are none.
func (v victim) refuses(t testing.TB, what string, doc []byte, texts ...string) {
	t.Helper()
	if len(texts) == 0 {
		texts = []string{damagedText}
	}
	r, err := openAt(t.Context(), Config{Store: frozen(doc), KEK: v.kek}, newClock().now)
	if r != nil || !errors.Is(err, ErrUnreadable) || !slices.Contains(texts, err.Error()) {
		t.Fatalf("%s: %v", what, err)
	}
}

// opens fails unless the undamaged ring still opens with its keys.
func (v victim) opens(t testing.TB) {
	t.Helper()
	r := must(openAt(t.Context(), Config{Store: frozen(v.doc), KEK: v.kek}, newClock().now))(t)
	if !bytes.Equal(asJSON(t, r.snapshot.Load().document), asJSON(t, v.was)) {
		t.Fatal("another ring came back")
	}
}

// frozen is a store of one blob. It makes no copy, because there are many cases.
type frozen []byte

func (f frozen) Load(context.Context) ([]byte, string, error) { return f, "1", nil }
func (f frozen) Swap(context.Context, string, []byte) (string, error) {
	return "", errors.New("not to be written")
}

// goldenVictim returns a ring of the test data with its key file.
func goldenVictim(t testing.TB, name string) victim {
	t.Helper()
	return newVictim(t, readTestdata(t, "rings/"+name), must(NewKEK(readTestdata(t, "rings/v1.kek")))(t))
}

const hostilePhrase = "a phrase of the hostile tests"

// cheapSlot returns a passphrase slot with few rounds, because there are thousands of cases. Apart
// from that it is like a slot of ours.
func cheapSlot(t testing.TB, key secretBytes) slot {
	t.Helper()
	header := `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1,"p2s":"` + b64(bytes.Repeat([]byte{7}, saltSize)) + `"}`
	return slot{KEK: passphraseID, JWE: wrapUnder(t, header, stretch(t, hostilePhrase, bytes.Repeat([]byte{7}, saltSize), 1), key())}
}

// twoSlots returns a new ring with a slot for the test KEK and one for a passphrase, once for each
// of them.
func twoSlots(t testing.TB) (byKeyFile, byPassphrase victim) {
	t.Helper()
	store := NewMemStore()
	s := newRing(t, store, newClock().now).snapshot.Load()
	doc := must(sealBlob(s.document.clone(), append(slices.Clone(s.slots), cheapSlot(t, s.ringKey)), s.ringKey))(t)
	return newVictim(t, doc, rawKey(t)), newVictim(t, doc, must(PassphraseKEK([]byte(hostilePhrase)))(t))
}

// stretch derives a key by RFC 7518 section 4.8.1.
func stretch(t testing.TB, phrase string, salt []byte, rounds int) []byte {
	t.Helper()
	salt = slices.Concat([]byte("PBES2-HS512+A256KW\x00"), salt)
	return must(pbkdf2.Key(sha512.New, phrase, salt, rounds, rawKeySize))(t)
}

// compactJWE returns a JWE with exactly these bytes as its header. It is valid for a reader that
// ignores the header.
func compactJWE(t testing.TB, header string, encryptedKey []byte, c keys.Content, cek, plaintext []byte) string {
	t.Helper()
	iv, ciphertext, tag := encrypted(t, c, cek, []byte(b64([]byte(header))), plaintext)
	return strings.Join([]string{b64([]byte(header)), b64(encryptedKey), b64(iv), b64(ciphertext), b64(tag)}, ".")
}

// wrapUnder returns a compactJWE for a slot, with a content key that is wrapped under kek.
func wrapUnder(t testing.TB, header string, kek, ringKey []byte) string {
	t.Helper()
	cek := make([]byte, keySize(keys.A256CBCHS512))
	rand.Read(cek)
	return compactJWE(t, header, must(josecipher.KeyWrap(must(aes.NewCipher(kek))(t), cek))(t), keys.A256CBCHS512, cek, ringKey)
}

// respelled returns b with other slots or another ring, and no other change.
func respelled(t testing.TB, slots []slot, ring string) []byte {
	t.Helper()
	return asJSON(t, blob{Version: blobVersion, Slots: slots, Ring: ring})
}

// sealedAs returns a blob whose document is this text, encrypted under the true ring key with any
// header.
func sealedAs(t testing.TB, header string, slots []slot, ringKey secretBytes, text []byte) []byte {
	t.Helper()
	return respelled(t, slots, compactJWE(t, header, nil, keys.A256CBCHS512, ringKey(), text))
}

// withSlots writes d beside these slots.
func withSlots(t testing.TB, d document, slots []slot) []byte {
	t.Helper()
	d.Slots = digestSlots(slots)
	return asJSON(t, d)
}

// Without a fault the tools above make blobs that open. Otherwise a mistake of the tests could
// cause every refusal below.
func TestHostileToolsMakeGoodRings(t *testing.T) {
	key, raw := newRingKey(), rawKey(t)
	slots := []slot{
		{KEK: raw.ID(), JWE: wrapUnder(t, `{"alg":"A256KW","enc":"A256CBC-HS512"}`, testKEK, key())}, cheapSlot(t, key),
	}
	doc := sealedAs(t, ringHeader, slots, key, withSlots(t, *documentOf(), slots))
	for _, kek := range []KEK{raw, must(PassphraseKEK([]byte(hostilePhrase)))(t)} {
		newVictim(t, doc, kek).opens(t)
	}
	// go-jose derives the same key.
	jwe := must(jose.ParseEncryptedCompact(slots[1].JWE, []jose.KeyAlgorithm{jose.PBES2_HS512_A256KW}, []jose.ContentEncryption{jose.A256CBC_HS512}))(t)
	if got := must(jwe.Decrypt([]byte(hostilePhrase)))(t); !bytes.Equal(got, key()) {
		t.Error("another ring key")
	}
}

// spansOfJWEs returns the positions of the compact JWEs in a blob.
func spansOfJWEs(t testing.TB, doc []byte) [][2]int {
	t.Helper()
	b := must(parseBlob(doc))(t)
	var spans [][2]int
	for _, s := range b.Slots {
		at := bytes.Index(doc, []byte(s.JWE))
		spans = append(spans, [2]int{at, at + len(s.JWE)})
	}
	at := bytes.LastIndex(doc, []byte(b.Ring))
	return append(spans, [2]int{at, at + len(b.Ring)})
}

// textsAt returns the error texts that damage at an offset may have. Inside a JWE there is one.
// Outside of it the file itself shows the fault.
func textsAt(spans [][2]int, at int) []string {
	for _, s := range spans {
		if s[0] <= at && at < s[1] {
			return []string{damagedText}
		}
	}
	return []string{damagedText, noSlotText, formatText}
}

func describe(what string, at, bit int) string {
	return fmt.Sprintf("%s at byte %d, bit %d", what, at, bit)
}
