package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/ringjwe"
)

func TestKEKLength(t *testing.T) {
	for n := range 70 {
		k, err := NewKEK(make([]byte, n))
		if n == 32 {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if k != nil {
			t.Errorf("%d bytes are a KEK", n)
		}
		wantError(t, err, ErrKEK)
	}
}

// The id must never change, or no ring finds its slot again. It is neither a prefix of the key nor
// its plain digest.
func TestKEKID(t *testing.T) {
	if got := rawKey(t).ID(); got != "e6yTkwPgIC8KsA_P" {
		t.Errorf("id %s", got)
	}
	other := must(NewKEK(append(bytes.Clone(testKEK[:31]), 'x')))(t)
	if other.ID() == rawKey(t).ID() {
		t.Error("two keys have one id")
	}
}

func TestKEKIsCopied(t *testing.T) {
	key := bytes.Clone(testKEK)
	k := must(NewKEK(key))(t)
	clear(key)
	wrapped := wrapJWE(k, make([]byte, 64))(t)
	if _, err := unwrapJWE(t, rawKey(t), wrapped); err != nil {
		t.Error("the caller can change the KEK")
	}
	phrase := []byte("phrase")
	p := must(PassphraseKEK(phrase))(t).(*passphraseKEK)
	clear(phrase)
	if string(p.passphrase()) != "phrase" {
		t.Error("the caller can change the passphrase")
	}
}

func TestPassphraseEmpty(t *testing.T) {
	for _, p := range [][]byte{nil, {}} {
		k, err := PassphraseKEK(p)
		if k != nil {
			t.Error("an empty passphrase is a KEK")
		}
		wantError(t, err, ErrKEK)
	}
}

func TestUnwrapRefuses(t *testing.T) {
	ringKey := bytes.Repeat([]byte{9}, 64)
	k := rawKey(t)
	jwe := wrapJWE(k, ringKey)(t)
	if got, err := unwrapJWE(t, k, jwe); err != nil || !bytes.Equal(got, ringKey) {
		t.Fatal(err)
	}
	parts := strings.Split(jwe, ".")
	join := func(header string) string {
		return strings.Join(append([]string{b64([]byte(header))}, parts[1:]...), ".")
	}
	// The header has other bytes with the same meaning and no other fault.
	e := must(jose.NewEncrypter(jose.A256CBC_HS512, jose.Recipient{Algorithm: jose.A256KW, Key: testKEK},
		(&jose.EncrypterOptions{}).WithType("JWT")))(t)
	typed := must(must(e.Encrypt(ringKey))(t).CompactSerialize())(t)
	gcm := must(jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.A256KW, Key: testKEK}, nil))(t)

	for name, jwe := range map[string]string{
		"empty":            "",
		"four parts":       strings.Join(parts[:4], "."),
		"six parts":        jwe + ".",
		"header":           join(`{"alg":"dir","enc":"A256CBC-HS512"}`),
		"header, spaces":   join(`{"alg": "A256KW","enc":"A256CBC-HS512"}`),
		"other header":     typed,
		"other content":    must(must(gcm.Encrypt(ringKey))(t).CompactSerialize())(t),
		"other key":        wrapJWE(must(NewKEK(make([]byte, 32)))(t), ringKey)(t),
		"line feed":        jwe[:len(jwe)-1] + "\n" + jwe[len(jwe)-1:],
		"no encrypted key": strings.Join([]string{parts[0], "", parts[2], parts[3], parts[4]}, "."),
	} {
		if got, err := unwrapJWE(t, k, jwe); got != nil || !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An attacker who can write the ring chooses the number of rounds. It must be refused before the
// first round: two billion rounds would take half an hour.
func TestPassphraseRounds(t *testing.T) {
	k := must(PassphraseKEK([]byte("phrase")))(t)
	tail := "." + b64(make([]byte, 72)) + "." + b64(make([]byte, 16)) + "." + b64(make([]byte, 80)) + "." + b64(make([]byte, 32))
	for name, header := range map[string]string{
		"2^31-1":      `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":2147483647,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"a million+1": `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1000001,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"2^63":        `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":9223372036854775808,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"zero":        `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":0,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"negative":    `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":-1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"fraction":    `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1.5,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"exponent":    `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":6e5,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"text":        `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":"600000","p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"absent":      `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"twice":       `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":2147483647,"p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"other alg":   `{"alg":"PBES2-HS256+A128KW","enc":"A256CBC-HS512","p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"other enc":   `{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"more":        `{"alg":"PBES2-HS512+A256KW","enc":"A256CBC-HS512","p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA","zip":"DEF"}`,
		"order":       `{"enc":"A256CBC-HS512","alg":"PBES2-HS512+A256KW","p2c":1,"p2s":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		"no header":   ``,
	} {
		got, err := unwrapJWE(t, k, b64([]byte(header))+tail)
		if got != nil || !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := unwrapJWE(t, k, "a.b"); !errors.Is(err, ErrUnreadable) {
		t.Error(err)
	}
	// With the right passphrase only the header decides.
	for _, options := range []*jose.EncrypterOptions{nil, (&jose.EncrypterOptions{}).WithType("JWT")} {
		e := must(jose.NewEncrypter(jose.A256CBC_HS512, jose.Recipient{
			Algorithm: jose.PBES2_HS512_A256KW, Key: k.(*passphraseKEK).passphrase(), PBES2Count: 1000, PBES2Salt: make([]byte, 16),
		}, options))(t)
		jwe := must(must(e.Encrypt(make([]byte, 64)))(t).CompactSerialize())(t)
		if _, err := unwrapJWE(t, k, jwe); errors.Is(err, ErrUnreadable) != (options != nil) {
			t.Errorf("another member in the header: %v, %v", options != nil, err)
		}
	}
}

func TestPassphraseRing(t *testing.T) {
	if testing.Short() {
		t.Skip("half a second for each passphrase")
	}
	store := NewMemStore()
	kek := must(PassphraseKEK([]byte("correct horse")))(t)
	ring := must(Create(t.Context(), Config{Store: store, KEK: kek}))(t)
	_, err := Open(t.Context(), Config{Store: store, KEK: must(PassphraseKEK([]byte("correct horse\n")))(t)})
	wantError(t, err, ErrUnreadable)
	_, err = Open(t.Context(), Config{Store: store, KEK: rawKey(t)})
	wantError(t, err, ErrUnreadable)

	// Each ring has a salt of its own, and 600 000 rounds.
	jwe, again := ring.snapshot.Load().slots[0].JWE, wrapJWE(kek, make([]byte, 64))(t)
	var h, h2 pbes2Header
	for jwe, dst := range map[string]*pbes2Header{jwe: &h, again: &h2} {
		if err := json.Unmarshal(must(ringjwe.Split(jwe))(t).Header, dst); err != nil {
			t.Fatal(err)
		}
	}
	if h.Count != 600_000 || len(h.Salt) != 22 || h.Salt == h2.Salt {
		t.Errorf("%+v, %+v", h, h2)
	}

	// A reload does not derive the key again while the slots are the same.
	counting := &countingKEK{KEK: kek}
	r := must(openAt(t.Context(), Config{Store: store, KEK: counting}, ring.now))(t)
	if err := ring.importOwn(t.Context(), generated(t, keys.ES256), Staged); err != nil {
		t.Fatal(err)
	}
	if infos, err := r.Keys(t.Context()); err != nil || len(infos) != keyCount(ring) || counting.unwraps != 1 {
		t.Errorf("%d keys, %d times unwrapped, %v", len(infos), counting.unwraps, err)
	}
}
