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

// What is said of a ring that nobody with its KEK wrote. There are three texts:
// one for all damage, and two that follow from what stands in the file in clear.
// A fourth would tell whoever damages a ring how far the reader came.
var (
	damagedText = ErrUnreadable.Error()
	noSlotText  = damagedText + " (it has no slot for this key file or passphrase)"
	formatText  = damagedText + " (a format that this version of sealjwt does not know)"
)

// victim is a ring at rest, and a KEK that opens it.
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

// refuses fails unless doc is refused with ErrUnreadable, nothing but it, and one
// of these texts: that of damage when none is given.
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

// opens fails unless the ring as it was still opens, with the keys that it had.
func (v victim) opens(t testing.TB) {
	t.Helper()
	r := must(openAt(t.Context(), Config{Store: frozen(v.doc), KEK: v.kek}, newClock().now))(t)
	if !bytes.Equal(asJSON(t, r.snapshot.Load().document), asJSON(t, v.was)) {
		t.Fatal("another ring came back")
	}
}

// frozen is a store that holds this blob, without a copy for each of many cases.
type frozen []byte

func (f frozen) Load(context.Context) ([]byte, string, error) { return f, "1", nil }
func (f frozen) Swap(context.Context, string, []byte) (string, error) {
	return "", errors.New("not to be written")
}

// goldenVictim is a ring of the test data by its key file.
func goldenVictim(t testing.TB, name string) victim {
	t.Helper()
	return newVictim(t, readTestdata(t, "rings/"+name), must(NewKEK(readTestdata(t, "rings/v1.kek")))(t))
}

const hostilePhrase = "a phrase of the hostile tests"

// cheapSlot is a passphrase slot of so few rounds that thousands of cases pay for
// them; in every other respect it is as we write it.
func cheapSlot(t testing.TB, key secretBytes) slot {
	t.Helper()
	header := `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1,"p2s":"` + b64(bytes.Repeat([]byte{7}, saltSize)) + `"}`
	return slot{KEK: passphraseID, JWE: wrapUnder(t, header, stretch(t, hostilePhrase, bytes.Repeat([]byte{7}, saltSize), 1), key())}
}

// twoSlots is a new ring with a slot for the test KEK and one for a passphrase,
// as it is opened by the one and by the other.
func twoSlots(t testing.TB) (byKeyFile, byPassphrase victim) {
	t.Helper()
	store := NewMemStore()
	s := newRing(t, store, newClock()).snapshot.Load()
	doc := must(sealBlob(s.document.clone(), append(slices.Clone(s.slots), cheapSlot(t, s.ringKey)), s.ringKey))(t)
	return newVictim(t, doc, rawKey(t)), newVictim(t, doc, must(PassphraseKEK([]byte(hostilePhrase)))(t))
}

// stretch is the key derivation of RFC 7518 section 4.8.1.
func stretch(t testing.TB, phrase string, salt []byte, rounds int) []byte {
	t.Helper()
	salt = join([]byte("PBES2-HS512+A256KW\x00"), salt)
	return must(pbkdf2.Key(sha512.New, phrase, salt, rounds, rawKeySize))(t)
}

// compactJWE is a JWE with these very bytes as its header, valid for who does not
// look at them.
func compactJWE(t testing.TB, header string, encryptedKey []byte, c keys.Content, cek, plaintext []byte) string {
	t.Helper()
	iv, ciphertext, tag := encrypted(t, c, cek, []byte(b64([]byte(header))), plaintext)
	return strings.Join([]string{b64([]byte(header)), b64(encryptedKey), b64(iv), b64(ciphertext), b64(tag)}, ".")
}

// wrapUnder is compactJWE for a slot: with a key of its own, wrapped under kek.
func wrapUnder(t testing.TB, header string, kek, ringKey []byte) string {
	t.Helper()
	cek := make([]byte, keySize(keys.A256CBCHS512))
	rand.Read(cek)
	return compactJWE(t, header, must(josecipher.KeyWrap(must(aes.NewCipher(kek))(t), cek))(t), keys.A256CBCHS512, cek, ringKey)
}

// respelled is b with other slots or another ring, and nothing else done to it.
func respelled(t testing.TB, slots []slot, ring string) []byte {
	t.Helper()
	return asJSON(t, blob{Version: blobVersion, Slots: slots, Ring: ring})
}

// sealedAs is a blob whose document is this text under the true ring key, with a
// header of one's choice.
func sealedAs(t testing.TB, header string, slots []slot, ringKey secretBytes, text []byte) []byte {
	t.Helper()
	return respelled(t, slots, compactJWE(t, header, nil, keys.A256CBCHS512, ringKey(), text))
}

// withSlots is d as text, written beside these slots.
func withSlots(t testing.TB, d document, slots []slot) []byte {
	t.Helper()
	d.Slots = digestSlots(slots)
	return asJSON(t, d)
}

// The compositions above are what the reader takes when nothing is wrong: without
// this, every refusal below could be one of the tests' own mistakes.
func TestHostileToolsMakeGoodRings(t *testing.T) {
	key, raw := newRingKey(), rawKey(t)
	slots := []slot{
		{KEK: raw.ID(), JWE: wrapUnder(t, `{"alg":"A256KW","enc":"A256CBC-HS512"}`, testKEK, key())}, cheapSlot(t, key),
	}
	doc := sealedAs(t, ringHeader, slots, key, withSlots(t, *documentOf(), slots))
	for _, kek := range []KEK{raw, must(PassphraseKEK([]byte(hostilePhrase)))(t)} {
		newVictim(t, doc, kek).opens(t)
	}
	// go-jose stretches the same way.
	jwe := must(jose.ParseEncryptedCompact(slots[1].JWE, []jose.KeyAlgorithm{jose.PBES2_HS512_A256KW}, []jose.ContentEncryption{jose.A256CBC_HS512}))(t)
	if got := must(jwe.Decrypt([]byte(hostilePhrase)))(t); !bytes.Equal(got, key()) {
		t.Error("another ring key")
	}
}

// spansOfJWEs returns where the compact JWEs of a blob stand in its text.
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

// textsAt are the texts with which damage at an offset may be refused: inside a
// JWE there is one, outside the file itself shows what is wrong.
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
