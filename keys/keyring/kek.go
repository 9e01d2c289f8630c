package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/internal/kekfile"
	"github.com/sealjwt/sealjwt/keys/internal/ringjwe"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// KEK is a key encryption key: it wraps the ring key, which encrypts the ring. It comes from
// [KEKFile], [NewKEK] or [PassphraseKEK], or from a program that keeps it in a KMS. Only its
// KEKs open a ring, so if all are lost, the ring is lost for good. A KEK is safe for concurrent
// use. The KEKs of this package print as [redacted].
type KEK interface {
	// ID returns the name of this KEK's slot in the ring, which has one slot for each ID. It
	// is the same in every process, and not a secret: 1 to 256 characters of printable ASCII.
	ID() string
	// Wrap encrypts the 64 bytes of a ring key. It keeps no reference to ringKey.
	Wrap(ctx context.Context, ringKey []byte) (WrappedKey, error)
	// Unwrap decrypts a ring key. It returns [ErrUnreadable] for one that this KEK did not
	// wrap.
	Unwrap(ctx context.Context, wrapped WrappedKey) ([]byte, error)
}

// WrappedKey is a ring key as a slot of the ring keeps it.
type WrappedKey struct {
	JWE string // compact JWE with A256CBC-HS512, so that JOSE tools that have the KEK open it

	// Wrapped is for a KEK in a KMS that wraps only a few bytes. Then JWE is encrypted under a
	// key of its own, and Wrapped is this key as the KMS wrapped it, as any UTF-8 text. The
	// ring keeps it as it is; with JWE and the id it takes at most 32 KiB. It is empty for the
	// KEKs of this package.
	Wrapped string
}

const (
	rawKeySize    = kekfile.Size
	ringKeySize   = ringjwe.KeySize
	passphraseID  = "passphrase"
	minPassphrase = 1

	pbkdf2Rounds    = 600_000
	maxPBKDF2Rounds = 1_000_000
	saltSize        = 16 // bytes

	// maxSlot is the greatest length in bytes of a slot, as JSON spells it. All slots together
	// take half of the room that a revocation has beyond maxRing.
	maxSlot = 32 << 10
)

// check refuses a slot that a ring cannot keep, which a caller's KEK may make. JSON replaces
// bytes that are not UTF-8, and then the slot would not open again.
func (s slot) check() error {
	text, err := json.Marshal(s)
	switch {
	case err != nil:
		return err
	case jwk.CheckKeyID(s.KEK) != nil:
		return fmt.Errorf("%w: its id must be 1 to 256 characters of printable ASCII", ErrKEK)
	case !utf8.ValidString(s.JWE + s.Wrapped):
		return fmt.Errorf("%w: %s wrapped to bytes that are not text: give them in base64url", ErrKEK, s.KEK)
	case len(text) > maxSlot:
		return fmt.Errorf("%w: what %s wrapped takes %d bytes in the ring, which takes at most %d", ErrKEK, s.KEK, len(text), maxSlot)
	}
	return nil
}

// secretBytes keeps bytes behind a closure: fmt and slog walk unexported fields and
// print the bytes that they find there.
type secretBytes func() []byte

func newSecret(b []byte) secretBytes {
	b = bytes.Clone(b)
	return func() []byte { return b }
}

// NewKEK makes a KEK of exactly 32 random bytes, for a service that keeps them in a
// secret manager; [KEKFile] reads them from a file. It returns [ErrKEK] for any
// other length.
func NewKEK(key []byte) (KEK, error) {
	if len(key) != rawKeySize {
		return nil, fmt.Errorf("%w: it has %d bytes and must have exactly %d random ones", ErrKEK, len(key), rawKeySize)
	}
	labelled := append([]byte("sealjwt key encryption key\x00"), key...)
	defer clear(labelled)
	sum := sha256.Sum256(labelled)
	return &rawKEK{secret{}, strict.EncodeBase64URL(sum[:12]), newSecret(key)}, nil
}

// KEKFile reads a KEK from a file, as [CreateKEKFile] or a secret manager makes it:
//   - exactly 32 random bytes, or
//   - the Base64 form of 32 bytes (RFC 4648 section 4 or 5, with or without padding), and at
//     most one line ending (LF or CRLF) behind it.
//
// KEKFile refuses 32 characters of printable ASCII: openssl rand -hex 16 prints such a text,
// and it has half the strength. To open an older ring whose key file holds such a text, write
// the text in Base64.
//
// The file may be a symbolic link (Kubernetes mounts secrets as links) or a pipe, such as the
// shell's <(…); KEKFile reads at most 64 bytes of a pipe, and waits for them at most a minute on
// Linux. The mode of the file must be 0640 or narrower. On macOS a file that its group may read
// must not belong to the group staff, which has every user. On Linux two more modes pass, because
// platforms set them: group write on a volume with an fsGroup of Kubernetes (owner, group and
// setgid folder as package filestore describes), and mode 0644 or narrower for a file of root on
// a read-only mount.
//
// It returns [ErrKEK], and fs.ErrNotExist beside it when the file does not exist. The text
// says how many bytes the file has, and never their values.
func KEKFile(path string) (KEK, error) { return fileKEK(kekfile.Read(path)) }

// CreateKEKFile writes 32 random bytes to a new file of mode 0600, making its folder if
// need be, and returns them as a KEK. The KEK that it returns is on the disk.
//
// CreateKEKFile never replaces a file. It returns [ErrKEK], and fs.ErrExist beside it when there
// is a file. Of several processes that call it at once for one path, one makes the file. The
// others get fs.ErrExist, and can read that file with [KEKFile].
//
// CreateKEKFile removes temporary files of an earlier call that was killed. If that call made
// the KEK file but did not sync the folder, CreateKEKFile syncs it before it returns
// fs.ErrExist.
func CreateKEKFile(path string) (KEK, error) { return fileKEK(kekfile.Create(path)) }

func fileKEK(key []byte, err error) (KEK, error) {
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKEK, err)
	}
	defer clear(key)
	return NewKEK(key)
}

// PassphraseKEK makes a KEK of a passphrase, stretched with PBKDF2-HMAC-SHA-512 at 600 000 rounds
// (RFC 8018), which takes about half a second each time the KEK wraps or unwraps a key. A key
// file is stronger than any passphrase that a person remembers. It returns [ErrKEK] for an empty
// passphrase.
func PassphraseKEK(passphrase []byte) (KEK, error) {
	if len(passphrase) < minPassphrase {
		return nil, fmt.Errorf("%w: the passphrase is empty", ErrKEK)
	}
	return &passphraseKEK{passphrase: newSecret(passphrase)}, nil
}

func wrapped(jwe string, err error) (WrappedKey, error) { return WrappedKey{JWE: jwe}, err }

type rawKEK struct {
	secret
	name string
	key  secretBytes
}

func (k *rawKEK) ID() string { return k.name }

func (k *rawKEK) Wrap(_ context.Context, ringKey []byte) (WrappedKey, error) {
	return wrapped(ringjwe.Encrypt(jose.Recipient{Algorithm: jose.A256KW, Key: k.key()}, ringKey))
}

func (k *rawKEK) Unwrap(_ context.Context, w WrappedKey) ([]byte, error) {
	p, err := ringjwe.Split(w.JWE)
	if err != nil || string(p.Header) != `{"alg":"A256KW","enc":"A256CBC-HS512"}` {
		return nil, ErrUnreadable
	}
	return ringjwe.Decrypt(w.JWE, jose.A256KW, k.key())
}

type passphraseKEK struct {
	secret
	passphrase secretBytes
}

// The id says nothing about the passphrase: with a digest of the passphrase a thief of the file
// could try passphrases without paying for PBKDF2.
func (k *passphraseKEK) ID() string { return passphraseID }

func (k *passphraseKEK) Wrap(_ context.Context, ringKey []byte) (WrappedKey, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	return wrapped(ringjwe.Encrypt(jose.Recipient{
		Algorithm: jose.PBES2_HS512_A256KW, Key: k.passphrase(), PBES2Count: pbkdf2Rounds, PBES2Salt: salt,
	}, ringKey))
}

// pbes2Header is the protected header of a passphrase slot, in the order in which go-jose writes
// it.
type pbes2Header struct {
	Alg   string `json:"alg"`
	Enc   string `json:"enc"`
	Count int    `json:"p2c"`
	Salt  string `json:"p2s"`
}

func (k *passphraseKEK) Unwrap(_ context.Context, w WrappedKey) ([]byte, error) {
	p, err := ringjwe.Split(w.JWE)
	if err != nil {
		return nil, ErrUnreadable
	}
	var h pbes2Header
	if err := json.Unmarshal(p.Header, &h); err != nil {
		return nil, ErrUnreadable
	}
	again, err := json.Marshal(h)
	if err != nil || !bytes.Equal(again, p.Header) || h.Alg != string(jose.PBES2_HS512_A256KW) || h.Enc != string(jose.A256CBC_HS512) {
		return nil, ErrUnreadable
	}
	// Checked before the first round: an attacker who can write the file chooses the number of
	// rounds and the salt, and many rounds are a denial of service.
	salt, err := strict.DecodeBase64URL(h.Salt)
	if err != nil || len(salt) != saltSize || h.Count < 1 || h.Count > maxPBKDF2Rounds {
		return nil, ErrUnreadable
	}
	return ringjwe.Decrypt(w.JWE, jose.PBES2_HS512_A256KW, k.passphrase())
}

// secret makes the type that embeds it print as [redacted].
type secret struct{}

func (secret) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, redacted)
	}
}
func (secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
