package stores

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open/sessions"
)

// BenchmarkRegistry measures one user at a time. The disk takes most of the time of a write.
func BenchmarkRegistry(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			key := make([]byte, 32)
			rand.Read(key)
			kek, err := keyring.NewKEK(key)
			if err != nil {
				b.Fatal(err)
			}
			r, err := sessions.New(sessions.Config{Issuer: "https://id.example.com", Store: e.open(b, e.start(b)(b)), KEK: kek, TokenLifetime: 15 * time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			type device struct{ subject, id, token string }
			var started []device
			b.Run("Start", func(b *testing.B) {
				for b.Loop() {
					subject := fmt.Sprint("user ", len(started)/5)
					s, token, err := r.Start(b.Context(), subject, sessions.Device{Name: "a device", Agent: "Mozilla/5.0"})
					if err != nil {
						b.Fatal(err)
					}
					started = append(started, device{subject, s.ID, token})
				}
			})
			b.Run("Refresh", func(b *testing.B) {
				token := started[0].token
				for b.Loop() {
					if _, token, err = r.Refresh(b.Context(), token); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("List", func(b *testing.B) {
				for b.Loop() {
					if _, err := r.List(b.Context(), "user 0"); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("End", func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					s, _, err := r.Start(b.Context(), "ends", sessions.Device{})
					if err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					if err := r.End(b.Context(), "ends", s.ID); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
