package keyring

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// damaged is a victim with the distance between its damages. Up to an offset every bit of a byte is
// damaged in turn, and after it one bit.
type damaged struct {
	victim
	stride, everyBit int
}

func damageVictims(t *testing.T) map[string]damaged {
	byKeyFile, byPassphrase := twoSlots(t)
	all := map[string]damaged{
		"v1":                         {goldenVictim(t, "v1.ring"), 3, 0},
		"v1 of two slots":            {goldenVictim(t, "v1-passphrase.ring"), 5, 0},
		"two slots, by key file":     {byKeyFile, 1, 0}, // TestDamagedRing damages every bit
		"two slots, by a passphrase": {byPassphrase, 1, bytes.Index(byPassphrase.doc, []byte(`"ring"`))},
	}
	for name, v := range all {
		if os.Getenv("SEALJWT_LONG") != "" {
			all[name] = damaged{v.victim, 1, len(v.doc)}
		} else if testing.Short() {
			all[name] = damaged{v.victim, 47, 0}
		}
	}
	return all
}

// The ring is damaged in a bit of each byte, and cut to each length. No key is read from a ring
// that is not whole. All damage inside a JWE has one error text.
func TestDamageAnywhere(t *testing.T) {
	for name, v := range damageVictims(t) {
		t.Run(name, func(t *testing.T) {
			spans := spansOfJWEs(t, v.doc)
			doc := bytes.Clone(v.doc)
			for i := 0; i < len(doc); i += v.stride {
				texts := textsAt(spans, i)
				for bit := range 8 {
					if i < v.everyBit || bit == i%8 {
						doc[i] = v.doc[i] ^ 1<<bit
						v.refuses(t, describe("flipped", i, bit), doc, texts...)
					}
				}
				doc[i] = v.doc[i]
				v.refuses(t, describe("truncated", i, 0), v.doc[:i])
			}
			v.opens(t)
		})
	}
}

// A byte more or less shifts all bytes after it. The step is prime to 4, so the damage falls on
// every place in a group of base64url.
func TestDamageShifts(t *testing.T) {
	for name, v := range damageVictims(t) {
		t.Run(name, func(t *testing.T) {
			spans := spansOfJWEs(t, v.doc)
			step := 7 * v.stride
			for i := 0; i < len(v.doc); i += step {
				texts := textsAt(spans, i)
				for _, c := range []byte("A.\n\x00=\"") {
					v.refuses(t, describe("inserted", i, int(c)), slices.Insert(bytes.Clone(v.doc), i, c), texts...)
				}
				v.refuses(t, describe("deleted", i, 0), slices.Delete(bytes.Clone(v.doc), i, i+1), texts...)
				v.refuses(t, describe("cut out", i, 0), slices.Delete(bytes.Clone(v.doc), i, min(i+step, len(v.doc))), damagedText, noSlotText, formatText)
			}
			for _, tail := range []string{"\n", " ", "\x00", "}", "{}", ",", "//", "null", string(v.doc)} {
				v.refuses(t, "appended", append(bytes.Clone(v.doc), tail...))
			}
			v.opens(t)
		})
	}
}

// A write was torn: the first bytes are of one generation and the others of the next. Both are
// ours, under the same ring key and with the same slots. Their lengths differ, so the halves are
// aligned at the front and at the end.
func TestDamageTornBetweenGenerations(t *testing.T) {
	store := NewMemStore()
	ring := newRing(t, store, newClock().now)
	older := newVictim(t, blobOf(t, store), rawKey(t))
	if err := ring.importOwn(t.Context(), generated(t, keys.ES256), Staged); err != nil {
		t.Fatal(err)
	}
	newer := newVictim(t, blobOf(t, store), rawKey(t))
	if !slices.Equal(blobFor(t, older.doc).Slots, blobFor(t, newer.doc).Slots) {
		t.Fatal("an import is no reason for other slots")
	}
	for _, pair := range [][2][]byte{{older.doc, newer.doc}, {newer.doc, older.doc}} {
		a, b := pair[0], pair[1]
		step := 1
		if testing.Short() {
			step = 23
		}
		for i := 0; i < min(len(a), len(b)); i += step {
			for _, torn := range [][]byte{slices.Concat(a[:i], b[i:]), slices.Concat(a[:len(a)-i], b[len(b)-i:])} {
				if !bytes.Equal(torn, a) && !bytes.Equal(torn, b) {
					older.refuses(t, describe("torn", i, 0), torn)
				}
			}
		}
	}
	older.opens(t)
	newer.opens(t)
}

// Parts of two rings that one KEK opens are mixed: of two generations, under two ring keys, with
// more slots and with fewer.
func TestDamageMixedParts(t *testing.T) {
	ctx := t.Context()
	store := NewMemStore()
	ring := newRing(t, store, newClock().now)
	stages := map[string]blob{"first": blobFor(t, blobOf(t, store))}
	second := must(NewKEK(bytes.Repeat([]byte{2}, rawKeySize)))(t)
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"slot more", func() error { return ring.AddKEK(ctx, second) }},
		{"wrapped again", func() error { return ring.Rewrap(ctx, rawKey(t), second) }},
		{"slot less", func() error { return ring.Rewrap(ctx, rawKey(t)) }},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		stages[step.name] = blobFor(t, blobOf(t, store))
	}
	other := NewMemStore()
	newRing(t, other, newClock().now)
	stages["another ring"] = blobFor(t, blobOf(t, other))

	v := newVictim(t, blobOf(t, store), rawKey(t))
	for slots, a := range stages {
		for sealed, b := range stages {
			mixed := respelled(t, a.Slots, b.Ring)
			if slots == sealed {
				newVictim(t, mixed, rawKey(t)).opens(t)
				continue
			}
			v.refuses(t, "slots: "+slots+", ring: "+sealed, mixed)
		}
	}
	v.opens(t)
}

// A ring has two slots. Each KEK opens it, and notices every change of the slots, also if its own
// slot has not changed.
func TestDamageOfTheSlots(t *testing.T) {
	byKeyFile, byPassphrase := twoSlots(t)
	b := blobFor(t, byKeyFile.doc)
	key, phrase := b.Slots[0], b.Slots[1]
	stranger := slot{KEK: "stranger", JWE: key.JWE}
	eight := []slot{key, phrase}
	for i := range maxSlots - len(eight) {
		eight = append(eight, slot{KEK: string(rune('a' + i)), JWE: key.JWE})
	}
	for name, c := range map[string]struct {
		slots               []slot
		keyFile, passphrase string
	}{
		"the key file's removed":   {[]slot{phrase}, noSlotText, damagedText},
		"the passphrase's removed": {[]slot{key}, damagedText, noSlotText},
		"swapped in order":         {[]slot{phrase, key}, damagedText, damagedText},
		"ids exchanged":            {[]slot{{KEK: phrase.KEK, JWE: key.JWE}, {KEK: key.KEK, JWE: phrase.JWE}}, damagedText, damagedText},
		"key file's doubled":       {[]slot{key, key}, damagedText, damagedText},
		"passphrase's doubled":     {[]slot{key, phrase, phrase}, damagedText, damagedText},
		"key file's in both":       {[]slot{key, {KEK: phrase.KEK, JWE: key.JWE}}, damagedText, damagedText},
		"passphrase's in both":     {[]slot{{KEK: key.KEK, JWE: phrase.JWE}, phrase}, damagedText, damagedText},
		"stranger added":           {[]slot{key, phrase, stranger}, damagedText, damagedText},
		"stranger between":         {[]slot{key, stranger, phrase}, damagedText, damagedText},
		"stranger for the other":   {[]slot{stranger, phrase}, noSlotText, damagedText},
		"another kek id":           {[]slot{{KEK: key.KEK[1:] + "A", JWE: key.JWE}, phrase}, noSlotText, damagedText},
		"kek id in another case":   {[]slot{{KEK: key.KEK, JWE: key.JWE}, {KEK: "Passphrase", JWE: phrase.JWE}}, damagedText, noSlotText},
		"empty kek id":             {[]slot{{KEK: "", JWE: key.JWE}, phrase}, noSlotText, damagedText},
		"empty jwe":                {[]slot{{KEK: key.KEK, JWE: ""}, {KEK: phrase.KEK, JWE: ""}}, damagedText, damagedText},
		"up to eight":              {eight, damagedText, damagedText},
		"a ninth":                  {append(slices.Clone(eight), stranger), damagedText, damagedText},
		"a thousand":               {slices.Repeat([]slot{key}, 1000), damagedText, damagedText},
		"ring in a slot":           {[]slot{{KEK: key.KEK, JWE: b.Ring}, {KEK: phrase.KEK, JWE: b.Ring}}, damagedText, damagedText},
		"none":                     {[]slot{}, damagedText, damagedText},
	} {
		byKeyFile.refuses(t, name, respelled(t, c.slots, b.Ring), c.keyFile)
		byPassphrase.refuses(t, name, respelled(t, c.slots, b.Ring), c.passphrase)
	}
	byKeyFile.opens(t)
	byPassphrase.opens(t)
}

// The KEK does not belong to the ring. The error may say that there is no slot for it. An attacker
// must not be able to tell a wrong passphrase from damage.
func TestDamageOfTheKEK(t *testing.T) {
	byKeyFile, byPassphrase := twoSlots(t)
	other := must(NewKEK(bytes.Repeat([]byte{3}, rawKeySize)))(t)
	for name, c := range map[string]struct {
		v    victim
		text string
	}{
		"another key file":        {victim{kek: other, doc: byKeyFile.doc}, noSlotText},
		"its id, another key":     {victim{kek: &rawKEK{secret{}, rawKey(t).ID(), newSecret(bytes.Repeat([]byte{3}, rawKeySize))}, doc: byKeyFile.doc}, damagedText},
		"another passphrase":      {victim{kek: must(PassphraseKEK([]byte("another")))(t), doc: byPassphrase.doc}, damagedText},
		"passphrase and a space":  {victim{kek: must(PassphraseKEK([]byte(hostilePhrase + " ")))(t), doc: byPassphrase.doc}, damagedText},
		"passphrase, other case":  {victim{kek: must(PassphraseKEK(bytes.ToUpper([]byte(hostilePhrase))))(t), doc: byPassphrase.doc}, damagedText},
		"key file, as passphrase": {victim{kek: must(PassphraseKEK(testKEK))(t), doc: byPassphrase.doc}, damagedText},
		"passphrase, no slot":     {victim{kek: byPassphrase.kek, doc: goldenVictim(t, "v1.ring").doc}, noSlotText},
	} {
		c.v.refuses(t, name, c.v.doc, c.text)
	}
	byKeyFile.opens(t)
	byPassphrase.opens(t)
}
