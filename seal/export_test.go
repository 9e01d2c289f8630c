package seal

import (
	"context"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// SetNow replaces the clock of Seal.
func (s *Sealer) SetNow(now func() time.Time) { s.now = now }

// Sign and Encrypt are the two steps. Tests call them with keys that no set would give.
func Sign(k *keys.Key) error {
	_, err := newScratch().appendSigned(context.Background(), nil, k, DefaultType, []byte("{}"))
	return err
}

func Encrypt(k *keys.Key) error {
	_, err := newScratch().appendEncrypted(nil, k, keys.A256GCM, protectedHeader{}, nil)
	return err
}
