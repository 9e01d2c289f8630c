package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// HandlerConfig says how a JWK Set is served. It is copied by Handler.
type HandlerConfig struct {
	// Use is the only use whose keys are served; both when empty. Serve one each where
	// verifiers read the set that refuse it as a whole for a key they do not know, as
	// go-jose does for X25519.
	Use keys.Use

	// MaxAge is for how long others need not ask again, and with that how long they
	// may accept a key that was revoked; that of keyring.DefaultPolicy when zero. A ring
	// has its own, in its policy, and this one does not count.
	MaxAge time.Duration

	// OnError is told why a set was not served, from the goroutine of the request. The
	// client is not told. It may be nil.
	OnError func(error)
}

const (
	// sourceTimeout bounds how long a request, or a reload that it started, is spent
	// on a source.
	sourceTimeout = 10 * time.Second
	// reloadWait is how long a request waits for a reload of a ring that it started, or
	// without which there is nothing to serve: stores answer within milliseconds, or
	// are in trouble.
	reloadWait = 100 * time.Millisecond
)

// Handler serves the public keys of source as a JWK Set, RFC 7517 section 5, at
// whatever path it is mounted. Nothing private can pass through a source's type. It
// answers GET and HEAD, with If-None-Match (RFC 9110 section 13.1.2) but whole always, and
// browsers of any origin: the keys are public, and there are no credentials that could go
// with them.
//
// A ring is followed as it rotates, without a restart. Its store does not hold up the
// answer: what is served is the ring's snapshot, the age of which the windows of its
// policy reckon with. If it is due to be reloaded, a request starts that and waits for
// a tenth of a second at most; a store that hangs keeps one goroutine for each Handler,
// for ten seconds or until it answers. Run the ring (keyring.Ring.Run) where a revocation
// shall be published within 1.5 s. A set older than the policy allows is not served:
// the answer is 503 and never cached, as it is whenever the source fails. A wrapper of a
// ring that shall be treated as one embeds it, or has its method Published.
//
// Other sources are asked for each request, and have ten seconds.
func Handler(source keys.PublicSource, c HandlerConfig) http.Handler {
	h := &handler{source: source, cfg: c}
	if h.cfg.MaxAge == 0 {
		h.cfg.MaxAge = defaultMaxAge
	}
	return h
}

type handler struct {
	source keys.PublicSource
	cfg    HandlerConfig

	last   atomic.Pointer[document] // that was served, which is mostly that to be served
	flight flight                   // reloads of the ring
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("X-Content-Type-Options", "nosniff")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.serve(w, r)
	case http.MethodOptions:
		// A browser asks first when a script sends If-None-Match or Cache-Control.
		header.Set("Access-Control-Allow-Methods", "GET, HEAD")
		header.Set("Access-Control-Allow-Headers", "*")
		header.Set("Access-Control-Max-Age", "86400")
		header.Set("Allow", allowed)
		w.WriteHeader(http.StatusNoContent)
	default:
		header.Set("Allow", allowed)
		header.Set("Cache-Control", "no-store")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

const allowed = "GET, HEAD, OPTIONS"

func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	d, maxAge, err := h.current(r.Context())
	if err != nil {
		if h.cfg.OnError != nil {
			h.cfg.OnError(fmt.Errorf("jwks: not served: %w", err))
		}
		// A proxy that kept it would make an outage of a second one of an hour.
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "the JWK Set is not available", http.StatusServiceUnavailable)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/jwk-set+json")
	// A cache that goes on with a stale set, as it may, keeps revoked keys alive.
	header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, must-revalidate", int64(maxAge/time.Second)))
	header.Set("Access-Control-Expose-Headers", "ETag")
	d.serve(w, r)
}

// current is the document to serve, and its max-age.
func (h *handler) current(ctx context.Context) (*document, time.Duration, error) {
	if err := h.check(); err != nil {
		return nil, 0, err
	}
	set, maxAge, err := h.published(ctx)
	if err == nil && set == nil {
		err = errors.New("the source has no set and no error")
	}
	if err != nil {
		return nil, 0, err
	}
	d := h.last.Load()
	if d == nil || d.set != set {
		if d, err = newDocument(set, h.cfg.Use); err != nil {
			return nil, 0, err
		}
		h.last.Store(d)
	}
	return d, maxAge, nil
}

// check tells a configuration that cannot work to OnError, at each request: a use with
// a slip of the pen would serve an empty set, and nobody would look for the reason here.
func (h *handler) check() error {
	switch {
	case h.source == nil:
		return errors.New("no source was configured")
	case h.cfg.Use != "" && h.cfg.Use != keys.UseSig && h.cfg.Use != keys.UseEnc:
		return fmt.Errorf("HandlerConfig.Use is %q; it must be %q, %q or empty", h.cfg.Use, keys.UseSig, keys.UseEnc)
	case h.cfg.MaxAge < 0:
		return fmt.Errorf("HandlerConfig.MaxAge is %v; it must not be negative", h.cfg.MaxAge)
	}
	return nil
}

// publisher is a source that need not ask its store: a keyring.Ring.
type publisher interface {
	Published() (set *keys.PublicSet, maxAge time.Duration, due bool, err error)
}

func (h *handler) published(ctx context.Context) (*keys.PublicSet, time.Duration, error) {
	ring, ok := h.source.(publisher)
	if !ok {
		ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
		defer cancel()
		set, err := h.source.PublicKeys(ctx, "")
		return set, h.cfg.MaxAge, err
	}
	set, maxAge, due, err := ring.Published()
	if due {
		h.reload(ctx, err != nil)
		set, maxAge, _, err = ring.Published()
	}
	return set, maxAge, err
}

// reload has the ring look at its store, in a goroutine: a file on a network that is
// down does not come back for a context that ends. Only those wait that started it, or
// that need it.
func (h *handler) reload(ctx context.Context, needed bool) {
	done, mine := h.flight.join(always, func() {
		ctx, cancel := context.WithTimeout(context.Background(), sourceTimeout)
		defer cancel()
		h.source.PublicKeys(ctx, "") // its error is that of Published, if it matters
	})
	if !mine && !needed {
		return
	}
	timer := time.NewTimer(reloadWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func always() bool { return true }
