package keys

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// KEK is a key encryption key: it wraps the ring key, which encrypts the ring. It
// comes from [KeyFile], [RawKey] or [Passphrase]. A lost KEK is final: nothing
// else opens the ring. A KEK is safe for concurrent use and prints as
// [redacted].
type KEK interface {
	// id names the slot of this KEK in the ring; slots are never tried in turn.
	id() string
	wrap(ringKey []byte) (string, error)
	unwrap(jwe string) ([]byte, error)
}

const (
	rawKeySize    = 32 // bytes
	ringKeySize   = 64 // bytes: A256CBC-HS512
	wrappedSize   = ringKeySize + 8
	passphraseID  = "passphrase"
	passphraseMin = 1

	pbkdf2Rounds    = 600_000
	maxPBKDF2Rounds = 1_000_000
	saltSize        = 16 // bytes
)

// hidden keeps secret bytes behind a closure: fmt and slog walk unexported
// fields and print what they find there.
type hidden func() []byte

func hide(b []byte) hidden {
	b = bytes.Clone(b)
	return func() []byte { return b }
}

// RawKey makes a KEK of exactly 32 random bytes, for those who keep them in a
// secret manager; [KeyFile] reads them from a file. It returns [ErrKEK] for any
// other length.
func RawKey(key []byte) (KEK, error) {
	if len(key) != rawKeySize {
		return nil, fmt.Errorf("%w: it has %d bytes and must have exactly %d random ones", ErrKEK, len(key), rawKeySize)
	}
	sum := sha256.Sum256(append([]byte("sealjwt key encryption key\x00"), key...))
	return &rawKEK{strict.EncodeBase64URL(sum[:12]), hide(key)}, nil
}

// Passphrase makes a KEK of a passphrase, stretched with PBKDF2-HMAC-SHA-512 at
// 600 000 rounds (about half a second each time the ring key is unwrapped). A
// key file is stronger than any passphrase that a person remembers. It returns
// [ErrKEK] for an empty one.
func Passphrase(passphrase []byte) (KEK, error) {
	if len(passphrase) < passphraseMin {
		return nil, fmt.Errorf("%w: the passphrase is empty", ErrKEK)
	}
	return &passphraseKEK{hide(passphrase)}, nil
}

type rawKEK struct {
	name string
	key  hidden
}

func (k *rawKEK) id() string { return k.name }

func (k *rawKEK) wrap(ringKey []byte) (string, error) {
	return encryptJWE(jose.Recipient{Algorithm: jose.A256KW, Key: k.key()}, ringKey)
}

func (k *rawKEK) unwrap(jwe string) ([]byte, error) {
	p, err := splitJWE(jwe)
	if err != nil || string(p.header) != `{"alg":"A256KW","enc":"A256CBC-HS512"}` {
		return nil, ErrUnreadable
	}
	return decryptJWE(jwe, jose.A256KW, k.key())
}

type passphraseKEK struct{ passphrase hidden }

// The id says nothing about the passphrase: a digest of it would let a thief of
// the file guess without paying for PBKDF2.
func (k *passphraseKEK) id() string { return passphraseID }

func (k *passphraseKEK) wrap(ringKey []byte) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	return encryptJWE(jose.Recipient{
		Algorithm: jose.PBES2_HS512_A256KW, Key: k.passphrase(), PBES2Count: pbkdf2Rounds, PBES2Salt: salt,
	}, ringKey)
}

// pbes2Header is the protected header of a passphrase slot, in the order that
// encoders write.
type pbes2Header struct {
	Alg   string `json:"alg"`
	Enc   string `json:"enc"`
	Count int    `json:"p2c"`
	Salt  string `json:"p2s"`
}

func (k *passphraseKEK) unwrap(jwe string) ([]byte, error) {
	p, err := splitJWE(jwe)
	if err != nil {
		return nil, ErrUnreadable
	}
	var h pbes2Header
	if err := json.Unmarshal(p.header, &h); err != nil {
		return nil, ErrUnreadable
	}
	again, err := json.Marshal(h)
	if err != nil || !bytes.Equal(again, p.header) || h.Alg != string(jose.PBES2_HS512_A256KW) || h.Enc != string(jose.A256CBC_HS512) {
		return nil, ErrUnreadable
	}
	// Before the first round: whoever can write the file chooses rounds and salt.
	salt, err := strict.DecodeBase64URL(h.Salt)
	if err != nil || len(salt) != saltSize || h.Count < 1 || h.Count > maxPBKDF2Rounds {
		return nil, ErrUnreadable
	}
	return decryptJWE(jwe, jose.PBES2_HS512_A256KW, k.passphrase())
}

func (k *rawKEK) Format(f fmt.State, _ rune)          { io.WriteString(f, redacted) }
func (k *rawKEK) LogValue() slog.Value                { return slog.StringValue(redacted) }
func (k *rawKEK) MarshalJSON() ([]byte, error)        { return json.Marshal(redacted) }
func (k *passphraseKEK) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (k *passphraseKEK) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (k *passphraseKEK) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
