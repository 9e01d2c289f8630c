package sessions_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open/sessions"
)

// A user logs in on two devices, and uses one of them to log out the other.
func ExampleRegistry() {
	ctx := context.Background()
	key := make([]byte, 32) // a service reads it with keyring.KEKFile
	rand.Read(key)
	kek, err := keyring.NewKEK(key)
	if err != nil {
		log.Fatal(err)
	}
	registry, err := sessions.New(sessions.Config{
		Issuer:        "https://id.example.com",
		Store:         sessions.NewMemStore(), // a service takes package sqlstore
		KEK:           kek,
		TokenLifetime: 15 * time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	phone, phoneRefresh, err := registry.Start(ctx, "u-42", sessions.Device{Name: "Ada's phone", Addr: "203.0.113.77:4711"})
	if err != nil {
		log.Fatal(err)
	}
	laptop, laptopRefresh, err := registry.Start(ctx, "u-42", sessions.Device{Name: "Ada's laptop", Addr: "198.51.100.7:4711"})
	if err != nil {
		log.Fatal(err)
	}

	list, err := registry.List(ctx, "u-42")
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range list {
		fmt.Println(s.Device.Name, s.Device.Addr, s.ID == laptop.ID)
	}

	if err := registry.End(ctx, "u-42", phone.ID); err != nil {
		log.Fatal(err)
	}
	_, _, err = registry.Refresh(ctx, phoneRefresh)
	fmt.Println(errors.Is(err, sessions.ErrEnded))
	_, laptopRefresh, err = registry.Refresh(ctx, laptopRefresh) // keep the new one
	fmt.Println(len(laptopRefresh), err)
	// Unordered output:
	// Ada's phone 203.0.113.0/24 false
	// Ada's laptop 198.51.100.0/24 true
	// true
	// 82 <nil>
}
