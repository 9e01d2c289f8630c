package sessions

import (
	"bytes"
	"encoding/base64"
	"os"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// An earlier version wrote a document of keys, rows and refresh tokens. They open for ever. The KEK
// is 32 bytes of 7.
func TestDocumentGolden(t *testing.T) {
	kek := must(keyring.NewKEK(bytes.Repeat([]byte{7}, 32)))(t)
	store, c := NewMemStore(), newClock()
	cfg := Config{Issuer: testIssuer, Store: store, KEK: kek, TokenLifetime: testConfig(t, store).TokenLifetime}
	doc := must(os.ReadFile("testdata/document-v1.json"))(t)
	must(store.SwapKeys(t.Context(), "", doc))(t)
	sealed := must(base64.RawURLEncoding.DecodeString(string(must(os.ReadFile("testdata/row-v1.b64"))(t))))(t)
	token := string(must(os.ReadFile("testdata/refresh-v1.txt"))(t))

	r := registryOf(t, cfg, c)
	v := must(r.vault(t.Context(), 0))(t)
	row := Row{ID: ID{1, 2, 3}, Version: 1, Key: v.current().id, Sealed: sealed, Started: testStart, Generation: 1}
	r.touch(&row, testStart)
	row.User, row.Entry = v.current().index("u-42"), entryOf(kindSession, testIssuer, row.ID.String())
	must(store.Start(t.Context(), row, 9, testStart))(t)
	s, _ := refreshed(t, r, token)
	if s.Subject != "u-42" || s.Device != (Device{"Ada's phone", "Mozilla/5.0", "203.0.113.0/24"}) {
		t.Errorf("the session is %+v", s)
	}
}
