package stores

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open/sessions"
)

// No table holds a subject, a device, a token or a key in the clear.
func TestNoPersonalDataInTables(t *testing.T) {
	onEach(t, func(t *testing.T, e engine, place func(testing.TB) string) {
		s, db := e.openDB(t, place(t))
		key := make([]byte, 32)
		rand.Read(key)
		kek, err := keyring.NewKEK(key)
		if err != nil {
			t.Fatal(err)
		}
		r, err := sessions.New(sessions.Config{Issuer: "https://id.example.com", Store: s, KEK: kek, TokenLifetime: time.Minute, KeepAddress: true})
		if err != nil {
			t.Fatal(err)
		}
		d := sessions.Device{Name: "canary-name", Agent: "canary-agent", Addr: "198.51.100.77"}
		needles := []string{"canary", "198.51.100", string(key)}
		for range 3 {
			session, token, err := r.Start(t.Context(), "canary-subject", d)
			if err != nil {
				t.Fatal(err)
			}
			_, next, err := r.Refresh(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			needles = append(needles, token, token[56:], next, next[56:])
			if _, err := r.EndOthers(t.Context(), "canary-subject", session.ID); err != nil {
				t.Fatal(err)
			}
		}
		dump := ""
		for _, table := range []string{"session", "revoked", "revision", "registry"} {
			rows, err := db.Query("SELECT * FROM sealjwt_" + table)
			if err != nil {
				t.Fatal(err)
			}
			columns, _ := rows.Columns()
			n := 0
			for ; rows.Next(); n++ {
				row := make([][]byte, len(columns))
				into := make([]any, len(columns))
				for i := range row {
					into[i] = &row[i]
				}
				if err := rows.Scan(into...); err != nil {
					t.Fatal(err)
				}
				for _, column := range row {
					dump += string(column) + fmt.Sprintf(" %x\n", column)
				}
			}
			if err := rows.Err(); err != nil || n == 0 {
				t.Fatalf("table %s has %d rows, %v", table, n, err)
			}
		}
		for _, needle := range slices.Compact(needles) {
			if strings.Contains(dump, needle) || strings.Contains(dump, fmt.Sprintf("%x", needle)) {
				t.Errorf("the tables hold %q", needle)
			}
		}
	})
}
