package jwks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
)

// HandlerConfig says how NewHandler serves a JWK Set.
type HandlerConfig struct {
	// Use selects the keys of one use; a handler serves both uses when it is empty. Serve
	// each use at a path of its own when a verifier refuses the whole set for a key that it
	// does not know, as go-jose does for X25519.
	Use keys.Use

	// MaxAge is the max-age of the answer: for so long clients need not ask again, and may
	// accept a key that was revoked. When zero it is the default MaxAge of keyring.Policy. For
	// a ring the handler uses the MaxAge of the ring's policy and ignores this one.
	MaxAge time.Duration

	// OnError receives the reason why a set was not served, in the goroutine of the
	// request. The client does not learn it. It may be nil.
	OnError func(error)
}

const (
	// sourceTimeout bounds the time that a request, or a reload that it started, spends
	// on a source.
	sourceTimeout = 10 * time.Second
	// reloadWait bounds how long a request waits for the reload of a ring, if it started the
	// reload or has nothing to serve before. Stores answer within milliseconds, unless they are
	// in trouble.
	reloadWait = 100 * time.Millisecond
)

// NewHandler returns a handler that serves the public keys of source as a JWK Set, RFC 7517
// section 5, at whatever path it is mounted. It can serve no private key, because a
// keys.PublicSource has none. The handler answers GET and HEAD, heeds If-None-Match (RFC 9110
// section 13.1.2), never answers with a part of the set, and lets browsers of any origin read
// it: the keys are public, and no credentials protect them. It is safe for concurrent use.
//
// The handler follows a ring as it rotates, without a restart. The ring's store does not hold
// up the answer: the handler serves the ring's snapshot, and the windows of the policy reckon
// with the age of a snapshot. When the ring is due to reload, a request starts the reload and
// waits for a tenth of a second at most. While the store hangs, each handler has one goroutine
// that waits for it, for at most ten seconds if the store heeds its context. Run the ring
// (keyring.Ring.Run) where a revocation must be published within 1.5 s. A set older than the
// policy allows is not served: the answer is 503 and never cached, as it is whenever the source
// fails. To have a wrapper of a ring treated as a ring, embed the ring or give the wrapper its
// method Published.
//
// A source that is not a ring is asked at each request, and has ten seconds to answer.
//
// NewHandler returns [ErrConfig] for a nil source, a Use that does not exist and a negative
// MaxAge.
func NewHandler(source keys.PublicSource, cfg HandlerConfig) (http.Handler, error) {
	switch {
	case nilcheck.IsNil(source):
		return nil, fmt.Errorf("%w: the source is nil; give a ring or a set", ErrConfig)
	case cfg.Use != "" && cfg.Use != keys.UseSig && cfg.Use != keys.UseEnc:
		return nil, fmt.Errorf("%w: HandlerConfig.Use is %q; it must be %q, %q or empty", ErrConfig, cfg.Use, keys.UseSig, keys.UseEnc)
	case cfg.MaxAge < 0:
		return nil, fmt.Errorf("%w: HandlerConfig.MaxAge is %v; it must not be negative", ErrConfig, cfg.MaxAge)
	case cfg.MaxAge == 0:
		cfg.MaxAge = defaultMaxAge
	}
	return &handler{source: source, cfg: cfg}, nil
}

type handler struct {
	source keys.PublicSource
	cfg    HandlerConfig

	// The document served last, which is served again while the source returns the same set.
	last   atomic.Pointer[document]
	flight flight // reloads of the ring
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("X-Content-Type-Options", "nosniff")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.serve(w, r)
	case http.MethodOptions:
		// A browser sends OPTIONS first when a script of another origin sets If-None-Match or
		// Cache-Control.
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
		// A proxy that stored the 503 could turn an outage of a second into one of an hour.
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "the JWK Set is not available", http.StatusServiceUnavailable)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/jwk-set+json")
	// Without must-revalidate a cache may answer with a stale set, and so keep a revoked key
	// alive.
	header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, must-revalidate", int64(maxAge/time.Second)))
	header.Set("Access-Control-Expose-Headers", "ETag")
	d.serve(w, r)
}

// current returns the document to serve, and its max-age.
func (h *handler) current(ctx context.Context) (*document, time.Duration, error) {
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

// publisher is a source that can return its set without asking its store: a keyring.Ring, or a
// wrapper of one. due says that it is time to ask the store.
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

// reload makes the ring load its store, in a goroutine: a read of a file on a network that is
// down does not end when its context does. The request that started the reload waits for it,
// for at most reloadWait. So does a request that has nothing to serve otherwise (needed).
func (h *handler) reload(ctx context.Context, needed bool) {
	done, mine := h.flight.join(always, func() {
		ctx, cancel := context.WithTimeout(context.Background(), sourceTimeout)
		defer cancel()
		h.source.PublicKeys(ctx, "") // reloads; if the error matters, Published returns it afterwards
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

// document is a set as a handler serves it.
type document struct {
	set  *keys.PublicSet // the set of the source, with the keys of both uses
	body []byte
	etag string
}

func newDocument(set *keys.PublicSet, use keys.Use) (*document, error) {
	served := set
	if use != "" {
		served = set.ForUse(use)
	}
	body, err := json.Marshal(served)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &document{set, body, `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`}, nil
}

// serve answers with the body, or with 304 (RFC 9110 section 13.1.2). It sends no
// Last-Modified, whose unit is a second: two sets within a second would count as the same. It
// ignores ranges and all conditions but If-None-Match: any client can send one, and a shared
// cache may store the 412 or the partial answer and hand it to every other client.
func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", d.etag)
	asked := r.WithContext(r.Context()) // the caller's own header stays as it is
	// Several lines are one list, RFC 9110 section 5.3. ServeContent reads the first one only.
	asked.Header = http.Header{"If-None-Match": {strings.Join(r.Header.Values("If-None-Match"), ", ")}}
	http.ServeContent(w, asked, "", time.Time{}, bytes.NewReader(d.body))
}
