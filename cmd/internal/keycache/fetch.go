package keycache

import (
	"context"
	"errors"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

// Fetch says how keys are fetched from a URL.
type Fetch struct {
	Timeout      time.Duration
	ContentTypes []string // media types that are accepted besides the usual ones
	Header       *Header  // the lines of --header-file; nil: none
	Issuer       string   // the issuer whose metadata name the URL; empty for a URL that the user typed
}

// config returns the configuration of a Remote for a URL.
func (f Fetch) config(url string) jwks.RemoteConfig {
	return jwks.RemoteConfig{
		URL: url, Timeout: f.Timeout, AllowContentType: f.ContentTypes, Transport: f.Header.Transport(url),
	}
}

// Discover returns the URL of the JWK Set that the metadata of the issuer name.
func (f Fetch) Discover(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	url, err := jwks.Discover(ctx, f.Issuer, jwks.DiscoverConfig{Transport: f.Header.Transport(f.Issuer), AllowContentType: f.ContentTypes})
	if errors.Is(err, jwks.ErrURL) && errors.Is(err, jwks.ErrMetadata) { // a URL of the issuer, not of the user
		return "", &console.Failure{Err: err, Code: console.ExitKey, Advice: "tell the issuer"}
	}
	if errors.Is(err, jwks.ErrURL) {
		return "", f.explainURL(err, f.Issuer)
	}
	if err != nil {
		return "", f.explainFetch(err)
	}
	return url, nil
}
