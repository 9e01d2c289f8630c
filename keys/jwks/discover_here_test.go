package jwks

import (
	"errors"
	"testing"
)

// An issuer on another machine cannot make a service fetch from its own machine, however the issuer
// writes the address.
func TestDiscoverElsewhereNotHere(t *testing.T) {
	const issuer = "https://id.example.com"
	discover := func(issuer, host string) error {
		at := issuer + "/.well-known/openid-configuration"
		_, err := Discover(t.Context(), issuer, DiscoverConfig{Transport: pages{at: metadata(issuer, "https://"+host+"/jwks")}})
		return err
	}
	here := []string{
		"localhost", "LocalHost:8443", "localhost.", "localhost..", "a.localhost", "a.b.LOCALHOST.", "127.0.0.1", "127.0.0.1.", "127.1.2.3",
		"0.0.0.0", "0.0.0.0.", "[::]", "[::1]", "[::1%25lo]", "[::%25lo]", "[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]", "[0:0:0:0:0:0:0:1]",
	}
	disguised := []string{
		"127.1", "127.0.1", "2130706433", "0", "0.", "0x7f.1", "0x7f000001", "127.0.0.0x1", "0177.0.0.1", "127.0.0.01", "256.0.0.1", "1.2.3.4.5",
		"１２７.0.0.1", "ｌocalhost", "127。0。0。1", "%EF%BD%8Cocalhost", "bücher.example", "...",
	}
	for _, host := range append(here, disguised...) {
		if err := discover(issuer, host); !errors.Is(err, ErrURL) {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{
		"id.example.com", "id.example.com.", "localhost.example.com", "mylocalhost", "127.0.0.1.example.com", "1.example", "a.x0", "a1", "xn--bcher-kva.example",
		"10.0.0.1", "192.0.2.1:8443", "[2001:db8::1]", "[fe80::1%25eth0]", "a.0b",
	} {
		if err := discover(issuer, host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range here {
		if err := discover("https://dev.localhost", host); err != nil {
			t.Errorf("%s, of an issuer here: %v", host, err)
		}
	}
	for _, host := range disguised {
		if err := discover("https://localhost", host); !errors.Is(err, ErrURL) {
			t.Errorf("%s, of an issuer here: %v", host, err)
		}
	}
}
