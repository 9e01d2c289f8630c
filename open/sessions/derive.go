package sessions

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// The uses of a key: forDocument of the root key, which encrypts the registry's document, and the
// others of a registry key. Neither key is used itself: HKDF-SHA-256 (RFC 5869) derives another key
// from it, with one of these texts and the issuer as info. So no two uses and no two issuers share
// a key.
const (
	forDocument = "sealjwt/sessions/v1 document"
	forRefresh  = "sealjwt/sessions/v1 refresh"
	forSubject  = "sealjwt/sessions/v1 subject"
	forDevice   = "sealjwt/sessions/v1 device"
)

const keySize = 32 // length in bytes of the root key, a registry key and each derived key

// derive returns the key that is derived from secret for a use, an issuer and the parts in more.
func derive(secret []byte, use, issuer string, more ...[]byte) []byte {
	info := fields(append([][]byte{[]byte(use), []byte(issuer)}, more...)...)
	key, err := hkdf.Key(sha256.New, secret, nil, string(info), keySize)
	if err != nil {
		panic("sessions: HKDF-SHA-256 gives 32 bytes: " + err.Error())
	}
	return key
}

// fields joins parts, each with its length before it, so that two different lists of parts never
// give the same text.
func fields(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

// encrypt encrypts a text with AES-256-GCM, and authenticates bound with it. The result begins
// with the random nonce.
func encrypt(key, text, bound []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, text, bound), nil
}

// decrypt decrypts the result of encrypt. It returns [ErrDamaged] if the key, bound or the
// ciphertext is another one.
func decrypt(key, sealed, bound []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	text, err := aead.Open(nil, nil, sealed, bound)
	if err != nil {
		return nil, ErrDamaged
	}
	return text, nil
}

// newAEAD returns AES-GCM that makes its own random nonces: FIPS 140-3 approves AES-GCM only if
// the cryptographic module makes the nonce.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// index returns the keyed hash of a subject, under which the store finds the subject's sessions.
func (k *registryKey) index(subject string) User { return User(mac(k.subject, []byte(subject))) }

// identity is the part of a row that is encrypted: the subject and the device.
type identity struct{ Subject, Name, Agent, Addr string }

func (i identity) text() []byte {
	return fields([]byte(i.Subject), []byte(i.Name), []byte(i.Agent), []byte(i.Addr))
}

// parseIdentity reads the result of the method text. ok is false for any other bytes.
func parseIdentity(b []byte) (i identity, ok bool) {
	for _, part := range []*string{&i.Subject, &i.Name, &i.Agent, &i.Addr} {
		if len(b) < 4 || uint64(len(b)-4) < uint64(binary.BigEndian.Uint32(b)) {
			return identity{}, false
		}
		end := 4 + binary.BigEndian.Uint32(b)
		*part, b = string(b[4:end]), b[end:]
	}
	return i, len(b) == 0
}

// seal encrypts subject and device into a row. Each session has a key of its own, so that no key
// encrypts so often that random nonces could repeat. The ciphertext is bound to all other columns
// except the version: an attacker who writes to the database can neither mix the columns of two
// rows nor change a generation alone. If the attacker puts a whole older row back, open decrypts
// it; then the next Refresh with a newer token finds that out, unless an operator has called Accept
// since the row was written.
func (k *registryKey) seal(row *Row, issuer, subject string, d Device) error {
	row.Key, row.User, row.Entry = k.id, k.index(subject), entryOf(kindSession, issuer, row.ID.String())
	sealed, err := encrypt(derive(k.secret(), forDevice, issuer, row.ID[:]), identity{subject, d.Name, d.Agent, d.Addr}.text(), row.bound())
	row.Sealed = sealed
	return err
}

// open decrypts a row. It returns [ErrDamaged] if a column other than the version was changed since
// this key sealed the row.
func (k *registryKey) open(row Row, issuer string) (identity, error) {
	text, err := decrypt(derive(k.secret(), forDevice, issuer, row.ID[:]), row.Sealed, row.bound())
	if err != nil {
		return identity{}, fmt.Errorf("%w: session %s", err, row.ID)
	}
	who, ok := parseIdentity(text)
	if !ok || k.index(who.Subject) != row.User {
		return identity{}, ErrDamaged
	}
	return who, nil
}

// bound returns the columns of a row that its ciphertext authenticates: all except Sealed itself
// and the version, which the store counts up.
func (row Row) bound() []byte {
	seconds := func(t time.Time) []byte { return number(uint64(t.Unix())) }
	return fields(row.ID[:], row.User[:], row.Entry[:], []byte(row.Key), seconds(row.Started), seconds(row.Seen), seconds(row.Expires),
		number(row.Generation), number(uint64(row.Turned.UnixMilli())))
}
