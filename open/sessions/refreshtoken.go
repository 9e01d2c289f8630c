package sessions

import (
	"crypto/hmac"
	"encoding/binary"

	"github.com/sealjwt/sealjwt/keys/strict"
)

const (
	refreshVersion = 1
	keyIDSize      = 4 // bytes
	macSize        = 32

	refreshSize = 1 + keyIDSize + len(ID{}) + 8 + macSize
)

// refreshToken is a refresh token: base64url of version, key id, sid, generation and a MAC over
// them. The store holds neither tokens nor their hashes, and the registry key only encrypted, so a
// reader of the database cannot make a token. A token of a session that has ended is refused
// because the session has no row.
type refreshToken struct {
	key        string // id of the registry key
	id         ID
	generation uint64
	mac        []byte
}

// head returns the token without its MAC.
func (t refreshToken) head() ([]byte, error) {
	id, err := strict.DecodeBase64URL(t.key)
	if err != nil || len(id) != keyIDSize {
		return nil, ErrDamaged
	}
	b := append([]byte{refreshVersion}, id...)
	b = append(b, t.id[:]...)
	return binary.BigEndian.AppendUint64(b, t.generation), nil
}

// refresh returns the refresh token of a generation. Each call returns the same text, so Refresh
// can repeat an answer.
func (k *registryKey) refresh(id ID, generation uint64) (string, error) {
	t := refreshToken{key: k.id, id: id, generation: generation}
	head, err := t.head()
	if err != nil {
		return "", err
	}
	return strict.EncodeBase64URL(append(head, k.mac(t)...)), nil
}

// mac returns the MAC of a token. The issuer need not be in the text, because the key was derived
// for one issuer.
func (k *registryKey) mac(t refreshToken) []byte {
	return mac(k.refreshing, fields([]byte{refreshVersion}, []byte(t.key), t.id[:], number(t.generation)))
}

// isAuthentic compares the MAC in constant time.
func (k *registryKey) isAuthentic(t refreshToken) bool { return hmac.Equal(t.mac, k.mac(t)) }

// parseRefresh reads a refresh token and does not check its MAC: isAuthentic does. It returns
// [ErrInvalidRefresh] for a text of another form.
func parseRefresh(text string) (refreshToken, error) {
	if len(text) != (refreshSize*8+5)/6 {
		return refreshToken{}, ErrInvalidRefresh
	}
	b, err := strict.DecodeBase64URL(text)
	if err != nil || len(b) != refreshSize || b[0] != refreshVersion {
		return refreshToken{}, ErrInvalidRefresh
	}
	b = b[1:]
	t := refreshToken{key: strict.EncodeBase64URL(b[:keyIDSize])}
	b = b[keyIDSize:]
	t.id, b = ID(b), b[len(ID{}):]
	t.generation, t.mac = binary.BigEndian.Uint64(b), b[8:]
	return t, nil
}
