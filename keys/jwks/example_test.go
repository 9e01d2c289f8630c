package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"syscall"
	"time"

	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// exampleRing returns a ring in memory. A real ring is in a filestore.
func exampleRing() *keyring.Ring {
	kek, err := keyring.NewKEK([]byte("32 bytes, random in a real ring."))
	if err != nil {
		log.Fatal(err)
	}
	ring, err := keyring.Create(context.Background(), keyring.Config{Store: keyring.NewMemStore(), KEK: kek})
	if err != nil {
		log.Fatal(err)
	}
	return ring
}

// A service publishes the public keys of its ring at a path of its own.
func ExampleNewHandler() {
	publish, err := jwks.NewHandler(exampleRing(), jwks.HandlerConfig{
		OnError: func(err error) { log.Print(err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/jwks.json", publish)
	server := httptest.NewServer(mux)
	defer server.Close()

	res, err := http.Get(server.URL + "/jwks.json")
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Println(res.Status)
	fmt.Println(res.Header.Get("Content-Type"))
	fmt.Println(res.Header.Get("Cache-Control"))
	// Output:
	// 200 OK
	// application/jwk-set+json
	// public, max-age=300, must-revalidate
}

// Each of two parties has a ring. All that a party knows about the other is a URL.
func ExampleRemote() {
	ctx := context.Background()
	publish := func(ring *keyring.Ring) *httptest.Server {
		h, err := jwks.NewHandler(ring, jwks.HandlerConfig{})
		if err != nil {
			log.Fatal(err)
		}
		return httptest.NewServer(h)
	}
	fetch := func(url string) *jwks.Remote {
		remote, err := jwks.NewRemote(jwks.RemoteConfig{URL: url, Report: func(f jwks.FetchResult) {
			if f.Err != nil {
				log.Print(f.Err)
				return
			}
			for _, s := range f.Set.Skipped() {
				log.Printf("key %q is passed over: %v", s.KeyID, s.Reason)
			}
		}})
		if err != nil {
			log.Fatal(err)
		}
		return remote
	}
	idp, api := exampleRing(), exampleRing()
	idpServer, apiServer := publish(idp), publish(api)
	defer idpServer.Close()
	defer apiServer.Close()

	sealer, err := seal.New(seal.Config{
		Issuer:    "https://id.example.com",
		Signing:   idp,
		Recipient: seal.Recipient{Audience: "https://api.example.com", Keys: fetch(apiServer.URL)},
	})
	if err != nil {
		log.Fatal(err)
	}
	opener, err := open.New(open.Config{
		Audience:   "https://api.example.com",
		Trust:      []open.Issuer{{ID: "https://id.example.com", Keys: fetch(idpServer.URL)}},
		Decryption: api,
	})
	if err != nil {
		log.Fatal(err)
	}
	sealed, err := sealer.Seal(ctx, seal.Claims{Subject: "u-42"})
	if err != nil {
		log.Fatal(err)
	}
	token, err := opener.Open(ctx, sealed)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Issuer(), "says", token.Subject())
	// Output: https://id.example.com says u-42
}

// An issuer's metadata say where its keys are. A service asks for them when it starts.
func ExampleDiscover() {
	mux := http.NewServeMux()
	issuer := httptest.NewServer(mux) // a real issuer is on another machine: https://id.example.com
	defer issuer.Close()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"issuer": %q, "jwks_uri": %q}`, issuer.URL, issuer.URL+"/jwks.json")
	})
	publish, err := jwks.NewHandler(exampleRing(), jwks.HandlerConfig{})
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("/jwks.json", publish)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	url, err := jwks.Discover(ctx, issuer.URL, jwks.DiscoverConfig{})
	if err != nil {
		log.Fatal(err)
	}
	idp, err := jwks.NewRemote(jwks.RemoteConfig{URL: url})
	if err != nil {
		log.Fatal(err)
	}
	set, err := idp.PublicKeys(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range set.Keys() {
		fmt.Println(k.Use(), k.Suite())
	}
	// Output:
	// sig ES256
	// sig ES256
	// enc ECDH-ES
}

// Another party chooses the URL. The Transport checks the address after the name was resolved: a
// name that was checked before may lead to another address a moment later.
func ExampleRemoteConfig_transport() {
	shared := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598, which IsPrivate does not know
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		ip := at.Addr().Unmap()
		if !ip.IsGlobalUnicast() || ip.IsPrivate() || shared.Contains(ip) {
			return errors.New("not a public address")
		}
		return nil
	}}
	remote, err := jwks.NewRemote(jwks.RemoteConfig{
		URL:       "https://10.0.0.1/jwks.json",
		Transport: &http.Transport{DialContext: dialer.DialContext},
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = remote.PublicKeys(context.Background(), "")
	fmt.Println(err)
	// Output: jwks: fetching failed: https://10.0.0.1/jwks.json: dial tcp 10.0.0.1:443: not a public address
}

// bearer adds a token to each request. The API server of Kubernetes demands one.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// The set needs a bearer token. A Remote follows redirects only to the same host, so no other host
// sees the token.
func ExampleNewTransport() {
	publish, err := jwks.NewHandler(exampleRing(), jwks.HandlerConfig{})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		publish.ServeHTTP(w, r)
	}))
	defer server.Close()

	cluster, err := jwks.NewRemote(jwks.RemoteConfig{
		URL:       server.URL, // https://kubernetes.default.svc/openid/v1/jwks
		Transport: bearer{"s3cret", jwks.NewTransport(server.URL)},
	})
	if err != nil {
		log.Fatal(err)
	}
	set, err := cluster.PublicKeys(context.Background(), "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(set.Keys()) > 0)
	// Output: true
}
